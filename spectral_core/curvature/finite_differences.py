"""Products with the Hessian from differences of gradients, and what rounding leaves of them: a lesson, not a method."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.curvature.hessian import HessianOperator, ResidualOperator
from spectral_core.interruption import stop_if_asked
from spectral_core.probes import draw_probes
from spectral_core.results import frozen, last

__all__ = [
    "FiniteDifferenceErrors",
    "difference_step",
    "finite_difference_error_steps",
    "finite_difference_errors",
    "finite_difference_product",
]


def difference_step(H, v):
    """``h = sqrt(eps) (1 + ||w||) / ||v||``: so long that the gradients differ by more than their rounding.

    Source: seed 002 takes a fixed ``1e-8`` or so, which in float32 is below the rounding of w itself.
    """
    w, length = H.point(), float(torch.linalg.vector_norm(v))
    if not (np.isfinite(length) and length > 0):
        raise ValueError("the vector is zero or not finite: a difference needs a direction.")
    return torch.finfo(H.dtype).eps ** 0.5 * (1.0 + float(torch.linalg.vector_norm(w))) / length


def finite_difference_product(H, v, *, step=None, central=True):
    """``(g(w + h v) - g(w - h v)) / (2 h)``, or ``(g(w + h v) - g(w)) / h``: about ``H v``, (P,).

    The error is ``O(h^2)`` (``O(h)`` for the one-sided) from the third derivative, and ``O(eps ||g|| / h)`` from rounding: with
    the best h about ``eps^(2/3)`` (``eps^(1/2)``) remains. The exact product ``H @ v`` costs as much; this is for comparison.

    Parameters
    ----------
    H : HessianOperator
    v : (P,) tensor
    step : float, optional
        ``h``; by default that of `difference_step`.
    central : bool

    Raises
    ------
    ValueError
        Another matrix than the Hessian, a zero vector, a step that is not positive, gradients that overflow.

    Notes
    -----
    Cost: two gradients.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> H = HessianOperator(torch.nn.Linear(2, 1, bias=False), "squared error", [(x, torch.zeros(2, 1))])
    >>> finite_difference_product(H, torch.ones(2), step=1.0).round(decimals=4)  # a quadratic: exact for any step
    tensor([0.5000, 4.5000])
    """
    if not isinstance(H, HessianOperator) or isinstance(H, ResidualOperator):
        raise ValueError(
            f"gradients differ by products with the Hessian; got {type(H).__name__}: pass HessianOperator."
        )
    step = difference_step(H, v) if step is None else float(step)
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"the step must be positive and finite; got {step}.")
    w = H.point()
    ahead = H.gradient(w + step * v)
    behind, width = (H.gradient(w - step * v), 2.0 * step) if central else (H.gradient(), step)
    return (ahead - behind) / width


@dataclass(frozen=True, eq=False)
class FiniteDifferenceErrors:
    """Relative errors ``||difference - H v|| / ||H v||`` over steps h: a V on double logarithmic axes.

    Attributes
    ----------
    steps : (m,) array
        ``h``, ascending; so far.
    central, one_sided : (m,) arrays
        Errors; inf where the gradient at ``w +- h v`` overflows.
    default_step : float
        That of `difference_step`.
    eps : float
        Of the dtype that the gradients were computed in.
    products, gradients : int
        Spent.
    stopped : str
    """

    steps: np.ndarray
    central: np.ndarray
    one_sided: np.ndarray
    default_step: float
    eps: float
    products: int
    gradients: int
    stopped: str

    @property
    def best(self):
        """``(step, error)`` of the best central difference."""
        index = int(np.argmin(self.central))
        return float(self.steps[index]), float(self.central[index])


def finite_difference_error_steps(H, v=None, steps=None, *, exact=None, generator=None):
    """Yield the `FiniteDifferenceErrors` so far after each step length; parameters are those of `finite_difference_errors`."""
    if v is None:
        v = draw_probes(H.shape[0], 1, generator=generator, dtype=H.dtype, device=H.device)[:, 0]
    default, eps = difference_step(H, v), torch.finfo(H.dtype).eps
    if steps is None:  # relative to the parameters: from their rounding to their size
        steps = default / eps**0.5 * np.logspace(np.log10(eps), 0.0, 2 * int(-np.log10(eps)) + 1)
    steps = np.sort(np.asarray(steps, dtype=np.float64).ravel())
    if not len(steps):
        raise ValueError("at least one step is needed; got none.")
    product = (H @ v if exact is None else torch.as_tensor(exact, device=H.device)).double()
    norm = float(torch.linalg.vector_norm(product))
    if not norm > 0:
        raise ValueError("H v is zero, so that no error is relative to it: take another vector.")
    central, one_sided = [], []
    for count, step in enumerate(steps, start=1):
        stop_if_asked()
        for errors, is_central in ((central, True), (one_sided, False)):
            found = finite_difference_product(H, v, step=step, central=is_central).double()
            error = float(torch.linalg.vector_norm(found - product)) / norm
            errors.append(error if np.isfinite(error) else np.inf)
        yield FiniteDifferenceErrors(
            frozen(steps[:count]),
            frozen(central),
            frozen(one_sided),
            default,
            eps,
            int(exact is None),
            4 * count,
            f"step length {count} of {len(steps)}",
        )


def finite_difference_errors(H, v=None, steps=None, *, exact=None, generator=None):
    """Relative error of central and one-sided differences against the exact product, over a grid of steps h.

    Run it on the operator in float32 and in float64: in float32 the best step leaves three or four digits, and one of ``1e-8``
    leaves none.

    Parameters
    ----------
    H : HessianOperator
    v : (P,) tensor, optional
        By default a random direction of norm ``sqrt P``.
    steps : sequence of float, optional
        By default two to a decade from ``eps`` to 1 times ``(1 + ||w||) / ||v||``.
    exact : (P,) tensor, optional
        ``H v`` of the operator in float64; by default ``H @ v``.
    generator : torch.Generator
        Draws v.

    Returns
    -------
    FiniteDifferenceErrors

    Notes
    -----
    Cost: four gradients a step, and one product.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 3.0]], dtype=torch.float64)
    >>> H = HessianOperator(torch.nn.Linear(2, 1).double(), "squared error", [(x, x[:, :1])])
    >>> finite_difference_errors(H, generator=torch.Generator()).best[1] < 1e-12  # a quadratic
    True
    """
    return last(finite_difference_error_steps(H, v, steps, exact=exact, generator=generator))
