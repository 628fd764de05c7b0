"""Directions in weight space: eigenvectors, the gradient, random ones, and from one checkpoint to another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from spectral_core.curvature.parameters import select_parameters
from spectral_core.estimators.eigenpairs import eigenpairs
from spectral_core.landscapes.normalisation import normalised
from spectral_core.results import frozen

__all__ = [
    "Direction",
    "as_directions",
    "between",
    "difference",
    "eigenvectors",
    "gradient_direction",
    "random_direction",
]


@dataclass(frozen=True, eq=False)
class Direction:
    """A vector in weight space, ``w + a d``.

    Attributes
    ----------
    name : str
    vector : (P,) float64 array
        In the order of `curvature.Parameters`.
    eigenvalue : float
        NaN where it is no eigenvector.
    buffers : dict of str to array
        What moves beside the parameters: batch-norm statistics, between two checkpoints.
    notes : tuple of str
    """

    name: str
    vector: np.ndarray
    eigenvalue: float = np.nan
    buffers: Mapping = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "vector", frozen(self.vector))
        object.__setattr__(self, "buffers", {name: frozen(change) for name, change in self.buffers.items()})

    @property
    def norm(self):
        """``||d||``: the distance in weight space that one unit of the position is."""
        return float(np.linalg.norm(self.vector))


def as_directions(directions, parameters):
    """`Direction` objects, from such or from (P,) tensors; ValueError for other lengths and numbers that are not finite."""
    found = []
    for place, one in enumerate(directions):
        if not isinstance(one, Direction):
            vector = one.detach().double().cpu().numpy() if torch.is_tensor(one) else np.asarray(one, dtype=np.float64)
            one = Direction(f"direction {place + 1}", vector)
        if one.vector.shape != (parameters.size,):
            raise ValueError(
                f"a direction has one entry for each of the {parameters.size} parameters; {one.name} has the shape "
                f"{one.vector.shape}: was it computed for other layers?"
            )
        if not np.isfinite(one.vector).all():
            raise ValueError(f"a direction is made of finite numbers; {one.name} has others.")
        found.append(one)
    return tuple(found)


def eigenvectors(pairs, *, names=None, k=5, which="top", generator=None, **options):
    """Unit `Direction` objects along eigenvectors, from pairs at hand or computed.

    Parameters
    ----------
    pairs : Eigenpairs, or a CurvatureOperator to compute them of
    names : sequence of str, optional
        By default "λ1 = 3.2" and so on; "λP", "λP-1" and so on where `which` is "bottom".
    k, which, generator, **options
        As in `eigenpairs`, for an operator.

    Notes
    -----
    Cost: none, or that of `eigenpairs`. The sign of an eigenvector is arbitrary; here its largest entry is positive.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([3.0, 1.0]))
    >>> [d.name for d in eigenvectors(A, k=1, generator=torch.Generator().manual_seed(0))]
    ['λ1 = 3']
    """
    if not hasattr(pairs, "vectors"):
        pairs = eigenpairs(pairs, k=k, which=which, generator=generator, **options)
    directions = []
    for place, (value, vector) in enumerate(zip(pairs.values, np.asarray(pairs.vectors).T, strict=True)):
        label = f"λ{place + 1}" if which != "bottom" else (f"λP-{place}" if place else "λP")
        name = names[place] if names is not None else f"{label} = {value:.3g}"
        sign = np.sign(vector[np.abs(vector).argmax()]) or 1.0
        directions.append(Direction(name, sign * vector / np.linalg.norm(vector), eigenvalue=float(value)))
    return tuple(directions)


def gradient_direction(H):
    """The unit vector ``g / ||g||`` of a CurvatureOperator: uphill, by one gradient."""
    g = H.gradient().double().cpu()
    norm = float(g.norm())
    if not norm > 0:
        raise ValueError("the gradient is zero, so it has no direction: the parameters are a stationary point.")
    return Direction("gradient", (g / norm).numpy())


def random_direction(model, *, normalisation="filter", parameters=None, generator, name=None):
    """A Gaussian direction, each filter or layer of the norm of the model's own; with "none" a random unit vector.

    Parameters
    ----------
    model : nn.Module
    normalisation : {"filter", "layer", "none"}
        As in `normalised`.
    parameters : optional
        As in `curvature.select_parameters`.
    generator : torch.Generator
    name : str, optional

    Examples
    --------
    >>> model = nn.Linear(3, 2)
    >>> d = random_direction(model, normalisation="layer", generator=torch.Generator().manual_seed(0))
    >>> bool(np.isclose(d.norm, model.weight.norm().item()))
    True
    """
    chosen = select_parameters(model, parameters)
    drawn = torch.randn(chosen.size, generator=generator, dtype=torch.float64)
    vector = normalised(drawn, model, chosen, normalisation)
    if normalisation == "none":
        vector = vector / vector.norm()
    elif not vector.any():
        raise ValueError(
            "the chosen parameters are all biases or norm layers, or zero, which normalised directions leave where they are: "
            'take normalisation="none".'
        )
    label = "random" if normalisation == "none" else f"random, {normalisation}-normalised"
    return Direction(name or label, vector.cpu().numpy())


def between(model, other, *, parameters=None, name="from the first to the second"):
    """``w_2 - w_1``: at position 0 the loss is that of `model`, at 1 that of `other`.

    Parameters
    ----------
    model : nn.Module
        The centre.
    other : nn.Module, state dict, or (P,) tensor
        Of the same architecture. Parameters that are not chosen stay those of `model`; stored batch-norm statistics go
        along linearly, where all parameters are chosen.
    parameters : optional
        As in `curvature.select_parameters`.

    Raises
    ------
    ValueError
        Another architecture, or the same weights twice.

    Examples
    --------
    >>> between(nn.Linear(2, 1), torch.zeros(3)).vector.shape
    (3,)
    """
    chosen = select_parameters(model, parameters)
    vector, buffers = difference(model, other, chosen, move_buffers=parameters is None)
    if not vector.any():
        raise ValueError("both checkpoints have the same weights, so there is no line between them.")
    return Direction(name, vector.numpy(), buffers=buffers)


def difference(model, other, parameters, *, move_buffers=True):
    """(P,) float64 tensor ``w_other - w`` and ``{buffer: change}`` of the floating-point buffers."""
    own = {name: tensor.detach() for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    here = parameters.flatten([own[name].double().cpu() for name in parameters.names])
    if torch.is_tensor(other) or isinstance(other, np.ndarray):
        there = torch.as_tensor(np.array(other) if isinstance(other, np.ndarray) else other).double().cpu()
        if there.shape != here.shape:
            raise ValueError(f"weights are one vector of {parameters.size} entries; got {tuple(there.shape)}.")
        return there - here, {}
    if isinstance(other, nn.Module):
        other = dict((*other.named_parameters(), *other.named_buffers()))
    for name, shape in zip(parameters.names, parameters.shapes, strict=True):
        if name not in other or tuple(other[name].shape) != tuple(shape):
            came = "none" if name not in other else str(tuple(other[name].shape))
            raise ValueError(
                f"two checkpoints of one architecture are needed; {name} is {tuple(shape)} in the first, {came} in the second."
            )
    there = parameters.flatten([other[name].detach().double().cpu() for name in parameters.names])
    buffers = {}
    for name, buffer in model.named_buffers():
        if move_buffers and buffer.is_floating_point() and name in other and other[name].shape == buffer.shape:
            change = other[name].double().cpu() - buffer.double().cpu()
            if change.any():
                buffers[name] = change.numpy()
    return there - here, buffers
