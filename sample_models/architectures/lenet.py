"""LeNet (LeCun et al. 1998): two convolutions, each pooled, and three affine maps."""

from dataclasses import dataclass

from torch import nn

from sample_models.architectures.activations import activation, check_positive

__all__ = ["Config", "build", "candidates"]

POOLING = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
IMAGES = (28, 32, 8, 16, 64, 96)  # heights that candidates try, the usual ones first


@dataclass(frozen=True)
class Config:
    """Convolution, activation, pooling of 2, twice; then `hidden` affine layers.

    The defaults are LeNet-5's widths on 28 x 28 images (the first convolution pads them to 32 x 32), every channel of
    the second convolution seeing all of the first, and the output an affine map, as everybody has done since.

    Attributes
    ----------
    channels, image : int
        Input of shape (channels, image, image).
    convolutions : tuple of two int
        Channels of the convolutions.
    kernel, padding : int
        Side of both kernels; zeros around the input of the first.
    hidden : tuple of int
        Widths between the convolutions and the `classes`.
    activation : str
    pooling : {"max", "average"}
    batch_norm : bool
        After each convolution.
    """

    channels: int = 1
    image: int = 28
    convolutions: tuple[int, int] = (6, 16)
    kernel: int = 5
    padding: int = 2
    hidden: tuple[int, ...] = (120, 84)
    classes: int = 10
    activation: str = "relu"
    pooling: str = "max"
    batch_norm: bool = False

    def __post_init__(self):
        sizes = ("channels", "image", "convolutions", "kernel", "hidden", "classes")
        check_positive(**{size: getattr(self, size) for size in sizes})
        if len(self.convolutions) != 2:
            raise ValueError(f"LeNet has two convolutions; got {self.convolutions!r} channels.")
        if self.pooling not in POOLING:
            raise ValueError(f'pooling is "max" or "average"; got {self.pooling!r}.')
        if self.side < 1:
            raise ValueError(
                f"nothing is left of an image of {self.image} pixels after kernels of {self.kernel}: take smaller ones."
            )

    @property
    def side(self):
        """Side of the image after both convolutions and poolings."""
        return _side(self.image, self.kernel, self.padding)


def build(config):
    """The model of `config`: (batch, channels, image, image) -> (batch, classes).

    >>> sum(p.numel() for p in build(Config()).parameters())
    61706
    """
    first, second = config.convolutions
    layers = []
    for inputs, outputs, padding in ((config.channels, first, config.padding), (first, second, 0)):
        layers.append(nn.Conv2d(inputs, outputs, config.kernel, padding=padding))
        if config.batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers += [activation(config.activation), POOLING[config.pooling](2)]
    layers.append(nn.Flatten())
    inputs = second * config.side**2
    for outputs in config.hidden:
        layers += [nn.Linear(inputs, outputs), activation(config.activation)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Linear(inputs, config.classes))


def candidates(shapes):
    """Two convolutions with square kernels of one size, then matrices; each image size and padding that fits.

    >>> shapes = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)]
    >>> next(candidates(shapes)) == Config()
    True
    """
    kernels = [shape for shape in shapes if len(shape) == 4]
    matrices = [shape for shape in shapes if len(shape) == 2]
    if len(kernels) != 2 or not matrices or len({side for shape in kernels for side in shape[2:]}) != 1:
        return
    (first, channels, kernel, _), (second, *_) = kernels
    widths = [rows for rows, _ in matrices]
    vectors = sum(len(shape) == 1 for shape in shapes)
    for image in IMAGES:
        for padding in sorted({kernel // 2, 0}, reverse=image == 28):
            side = _side(image, kernel, padding)
            if side >= 1 and second * side**2 == matrices[0][1]:
                yield Config(
                    channels,
                    image,
                    (first, second),
                    kernel,
                    padding,
                    hidden=tuple(widths[:-1]),
                    classes=widths[-1],
                    batch_norm=vectors > 2 + len(matrices),
                )


def _side(image, kernel, padding):
    return ((image + 2 * padding - kernel + 1) // 2 - kernel + 1) // 2
