"""Labelled examples as tensors: train and test apart, normalisation stated; batches in a fixed order."""

import math
from dataclasses import dataclass, replace

import torch

__all__ = ["Batches", "Dataset", "batches", "draw"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples for training and for testing: ``inputs = (raw - mean) / std``, channel by channel.

    Attributes
    ----------
    name : str
    inputs, test_inputs : (n, ...) float32 tensors
        Images are (n, channels, height, width), raw pixels in [0, 1]; tables are (n, columns).
    targets, test_targets : (n,) int64 tensors
        Indices into `classes`.
    classes : tuple of str
    mean, std : tuple of float
        One number a channel (or a column), or one for all; (0,), (1,) where nothing was subtracted.
    source : str
    notes : tuple of str
        What was decided on reading, one sentence each.
    """

    name: str
    inputs: torch.Tensor
    targets: torch.Tensor
    test_inputs: torch.Tensor
    test_targets: torch.Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        pairs = ((self.inputs, self.targets), (self.test_inputs, self.test_targets))
        for inputs, targets in pairs:
            if len(inputs) != len(targets):
                raise ValueError(f"every example needs one label: {len(inputs)} examples came with {len(targets)}.")
            if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < len(self.classes):
                lowest, highest = int(targets.min()), int(targets.max())
                raise ValueError(f"labels must be from 0 to {len(self.classes) - 1}; got {lowest} to {highest}.")
        if self.inputs.shape[1:] != self.test_inputs.shape[1:]:
            other = tuple(self.test_inputs.shape[1:])
            raise ValueError(f"train and test examples must have one shape; got {self.shape} and {other}.")

    @property
    def shape(self):
        """Of one example."""
        return tuple(self.inputs.shape[1:])

    def normalised(self, mean=None, std=None):
        """The same examples with another `mean` and `std`, one number or one a channel; by default (0,), (1,): raw.

        Exact from raw examples; from normalised ones the old normalisation is undone first, to rounding.

        >>> from sample_models.datasets import load
        >>> digits = load("digits").normalised(0.5, 0.5)
        >>> digits.inputs.min(), digits.normalised().inputs.max()
        (tensor(-1.), tensor(1.))
        """
        mean, std = self._per_channel("mean", mean, 0.0), self._per_channel("std", std, 1.0)
        if not all(0 < s < math.inf for s in std):
            raise ValueError(f"a standard deviation must be positive; got {std}.")
        change = {"mean": mean, "std": std}
        for part in ("inputs", "test_inputs"):
            tensor = getattr(self, part)
            if (self.mean, self.std) != ((0.0,), (1.0,)):
                tensor = tensor * self._broadcast(self.std) + self._broadcast(self.mean)
            if (mean, std) != ((0.0,), (1.0,)):
                tensor = (tensor - self._broadcast(mean)) / self._broadcast(std)
            change[part] = tensor
        return replace(self, **change)

    def standardised(self):
        """Normalised by the mean and standard deviation of its own training examples, channel by channel.

        A channel without spread gets the standard deviation 1.
        """
        raw = self.normalised()
        axes = [axis for axis in range(raw.inputs.dim()) if axis != 1]
        values = raw.inputs.double()
        spread = values.std(axes, correction=0)
        spread = torch.where(spread > 0, spread, 1.0)
        return raw.normalised(tuple(values.mean(axes).tolist()), tuple(spread.tolist()))

    def subset(self, size=None, *, test_size=None, generator):
        """`size` training and `test_size` test examples, drawn without replacement; None keeps all, in their order.

        The draws nest: with generators of one seed, the smaller subset begins the larger one.

        >>> from sample_models.datasets import load
        >>> load("digits").subset(100, generator=torch.Generator().manual_seed(0)).inputs.shape
        torch.Size([100, 1, 8, 8])
        """
        train, test = draw(len(self.targets), size, generator), draw(len(self.test_targets), test_size, generator)
        return replace(
            self,
            inputs=self.inputs[train],
            targets=self.targets[train],
            test_inputs=self.test_inputs[test],
            test_targets=self.test_targets[test],
        )

    def _per_channel(self, what, values, default):
        values = default if values is None else values
        values = (float(values),) if isinstance(values, int | float) else tuple(float(v) for v in values)
        channels = self.shape[0] if self.shape else 1
        if len(values) not in (1, channels) or not all(map(math.isfinite, values)):
            raise ValueError(f"{what} must be one finite number or one for each of {channels} channels; got {values}.")
        return values

    def _broadcast(self, values):
        return torch.tensor(values).view(-1, *(1,) * (self.inputs.dim() - 2))


@dataclass(frozen=True, eq=False)
class Batches:
    """A re-iterable of ``(inputs, targets)`` in a fixed order; the last batch may be smaller."""

    inputs: torch.Tensor
    targets: torch.Tensor
    size: int

    def __iter__(self):
        yield from zip(self.inputs.split(self.size), self.targets.split(self.size), strict=True)

    def __len__(self):
        return -(-len(self.targets) // self.size)


def batches(inputs, targets, size=None):
    """`Batches` of `size` examples, by default all in one.

    >>> import torch
    >>> data = batches(torch.zeros(5, 2), torch.zeros(5, dtype=torch.int64), 2)
    >>> [len(targets) for _, targets in data], len(data)
    ([2, 2, 1], 3)
    """
    size = len(targets) if size is None else size
    if len(inputs) != len(targets) or not len(targets):
        raise ValueError(f"batches need as many targets as inputs, one at least; got {len(inputs)} and {len(targets)}.")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"a batch holds a whole number of examples, one at least; got {size!r}.")
    return Batches(inputs, targets, size)


def draw(n, size, generator):
    """Indices of `size` of n examples without replacement, or all of them in order.

    >>> draw(3, None, None)
    tensor([0, 1, 2])
    """
    if size is None:
        return torch.arange(n)
    if not isinstance(size, int) or not 1 <= size <= n:
        raise ValueError(f"a subset holds 1 to {n} examples; got {size!r}.")
    return torch.randperm(n, generator=generator)[:size]
