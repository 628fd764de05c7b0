"""The architectures by name: build one, read one off the shapes of a checkpoint's tensors."""

import threading
from dataclasses import fields

import torch
from torch.overrides import TorchFunctionMode

from sample_models.architectures import (
    autoencoder,
    lenet,
    logistic_regression,
    lstm,
    mlp,
    resnet,
    transformer,
    vgg,
    wide_resnet,
)

__all__ = ["ARCHITECTURES", "Undrawn", "build", "candidates", "configure", "state_shapes"]

# where two architectures have the same tensors, the more special one comes first
ARCHITECTURES = {
    "logistic_regression": logistic_regression,
    "autoencoder": autoencoder,
    "mlp": mlp,
    "lenet": lenet,
    "vgg": vgg,
    "resnet": resnet,
    "wide_resnet": wide_resnet,
    "transformer": transformer,
    "lstm": lstm,
}
DRAWING = threading.Lock()  # torch draws initial weights from its one global generator


class Undrawn(TorchFunctionMode):
    """Within it weights keep whatever their memory holds, for models whose tensors are all filled, or never read.

    Drawing takes longer than filling; on the meta device, torch draws normal numbers by way of its compiler, which takes
    seconds to import.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function.__name__.removeprefix("kaiming_") in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)


def configure(name, **options):
    """The `Config` of an architecture; lists, as JSON has them, become tuples.

    Raises ValueError for an unknown architecture or option, or what the Config refuses.

    >>> configure("mlp", widths=[4, 3, 2]).widths
    (4, 3, 2)
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"there is no architecture {name!r}: choose one of {', '.join(ARCHITECTURES)}.")
    known = [field.name for field in fields(ARCHITECTURES[name].Config)]
    for option in options:
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}: it has {', '.join(known)}.")
    return ARCHITECTURES[name].Config(**{option: _tuples(value) for option, value in options.items()})


def build(name, *, generator=None, **options):
    """A new model, in training mode, its weights drawn by torch's own rules.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    generator : torch.Generator, optional
        Where the weights come from; by default torch's global state.
    **options
        Fields of the architecture's `Config`.

    Raises
    ------
    ValueError
        As `configure`.

    >>> import torch
    >>> model = build("mlp", widths=(4, 3, 2), generator=torch.Generator().manual_seed(0))
    >>> sum(p.numel() for p in model.parameters())
    23
    """
    config = configure(name, **options)
    if generator is None:
        return ARCHITECTURES[name].build(config)
    seed = int(torch.randint(2**62, (), generator=generator))
    with DRAWING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ARCHITECTURES[name].build(config)


def candidates(shapes):
    """Pairs (architecture, Config) that the shapes suggest, exact matches first, each once.

    Parameters
    ----------
    shapes : list of tuples
        Of a state dict's tensors in order. Scalars are left out of account.

    Returns
    -------
    list of (str, Config)
        All whose `state_shapes` equal `shapes`, then the near misses.

    >>> candidates([(2, 4), (2,)])
    [('logistic_regression', Config(inputs=4, classes=2, bias=True))]
    """
    shapes = [tuple(shape) for shape in shapes if len(shape)]
    if not shapes or any(size < 1 for shape in shapes for size in shape):
        return []
    found = [(name, config) for name, module in ARCHITECTURES.items() for config in module.candidates(shapes)]
    return sorted(dict.fromkeys(found), key=lambda pair: state_shapes(*pair) != shapes)


def state_shapes(name, config):
    """The shapes of the tensors in the model's state dict, in order, without scalars; no memory is taken for them.

    >>> state_shapes("logistic_regression", configure("logistic_regression", inputs=4))
    [(10, 4), (10,)]
    """
    with Undrawn(), torch.device("meta"):
        state = ARCHITECTURES[name].build(config).state_dict()
    return [tuple(tensor.shape) for tensor in state.values() if tensor.dim()]


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
