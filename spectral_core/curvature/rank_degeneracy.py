"""How much of a spectrum lies at zero: from Ritz values near the origin, and from counting neurons."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from spectral_core.curvature.data import apply_model
from spectral_core.curvature.model_copies import prepared_copy
from spectral_core.results import mean_and_standard_error

__all__ = ["RankDegeneracy", "neurons", "rank_bound", "rank_degeneracy", "refuse_zero"]


@dataclass(frozen=True, eq=False)
class RankDegeneracy:
    """Mass of the spectrum at zero, each number ``(mean over probes, standard error)``.

    Attributes
    ----------
    nearest_value, nearest_mass : (float, float)
        The Ritz value nearest the origin and its weight: the thesis's for the generalised Gauss-Newton matrix.
    pair_value, pair_mass : (float, float)
        The two nearest combined, weighted average and sum: the thesis's for the Hessian.
    mass : (float, float)
        Of Ritz values within `threshold` of zero.
    doubtful_mass : (float, float)
        Of those farther off whose residual reaches the threshold: they may stand for a zero eigenvalue or not. ``mass`` may be
        too small by as much.
    negative_mass, positive_mass : (float, float)
        Below and above the threshold; with `mass` they add up to 1.
    threshold : float
        In the units of the eigenvalues.
    size : int
        ``P``.
    """

    nearest_value: tuple[float, float]
    nearest_mass: tuple[float, float]
    pair_value: tuple[float, float]
    pair_mass: tuple[float, float]
    mass: tuple[float, float]
    doubtful_mass: tuple[float, float]
    negative_mass: tuple[float, float]
    positive_mass: tuple[float, float]
    threshold: float
    size: int

    @property
    def rank(self):
        """``P (1 - mass)`` and its standard error."""
        return self.size * (1.0 - self.mass[0]), self.size * self.mass[1]


def rank_degeneracy(q, *, dtype=torch.float32, threshold=None):
    """Rank degeneracy ``D``: the mass of the spectrum at zero, by three definitions, from a `Quadrature`; no product.

    The thesis takes the weight of the Ritz value nearest the origin for the Gauss-Newton matrix; for the Hessian, where the
    mass at zero splits in two, the two nearest together. Neither says how near is near: there always is a nearest one, and
    once the Krylov space is exhausted, rounding deals its weight out among copies. Ours counts the mass within a threshold,
    ``10 eps sqrt(P) ||H||``: what rounding alone makes of a zero eigenvalue, and where Lanczos breaks down. Steps that have
    not separated zero from its neighbours show as `doubtful_mass`.

    Parameters
    ----------
    q : Quadrature
        Known atoms count as well.
    dtype : torch.float32 or torch.float64
        That the products were computed in.
    threshold : float, optional
        Another one, in the units of the eigenvalues.

    Returns
    -------
    RankDegeneracy

    Notes
    -----
    Source: thesis section 5.9.

    Examples
    --------
    >>> from spectral_core import lanczos_quadrature
    >>> A = torch.diag(torch.arange(64.0) % 2)  # half of the eigenvalues are 0
    >>> q = lanczos_quadrature(A, steps=5, probes=4, generator=torch.Generator().manual_seed(0))
    >>> d = rank_degeneracy(q)
    >>> abs(d.mass[0] - 0.5) < 4 * d.mass[1], d.doubtful_mass[0]
    (True, 0.0)
    """
    if threshold is None:
        eps = torch.finfo(dtype).eps
        norm = max(np.abs(q.nodes[q.weights > 0]).max(initial=0.0), np.abs(q.atoms[:, 0]).max(initial=0.0))
        threshold = 10.0 * eps * q.size**0.5 * norm
    if not threshold >= 0:
        raise ValueError(f"the threshold is a distance from zero, at least 0; got {threshold}.")
    known = np.tile(q.atoms, (q.probes, 1, 1))
    nodes, weights = np.hstack([known[:, :, 0], q.nodes]), np.hstack([known[:, :, 1], q.weights])
    residuals = np.hstack([np.zeros(known.shape[:2]), q.residuals])
    zero = np.abs(nodes) <= threshold
    doubtful = ~zero & (np.abs(nodes) - residuals <= threshold)

    def mass(where):
        return _mean((weights * where).sum(axis=1))

    distance = np.where(weights > 0, np.abs(nodes), np.inf)
    first, second = np.argsort(distance, axis=1, kind="stable")[:, [0, min(1, nodes.shape[1] - 1)]].T
    rows = np.arange(q.probes)
    values = np.stack([nodes[rows, first], nodes[rows, second]])
    masses = np.stack([weights[rows, first], np.where(second == first, 0.0, weights[rows, second])])
    return RankDegeneracy(
        nearest_value=_mean(values[0]),
        nearest_mass=_mean(masses[0]),
        pair_value=_mean((values * masses).sum(axis=0) / masses.sum(axis=0)),
        pair_mass=_mean(masses.sum(axis=0)),
        mass=mass(zero),
        doubtful_mass=mass(doubtful),
        negative_mass=mass(~zero & (nodes < 0)),
        positive_mass=mass(~zero & (nodes > 0)),
        threshold=float(threshold),
        size=q.size,
    )


def _mean(samples):
    mean, error = mean_and_standard_error(samples)
    return float(mean), float(error)


def refuse_zero(q, name="Hessian"):
    """Raise where every Ritz value and residual is 0: the matrix is zero, which a first Lanczos step already shows.

    Raises
    ------
    ValueError
        One sentence on what makes a loss flat.
    """
    held = q.weights > 0
    if not (np.any(q.nodes[held]) or np.any(q.residuals[held]) or np.any(q.atoms[:, 0])):
        raise ValueError(
            f"the {name} is zero: the loss is linear in these parameters, or does not depend on them; choose other "
            "parameters, another loss, or add weight decay."
        )


def neurons(model, inputs, *, positions=True):
    """Output neurons of each linear and convolution layer, per example: ``{layer: number}``, counted in one forward pass.

    Parameters
    ----------
    model : nn.Module
        Is copied, not changed.
    inputs : tensor, tuple or dict
        One mini-batch, examples first.
    positions : bool
        Whether each position of a feature map is a neuron; else each channel, as the thesis counts.

    Examples
    --------
    >>> neurons(nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)), torch.zeros(1, 3))
    {'0': 5, '2': 2}
    """
    copy, *_ = prepared_copy(model)
    found, hooks = {}, []

    def count(name, output):
        convolution = output.dim() > 2 and isinstance(layers[name], nn.modules.conv._ConvNd)
        channels = output.shape[1] if convolution else output.shape[-1]
        found[name] = found.get(name, 0) + (output[0].numel() if positions else channels)

    layers = {n: m for n, m in copy.named_modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)}
    for name, layer in layers.items():
        hooks.append(layer.register_forward_hook(lambda _, __, output, name=name: count(name, output)))
    with torch.no_grad():
        apply_model(copy, inputs)
    for hook in hooks:
        hook.remove()
    return found


def rank_bound(outputs, inputs, neurons):
    """``4 d_y (sum_l N_l + d_x)``: the thesis's bound on the rank of a feed-forward network's Hessian, cross-entropy.

    So the spectrum would have a peak of mass ``1 - bound/P`` at least at zero. Take it for the order of magnitude it is: the
    argument sums over paths through the network as if the same were active for every example. Linear networks keep it; a tanh
    network of widths 10-10-1 on a thousand examples has a Gauss-Newton matrix of rank 121 against a bound of 84.

    Parameters
    ----------
    outputs, inputs : int
        ``d_y`` and ``d_x``: entries of one output and of one input.
    neurons : int or dict
        ``sum_l N_l``, or what `neurons` returns.

    Notes
    -----
    Source: thesis section 5.9.4. Its 577 600 for VGG-16 on CIFAR-10 is ``4 * 10 * (13 416 + 1 024)``: it counts one of the
    three colours; with ``d_x = 3 072`` the formula gives 659 520. Its 13 416 neurons are the channels of all convolutions and
    the 4096, 4096 and 1000 neurons of the classifier for ImageNet, which a network of 1.6e7 parameters does not have.

    Examples
    --------
    >>> rank_bound(10, 32 * 32 * 3, 13416), round(1 - rank_bound(10, 3072, 13416) / 1.6e7, 4)
    (659520, 0.9588)
    """
    return 4 * outputs * ((sum(neurons.values()) if isinstance(neurons, dict) else neurons) + inputs)
