"""MEMe (thesis Algorithm 3): the log-determinant of the density of maximum entropy for the matrix's moments."""

from dataclasses import replace

import numpy as np
from scipy import linalg

from spectral_core.blas_threads import one_blas_thread
from spectral_core.estimators.logdet.lanczos_measures import lanczos_measure_steps, moment_plan
from spectral_core.estimators.logdet.quadrature import known_lower_bound
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.estimators.maxent import TOLERANCE, dual_penalty, minimise_dual
from spectral_core.operators import accept
from spectral_core.polynomials import fejer_rule, vandermonde
from spectral_core.results import frozen, mean_and_standard_error

__all__ = ["FLOOR", "MEASURES", "LogGrid", "meme_steps", "share_of"]

MEASURES = ("flat", "logarithmic", "grid")
POINTS = 2048
GRID = 10_000  # nodes of the thesis's quadrature: its "grid size of 1e-4"
ALL_BUT_EQUAL = (
    "all eigenvalues seen agree to a thousandth, so that the Gauss rules are the answer and no density is fitted"
)
FLOOR = 1e-10  # of the upper end, where no lower bound is known


class LogGrid:
    """The dual of maximum entropy on nodes that resolve every scale of the spectrum, for `minimise_dual`.

    Parameters
    ----------
    degree : int
        Of the Chebyshev features.
    interval : (float, float)
        Of the moments.
    lower, upper : float
        Ends of the density's domain, ``0 < lower < upper``.
    measure : {"flat", "logarithmic", "grid"}
        What the entropy is relative to: ``d lambda`` (the thesis), ``d lambda / lambda``, or equal masses on the
        thesis's uniform grid of 10 000 nodes, the first one at `lower`.
    """

    def __init__(self, degree, interval, lower, upper, measure="flat", points=POINTS):
        if measure not in MEASURES:
            raise ValueError(f"measure must be one of {', '.join(MEASURES)}; got {measure!r}.")
        if not 0.0 < lower < upper:
            raise ValueError(f"the density needs a domain with 0 < floor < upper end; got {lower:g} and {upper:g}.")
        if measure == "grid":
            self.x = np.linspace(lower, upper, GRID)
            self.log_weights = np.full(GRID, np.log((upper - lower) / GRID))
        else:  # Fejer's rule in u = log lambda; d lambda = e^u du
            nodes, weights = fejer_rule(points)
            half = np.log(upper / lower) / 2.0
            self.x = np.exp(np.log(lower) + half * (1.0 + nodes))
            self.log_weights = np.log(weights * half) + (np.log(self.x) if measure == "flat" else 0.0)
        self.log_x = np.log(self.x)
        self.features = vandermonde("chebyshev", degree, self.x, interval)[:, 1:]

    def log_partition(self, a):
        """``log int exp(-sum a_j T_j) dm`` and the normalised masses on the nodes."""
        exponent = self.log_weights - self.features @ a
        top = exponent.max()
        mass = np.exp(exponent - top)
        total = mass.sum()
        return top + np.log(total), mass / total

    def mean(self, mass):
        return mass @ self.features

    def covariance(self, mass, mean):
        return (self.features * mass[:, None]).T @ self.features - np.outer(mean, mean)

    def fit(self, target, penalty, start=None, iterations=200):
        """Minimise the dual: ``(a, objective, masses, trouble)``; trouble is a sentence, empty where it converged."""
        start = np.zeros(len(target)) if start is None else start
        with one_blas_thread():
            a, value, _, mass, _, stopped = minimise_dual(self, target, penalty, start, iterations)
        gap = np.abs(target - self.mean(mass) + penalty * a).max()
        return a, value, mass, "" if gap < TOLERANCE else stopped

    def sensitivity(self, mass, penalty):
        """``d E_q[log lambda] / d mu_j = sum_k Cov(log lambda, T_k) [(Cov(T, T) + S)^-1]_kj``."""
        hessian = self.covariance(mass, self.mean(mass)) + np.diag(penalty)
        hessian[np.diag_indices(len(hessian))] += 1e-14 * hessian.diagonal().max()
        covariance = (mass * (self.log_x - mass @ self.log_x)) @ self.features
        return linalg.solve(hessian, covariance, assume_a="sym")


