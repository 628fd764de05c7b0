"""Planes through checkpoints: through three, and the one that holds most of a training run."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from spectral_core.curvature.parameters import select_parameters
from spectral_core.landscapes.directions import Direction, difference
from spectral_core.results import frozen

__all__ = ["WeightPlane", "pca_plane", "plane_through"]


@dataclass(frozen=True, eq=False)
class WeightPlane:
    """Two orthonormal directions from a centre, and where checkpoints lie on the plane that they span.

    Attributes
    ----------
    directions : (Direction, Direction)
    coordinates : (m, 2) array
        Of each checkpoint's projection; distances in weight space are those on the plane.
    distances : (m,) array
        From each checkpoint to the plane: 0 where it lies on it.
    explained : (2,) array
        Share of the variance of the checkpoints along each direction.
    """

    directions: tuple[Direction, Direction]
    coordinates: np.ndarray
    distances: np.ndarray
    explained: np.ndarray

    def __post_init__(self):
        for name in ("coordinates", "distances", "explained"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def radius(self, margin=0.3):
        """``(x_low, x_high), (y_low, y_high)`` that hold all checkpoints and the centre, with a margin; for `plane`."""
        points = np.vstack([self.coordinates, np.zeros((1, 2))])
        low, high = points.min(axis=0), points.max(axis=0)
        pad = margin * max(float((high - low).max()), 1e-12)
        return tuple((float(a - pad), float(b + pad)) for a, b in zip(low, high, strict=True))


def plane_through(model, second, third, *, parameters=None):
    """The `WeightPlane` through three checkpoints: ``u`` along ``w_2 - w_1``, ``v`` the rest of ``w_3 - w_1``, both of norm 1.

    Stored batch-norm statistics go along linearly, so that the loss at each checkpoint's coordinates is its own.

    Parameters
    ----------
    model : nn.Module
        The first, at (0, 0).
    second, third : nn.Module, state dict, or (P,) tensor
    parameters : optional
        As in `curvature.select_parameters`.

    Raises
    ------
    ValueError
        Other architectures, or three checkpoints on one line.

    Notes
    -----
    Source: Garipov et al. 2018, "Loss surfaces, mode connectivity", appendix A.1.

    Examples
    --------
    >>> line = torch.nn.Linear(1, 1, bias=True).requires_grad_()
    >>> _ = torch.nn.init.zeros_(line.weight), torch.nn.init.zeros_(line.bias)
    >>> plane_through(line, torch.tensor([2.0, 0.0]), torch.tensor([1.0, 1.0])).coordinates.tolist()
    [[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]]
    """
    chosen = select_parameters(model, parameters)
    move = parameters is None
    (b, moved_b), (c, moved_c) = (difference(model, other, chosen, move_buffers=move) for other in (second, third))
    length = float(b.norm())
    along = float(b @ c) / length if length else 0.0
    rest = c - along * b / length if length else c
    height = float(rest.norm())
    if not height > 1e-9 * max(length, float(c.norm())):
        raise ValueError("the three checkpoints lie on one line, so no one plane holds them: take another, or a line.")
    first = Direction("to the second checkpoint", (b / length).numpy(), buffers=_combined([moved_b], [1 / length]))
    across = _combined([moved_c, moved_b], [1 / height, -along / length / height])
    second = Direction("to the third checkpoint", (rest / height).numpy(), buffers=across)
    coordinates = np.array([[0.0, 0.0], [length, 0.0], [along, height]])
    variances = np.linalg.svd(coordinates - coordinates.mean(axis=0), compute_uv=False) ** 2
    return WeightPlane((first, second), coordinates, np.zeros(3), variances / variances.sum())


def pca_plane(model, trajectory, *, parameters=None):
    """The two principal directions of a training run's checkpoints, through `model`, with all of them projected on the plane.

    ``W = [w_t - mean]``, rows the checkpoints; ``W = U S V.T``; the directions are the first two columns of V, the explained
    shares ``s_j^2 / sum s^2``, the coordinates ``V.T (w_t - w)``.

    Parameters
    ----------
    model : nn.Module
        The centre ``w``: usually the last of the run.
    trajectory : sequence of nn.Module, state dict or (P,) tensor
        At least three; the centre may be among them.
    parameters : optional
        As in `curvature.select_parameters`.

    Returns
    -------
    WeightPlane

    Raises
    ------
    ValueError
        Fewer than three checkpoints, another architecture, all on one line.

    Notes
    -----
    A trajectory of few checkpoints, or a random walk, is explained by two directions to a large share whatever it is: of a walk
    in high dimension the first takes ``6/pi^2 = 61 %``, the first two 76 % (Antognini and Sohl-Dickstein 2018). Batch-norm
    statistics stay those of `model`: recompute them. Source: Li et al. 2018, section 7.

    Examples
    --------
    >>> run = [torch.tensor(w) for w in ([3.0, 0.0], [1.0, 1.0], [0.0, 0.0])]
    >>> line = torch.nn.Linear(1, 1)
    >>> pca_plane(line, run).explained.sum().round(6)
    np.float64(1.0)
    """
    chosen = select_parameters(model, parameters)
    if len(trajectory) < 3:
        raise ValueError(f"the plane of a run needs three checkpoints at least; got {len(trajectory)}.")
    rows = torch.stack([difference(model, one, chosen, move_buffers=False)[0] for one in trajectory])
    _, s, Vt = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    if len(s) < 2 or not float(s[1]) > 1e-9 * float(s[0]):
        raise ValueError("the checkpoints lie on one line or one point: draw the line between two of them instead.")
    V = Vt[:2]
    V = V * torch.sign(V.gather(1, V.abs().argmax(1, keepdim=True)))
    coordinates = rows @ V.T
    distances = torch.linalg.vector_norm(rows - coordinates @ V, dim=1)
    explained = (s.square() / s.square().sum()).numpy()[:2]
    names = [f"principal direction {j + 1} ({share:.0%})" for j, share in enumerate(explained)]
    note = f"Two directions hold {explained.sum():.1%} of the variance of {len(trajectory)} checkpoints."
    first, second = (Direction(name, v.numpy()) for name, v in zip(names, V, strict=True))
    directions = replace(first, notes=(note,)), second
    return WeightPlane(directions, coordinates.numpy(), distances.numpy(), explained)


def _combined(changes, factors):
    """``sum_j factor_j change_j``, buffer by buffer."""
    names = dict.fromkeys(name for change in changes for name in change)
    return {
        name: sum(factor * change[name] for change, factor in zip(changes, factors, strict=True) if name in change)
        for name in names
    }
