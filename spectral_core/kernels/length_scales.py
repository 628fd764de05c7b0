"""How the log marginal likelihood and its log-determinant move with the length scale."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.kernels.kernel_operator import KernelOperator
from spectral_core.kernels.likelihood import log_marginal_likelihood_steps
from spectral_core.results import frozen, last

__all__ = ["LengthScaleCurve", "length_scale_curve", "length_scale_curve_steps"]


@dataclass(frozen=True, eq=False)
class LengthScaleCurve:
    """The log marginal likelihood at length scales ``l_1..l_k``, and its parts.

    Attributes
    ----------
    lengthscale, value, standard_error, lower, upper : (k,) arrays
        Of the log marginal likelihood.
    logdet, logdet_standard_error, quadratic : (k,) arrays
        ``log det K`` and ``y.K^-1 y``; they enter with the factor -1/2.
    products : int
        Spent in all, the point being worked on included.
    total : int
        Points that there will be.
    exact : bool
        All points by a factorisation.
    stopped : str
        What is being done, or why the last point stopped.
    """

    lengthscale: np.ndarray
    value: np.ndarray
    standard_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    logdet: np.ndarray
    logdet_standard_error: np.ndarray
    quadratic: np.ndarray
    products: int
    total: int
    exact: bool
    stopped: str

    @property
    def best(self):
        """The length scale of the largest value so far; NaN before the first."""
        return float(self.lengthscale[self.value.argmax()]) if len(self.value) else float("nan")


def _curve(lengthscales, done, total, products, stopped):
    columns = [
        (l, p.value, p.standard_error, p.lower, p.upper, p.logdet.value, p.logdet.standard_error, p.quadratic)
        for l, p in zip(lengthscales, done, strict=False)
    ]
    arrays = (frozen(column) for column in np.array(columns, dtype=np.float64).reshape(-1, 8).T)
    return LengthScaleCurve(*arrays, products, total, bool(done) and all(p.exact for p in done), stopped)


def length_scale_curve_steps(
    X,
    y,
    covariance,
    noise,
    lengthscales,
    *,
    products=None,
    generator=None,
    exact=None,
    method="preconditioned",
    **options,
):
    """Yield a `LengthScaleCurve` of the points finished, at every product and again at the end of every point.

    Every length scale draws the same probes, so that the error of the estimate moves smoothly along the curve and its
    maximum is little disturbed.

    Parameters
    ----------
    X, y : (n, d) and (n,) arrays
    covariance : Covariance
        Its length scale is replaced by each of `lengthscales` (`Covariance.with_lengthscale`).
    noise : float
    lengthscales : sequence of float
    products : int, optional
        Budget of *each* length scale.
    generator : torch.Generator
        One seed is drawn from it. Not needed where all is exact.
    exact, method
        As in `log_marginal_likelihood`.
    **options
        Of `KernelOperator`: memory, dtype, device.
    """
    lengthscales = [float(l) for l in lengthscales]
    if not lengthscales:
        raise ValueError("a curve needs at least one length scale; got none.")
    seed = None if generator is None else int(torch.randint(1 << 62, (1,), generator=generator))
    done, spent = [], 0
    for l in lengthscales:
        K = KernelOperator(X, covariance.with_lengthscale(l), noise=noise, **options)
        own = None if seed is None else torch.Generator().manual_seed(seed)
        point = None
        for point in log_marginal_likelihood_steps(K, y, generator=own, products=products, exact=exact, method=method):
            yield _curve(lengthscales, done, len(lengthscales), spent + point.products, point.stopped)
        done, spent = [*done, point], spent + point.products
        yield _curve(lengthscales, done, len(lengthscales), spent, point.stopped)


def length_scale_curve(X, y, covariance, noise, lengthscales, **options):
    """The last item of `length_scale_curve_steps`.

    Examples
    --------
    >>> from spectral_core.kernels import RBF
    >>> x = torch.linspace(0, 6, 40, dtype=torch.float64)
    >>> curve = length_scale_curve(x[:, None], x.sin(), RBF(), 1e-4, [0.1, 1.0, 30.0])
    >>> curve.best, curve.exact
    (1.0, True)
    """
    return last(length_scale_curve_steps(X, y, covariance, noise, lengthscales, **options))