def meme_steps(
    A,
    *,
    products=1500,
    lower_bound=None,
    generator,
    degree=None,
    probes=None,
    measure="flat",
    floor=None,
    upper_bound=None,
    memory=1 << 30,
):
    """Yield ``log det A ~ n int log(lambda) q(lambda) d lambda`` after every Lanczos step, as a `LogDeterminant`.

    `q` is the density of maximum entropy on the domain ``(floor, upper end)`` whose Chebyshev moments are those of `A`,
    sampled on random probes and allowed their noise (see `maxent`). It is fitted anew as moments come in.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    products : int
        At most so many are spent.
    lower_bound : float, optional
        Positive and at most every eigenvalue; default ``A.interval[0]``. The lower end of the domain, and what makes
        the bracket finite.
    generator : torch.Generator
    degree, probes : int, optional
        Moments and probes; default as `moment_plan` says. The thesis has 30 and 50.
    measure : {"flat", "logarithmic", "grid"}
        What the entropy is relative to, see `LogGrid`.
    floor : float, optional
        Lower end of the domain as a share of the upper one; default ``lower_bound``, or 1e-10 where there is none.
    upper_bound : float, optional
        Upper end of the domain; default the largest Ritz value and its residual. Such as ``gershgorin(A).upper``.
    memory : int
        Bytes for the Lanczos vectors of the probes that go at once.

    Raises
    ------
    ValueError
        A is not positive definite: a Ritz value is not positive. A bound is none. Too few products.

    Notes
    -----
    Cost: ``degree / 2`` products a probe, for a Lanczos measure of ``k`` nodes has the ``2 k - 1`` first moments of its
    probe (the thesis's Algorithm 2 takes `degree`, and overwrites the probe). The same run finds the upper end, which
    Gershgorin's discs put up to twice too high for kernels, and bounds what the moments leave open: `bracket` holds the
    means of the Gauss-Radau and the Gauss rules, see `slq_steps`. `standard_error` is ``sqrt(s^2 + b^2 / 3)``: ``s`` the
    probes' noise through the fit, to first order, and ``b`` the distance to the farther end of the bracket; where no lower
    bound is known its lower end is a guess for that, the limit of Gauss rules that converge slowly (`slow_limit`).
    Where the moments do not determine the density near 0, the measure and the floor do, which is why they are
    arguments: for the thesis's kernels of condition number 1e7 and more they move the value by more than the noise.
    Source: thesis Algorithm 3, Equations 2.35 to 2.38. Its Gershgorin scaling and its quadrature of step 1e-4 are
    ``measure="grid"``, ``upper_bound=gershgorin(A).upper`` and a `floor` that is unsaid there; powers in place of
    Chebyshev polynomials have the same optimum.

    Examples
    --------
    >>> import torch
    >>> A = torch.diag(torch.linspace(1.0, 3.0, 200, dtype=torch.float64))
    >>> [*_, y] = meme_steps(A, products=200, generator=torch.Generator().manual_seed(0))
    >>> abs(y.value / A.diagonal().log().sum().item() - 1) < 0.05
    True
    """
    A = accept(A)
    n = A.shape[0]
    lower_bound = known_lower_bound(A, lower_bound)
    steps, probes = moment_plan(products, degree, probes)
    steps = min(steps, n)
    degree = degree or 2 * steps - 1
    history, item = [], None
    for ritz, last in lanczos_measure_steps(
        A, steps=steps, probes=probes, lower_bound=lower_bound, generator=generator, memory=memory
    ):
        if ritz is not None:
            upper = ritz.upper if upper_bound is None else float(upper_bound)
            share = share_of(floor, lower_bound, upper)
            moments = ritz.moments(min(degree, 2 * ritz.steps - 1), (lower_bound or 0.0, upper), n)
            grid = None if ritz.narrow else LogGrid(moments.degree, moments.interval, share * upper, upper, measure)
            item = _estimate(ritz, moments, grid, history)
            history = [*item.history]
            note = (
                _note(item, moments, share, measure) if last else f"{moments.degree} moments, {moments.probes} probes"
            )
            item = replace(item, stopped=item.stopped or note)
        if item is not None:
            yield item


def share_of(floor, lower_bound, upper):
    if floor is None:
        return FLOOR if lower_bound is None else min(lower_bound / upper, 0.999)
    if not 0.0 < floor < 1.0:
        raise ValueError(
            f"floor is a share of the upper end, between 0 and 1; got {floor}: the usual ones are 1e-5 and 1e-10."
        )
    return float(floor)


def _estimate(ritz, moments, grid, history):
    n, penalty, trouble = moments.size, dual_penalty(moments, None), ALL_BUT_EQUAL
    if grid is None:
        value, spread = (float(x) for x in mean_and_standard_error(n * ritz.gauss[:, -1]))
    else:
        _, _, mass, trouble = grid.fit(moments.values[1:], penalty)
        value = n * float(mass @ grid.log_x)
        _, spread = mean_and_standard_error(n * moments.samples[:, 1:] @ grid.sensitivity(mass, penalty))
    error = ritz.error_bar(n, value, float(spread))
    return LogDeterminant(
        value=value,
        standard_error=error,
        products=moments.products,
        degrees_of_freedom=moments.probes - 1,
        stopped=trouble,
        method="meme",
        size=n,
        bracket=ritz.bracket(n),
        bracket_error=ritz.bracket_error(n),
        monte_carlo_error=float(spread),
        history=frozen([*history, (moments.products, value, error)]),
    )


def _note(item, moments, share, measure):
    text = f"took {moments.degree} moments of {moments.probes} probes, {measure} measure from {share:.0e} of the upper end; "
    width = item.bracket[1] - item.bracket[0]
    if not np.isfinite(width):
        return (
            text
            + "no lower bound on the eigenvalues is known, so the bar holds a guess at what the moments leave open below"
        )
    decided = ", more than the probes' noise: there the measure decides" if width > 2.0 * item.monte_carlo_error else ""
    return text + f"the moments leave {width:.3g} open{decided}"
