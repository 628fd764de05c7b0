"""What a training example does to a prediction, and what a weight does to the loss: one linear solve each."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.estimators.solvers import solve
from spectral_core.estimators.trace import diagonal
from spectral_core.operators import accept
from spectral_core.results import Estimate, frozen

__all__ = ["METHODS", "Influence", "influence", "removal_saliency"]

METHODS = ("surgeon", "damage")


@dataclass(frozen=True, eq=False)
class Influence:
    """``dL_t/de = -g_t.(H + shift I)^-1 g_z`` for each training example z of weight ``1/n + e`` in the mean loss.

    Attributes
    ----------
    upweighting : (m,) float64
        In units of the loss: positive for an example whose greater weight raises the loss at the test point.
    residual : float
        Of the solve, relative: an entry is wrong by at most ``residual ||g_t|| ||g_z|| / (lambda_min + shift)``.
    products : int
    converged : bool
    stopped : str
    """

    upweighting: np.ndarray
    residual: float
    products: int
    converged: bool
    stopped: str

    def removal(self, examples):
        """Change of the test loss, to first order, when z leaves the `examples` of the mean: ``e = -1/n``, (m,).

        The rest keep their weight ``1/n`` each, so that a penalty counts as before. Where the loss is quadratic, with one
        output and the gradients ``l'(f) x``, the true change of the weights is the same but for a factor ``1 / (1 - h)`` with
        the leverage ``h = l''(f) x.H^-1 x / n``.
        """
        return frozen(-self.upweighting / examples)


def influence(H, test_gradient, gradients, *, shift=0.0, tolerance=1e-6, products=None):
    """`Influence` of training examples on the loss at a test point, by one solve for all of them.

    Parameters
    ----------
    H : operator (P, P)
        Hessian of the whole training loss at its minimum, or a Gauss-Newton matrix, which is never indefinite.
    test_gradient : (P,) tensor or array
    gradients : (P, m) or (P,) tensor or array
        Of the loss of single training examples, without weight decay.
    shift : float
        Damping, in units of the eigenvalues: above ``-lambda_min``.
    tolerance, products :
        As in `solve`.

    Notes
    -----
    The gradient of one example is that of an operator on it alone::

        g = HessianOperator(model, loss, [(inputs[i : i + 1], targets[i : i + 1])]).gradient()

    Away from a minimum, or with a shift, it is the change by one damped Newton step, not by training anew. Source: Koh and
    Liang 2017, equation 2; section 2.1 for the removal.

    Examples
    --------
    >>> H, g = torch.diag(torch.tensor([1.0, 4.0])), torch.tensor([1.0, 2.0])
    >>> influence(H, g, torch.eye(2)).upweighting.round(6)
    array([-1. , -0.5])
    """
    s = solve(H, test_gradient, shift=shift, tolerance=tolerance, products=products)
    gradients = _array(gradients)
    gradients = gradients[:, None] if gradients.ndim == 1 else gradients
    if gradients.ndim != 2 or len(gradients) != len(s.x):
        raise ValueError(f"gradients must be of shape ({len(s.x)}, m), one column an example; got {gradients.shape}.")
    return Influence(frozen(-s.x @ gradients), s.residual, s.products, s.converged, s.stopped)


def removal_saliency(
    H, point, indices=None, *, method="surgeon", shift=0.0, tolerance=1e-6, products=None, generator=None
):
    """By how much the loss grows, to second order at a minimum, when the weight ``w_q`` is set to 0.

    ``surgeon``: ``w_q^2 / (2 [(H + shift I)^-1]_qq)``, all other weights adjusted; a solve for each q. ``damage``:
    ``w_q^2 (H_qq + shift) / 2``, the others as they are; the diagonal by `diagonal`, all q at once. The first is at most the
    second.

    Parameters
    ----------
    H : operator (P, P)
    point : (P,) tensor or array
        The weights: ``H.point()``.
    indices : sequence of int, optional
        The weights q asked for, by default all.
    method : {"surgeon", "damage"}
    shift, tolerance :
        As in `solve`.
    products : int, optional
        For each solve; for the diagonal of a matrix without known entries in all, by default 100.
    generator : torch.Generator, optional
        For the diagonal.

    Returns
    -------
    Estimate
        `value` and `standard_error`, (m,), in units of the loss: the smallest are the weights to remove. The bar of the
        surgeon is the solve's residual times the value, its order of magnitude, ``inf`` where a solve did not converge.

    Notes
    -----
    Sources: Hassibi and Stork 1993, equation 5 (optimal brain surgeon); LeCun, Denker and Solla 1990 (damage).

    Examples
    --------
    >>> H = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    >>> removal_saliency(H, torch.ones(2)).value.round(6)
    array([0.75, 0.75])
    """
    H, n = accept(H), H.shape[0]
    w = _array(point)
    chosen = np.arange(n) if indices is None else np.asarray(indices, dtype=int)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    if w.shape != (n,) or chosen.ndim != 1 or not ((chosen >= 0) & (chosen < n)).all():
        raise ValueError(f"a point of {n} weights is needed, and indices from 0 to {n - 1}; got shape {w.shape}.")
    half = w[chosen] ** 2 / 2.0
    if method == "damage":
        d = diagonal(H, products=100 if products is None else products, generator=generator)
        value, error = half * (d.value[chosen] + shift), half * d.standard_error[chosen]
        return Estimate(frozen(value), frozen(error), d.products, d.degrees_of_freedom, d.bar, d.stopped)
    entries, errors, spent = np.zeros(len(chosen)), np.zeros(len(chosen)), 0
    for i, q in enumerate(chosen):
        unit = torch.zeros(n, dtype=H.dtype, device=H.device)
        unit[int(q)] = 1.0
        s = solve(H, unit, shift=shift, tolerance=tolerance, products=products)
        entries[i], errors[i], spent = s.x[q], s.residual if s.converged else np.inf, spent + s.products
    value = half / entries
    error = np.where(value > 0, errors, 0.0) * np.where(value > 0, value, 1.0)
    stopped = (
        "all solves converged" if np.isfinite(errors).all() else "some solves did not converge: their bar is infinite"
    )
    return Estimate(frozen(value), frozen(error), spent, bar="error scale", stopped=stopped)


def _array(values):
    return np.asarray(values.detach().cpu() if torch.is_tensor(values) else values, dtype=np.float64)
