"""The density of maximum entropy for given moments (thesis Algorithm 1), by damped Newton on the convex dual."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, linalg

from spectral_core.densities import Density
from spectral_core.polynomials import checked_interval, fejer_rule, vandermonde
from spectral_core.results import Moments, frozen, mean_and_standard_error

__all__ = ["MaxEntDensity", "maxent"]

TOLERANCE = 1e-8
RESOLVED = 1e-5  # most that four times the grid points may change log Z
MOST_POINTS = {True: 1 << 16, False: 1 << 13}  # of the grid: by cosine transforms, through dense features
LEAST_ERROR = 1e-4  # of sampled moments: where all probes agree, as for a single eigenvalue, no density fits exactly


@dataclass(frozen=True, eq=False)
class MaxEntDensity(Density):
    """``q(x) = (1 - atoms) q0(x) exp(-1 - sum_{j=0}^m a_j phi_j(x))`` on `support`, and the known `atoms`.

    Attributes
    ----------
    coefficients : (m + 1,) array
        ``a_j``.
    moments : Moments
        Those asked for.
    fitted : (m + 1,) array
        ``int phi_j q dx`` of the continuous part, mass 1.
    penalty : (m + 1,) array
        Squared standard errors ``s_j^2`` that the dual was penalised by; 0 for exact moments.
    entropy : float
        ``-int q log(q / q0) dx`` in nats, of the continuous part with mass 1.
    objective : float
        Penalised dual ``log Z + sum a_j mu_j + (1/2) sum s_j^2 a_j^2`` at the end: falls as moments are added.
    gradient : float
        Largest entry of its gradient at the end.
    converged : bool
        ``gradient < 1e-8``, and the grid resolves the density.
    stopped : str
    iterations : int
    points : int
        Size of the Fejer grid that resolves the density.
    """

    coefficients: np.ndarray
    support: tuple[float, float]
    moments_given: Moments
    fitted: np.ndarray
    penalty: np.ndarray
    prior: Callable | None
    entropy: float
    objective: float
    gradient: float
    converged: bool
    stopped: str
    iterations: int
    covariance: np.ndarray
    points: int

    @property
    def atoms(self):
        return self.moments_given.atoms

    @property
    def products(self):
        """Products that the moments took; the fit takes none."""
        return self.moments_given.products

    @property
    def degree(self):
        """``m``."""
        return len(self.coefficients) - 1

    def _features(self, x):
        given = self.moments_given
        return vandermonde(given.basis, self.degree, x, given.interval)

    def log_pdf(self, x):
        """``log q`` of the continuous part with mass 1; ``-inf`` outside the support."""
        x = np.asarray(x, dtype=np.float64)
        inside = (x >= self.support[0]) & (x <= self.support[1])
        safe = np.clip(x, *self.support)
        exponent = -1.0 - self._features(safe) @ self.coefficients
        if self.prior is not None:
            with np.errstate(divide="ignore"):
                exponent = exponent + np.log(self.prior(safe))
        return np.where(inside, exponent, -np.inf)

    def pdf(self, x):
        return self.moments_given.rest_share * np.exp(self.log_pdf(x))

    def shifts(self, x):
        """First-order change of `pdf` at `x` for each probe's deviation from the mean moments: ``(probes, *x.shape)``.

        ``d log q = (phi - E phi) . (Cov + S)^-1 d mu``. Their spread over probes is that of the density.
        """
        samples = self.moments_given.samples[:, 1:]
        change = linalg.cho_solve((self.covariance, True), (samples - samples.mean(axis=0)).T)
        features = self._features(np.clip(x, *self.support))[..., 1:] - self.fitted[1:]
        return self.pdf(x) * np.moveaxis(features @ change, -1, 0)

    def standard_error(self, x):
        """Of `pdf` over the probes, to first order in the moments' spread: see `shifts`."""
        if self.moments_given.is_exact:
            return np.zeros(np.shape(x))
        if self.moments_given.probes < 2:
            return np.full(np.shape(x), np.inf)
        return mean_and_standard_error(self.shifts(x))[1]

    def _checked_partner(self, other):
        a, b = self.moments_given, other.moments_given
        same_prior = self.prior is other.prior
        if (a.interval, a.basis, self.support) != (b.interval, b.basis, other.support) or not same_prior:
            raise ValueError(
                f"a divergence needs one domain, basis and prior; got {a.basis} on {self.support} and {b.basis} on "
                f"{other.support}: fit both with the same interval= and support=."
            )
        if not np.array_equal(self.atoms[:, 0], other.atoms[:, 0]):
            raise ValueError(
                "a divergence between densities with atoms at different places is infinite: keep the atoms among the "
                "moments (known=None) to compare."
            )

    def kl(self, other):
        """``KL(self || other) = -sum_j (a_j - b_j) mu_j`` in nats, ``mu_j`` the fitted moments of `self`; exact.

        Atoms at the same places add ``sum m log(m / m')``.

        Raises
        ------
        ValueError
            Other domain, basis, prior or places of atoms.
        """
        self._checked_partner(other)
        m = max(self.degree, other.degree) + 1
        a, b = (np.pad(d.coefficients, (0, m - d.degree - 1)) for d in (self, other))
        fitted = self.fitted if self.degree + 1 == m else self._fitted_moments(m - 1)
        share, other_share = self.moments_given.rest_share, other.moments_given.rest_share
        total = -share * float((a - b) @ fitted) + share * np.log(share / other_share)
        mass, other_mass = self.atoms[:, 1], other.atoms[:, 1]
        return float(total + (mass * np.log(mass / other_mass)).sum())

    def _fitted_moments(self, degree):
        x, mass = self.rule()
        given = self.moments_given
        return mass @ vandermonde(given.basis, degree, x, given.interval) / given.rest_share

    def symmetric_kl(self, other):
        """``(KL(self || other) + KL(other || self)) / 2``, nats."""
        return 0.5 * (self.kl(other) + other.kl(self))


class _Grid:
    """Value, gradient and Hessian of the dual on a Fejer grid of the support, through dense features."""

    def __init__(self, moments, degree, support, prior, points):
        nodes, weights = fejer_rule(points)
        a, b = support
        self.degree, self.width = degree, (b - a) / 2.0
        self.x = (a + b) / 2.0 + self.width * nodes
        q0 = np.ones(points) if prior is None else np.asarray(prior(self.x), dtype=np.float64)
        if not (q0 >= 0).all() or not q0.any():
            raise ValueError("the prior must be non-negative, and positive somewhere on the support.")
        with np.errstate(divide="ignore"):
            self.log_weights = np.log(weights * self.width * q0)
        self.on_chebyshev_grid = moments.basis == "chebyshev" and tuple(support) == tuple(moments.interval)
        self.most_points = MOST_POINTS[self.on_chebyshev_grid]
        if not self.on_chebyshev_grid:
            self.features = vandermonde(moments.basis, degree, self.x, moments.interval)[:, 1:]

    def exponent(self, a):
        if self.on_chebyshev_grid:  # sum_j a_j cos(j theta_i): a DCT of type III
            padded = np.zeros(len(self.x))
            padded[1 : self.degree + 1] = a / 2.0
            return fft.dct(padded, type=3)
        return self.features @ a

    def log_partition(self, a):
        """``log int q0 exp(-sum a_j phi_j) dx`` and the normalised masses on the grid."""
        exponent = self.log_weights - self.exponent(a)
        top = exponent.max()
        mass = np.exp(exponent - top)
        total = mass.sum()
        return top + np.log(total), mass / total

    def mean(self, mass):
        if self.on_chebyshev_grid:
            self.cosines = 0.5 * fft.dct(mass, type=2)[: 2 * self.degree + 1]
            return self.cosines[1 : self.degree + 1]
        return mass @ self.features

    def covariance(self, mass, mean):
        """Covariance of the features; after `mean` of the same masses."""
        if self.on_chebyshev_grid:  # T_j T_k = (T_(j + k) + T_|j - k|) / 2
            total, difference = _product_indices(self.degree)
            second = 0.5 * (self.cosines[total] + self.cosines[difference])
        else:
            second = (self.features * mass[:, None]).T @ self.features
        return second - np.outer(mean, mean)


@lru_cache(maxsize=16)
def _product_indices(degree):
    j = np.arange(1, degree + 1)
    return j[:, None] + j, np.abs(j[:, None] - j)


def maxent(
    moments, *, degree=None, basis=None, support=None, prior=None, standard_error=None, iterations=200, points=2048
):
    """Maximise ``-int q log(q / q0)`` under the moments: ``min_a log Z(a) + sum_j a_j mu_j + (1/2) sum_j s_j^2 a_j^2``.

    Parameters
    ----------
    moments : Moments
        Known atoms are taken out, and stay in the result as atoms.
    degree : int, optional
        Use only so many of them.
    basis : {"chebyshev", "legendre", "power"}, optional
        Default: that of the moments. The exact optimum is the same in each; powers are ill-conditioned beyond some 20.
    support : (float, float), optional
        Where the density may be positive, within the moments' interval; default all of it.
    prior : callable, optional
        ``q0(x) >= 0`` (module-level, so that the result pickles); default flat.
    standard_error : float or (degree,) array, optional
        Of ``mu_1..mu_m``: the noise allowed for. Default that of the moments, each at least 1e-4 and a tenth of their
        root mean square (a spread over few probes may vanish by accident); from a single probe the bound ``sqrt(2 / n)``.
    iterations, points : int
        At most so many Newton steps a grid; size of the first Fejer grid, made four times finer until ``log Z`` stands.

    Returns
    -------
    MaxEntDensity
        Check `converged`; `stopped` says why not. No product.

    Raises
    ------
    ValueError
        Support outside the interval, prior without mass, or all eigenvalues known atoms.

    Notes
    -----
    The rule for noisy moments: the penalty lets ``int phi_j q`` miss ``mu_j`` by ``s_j^2 |a_j|``, which is what a
    Gaussian error of standard deviation ``s_j`` on ``mu_j`` calls for; with ``s = 0`` it is the thesis's problem with
    hard constraints. ``log Z`` in place of ``int q`` keeps the mass at 1 exactly. Levenberg-Marquardt damping, Cholesky,
    Armijo steps; on the moments' own interval value, gradient and Hessian come from cosine transforms of the grid.
    Source: thesis Algorithm 1, Equations 2.24 to 2.28 (its stopping test needs ``|g_j|``).

    Examples
    --------
    >>> flat = maxent(Moments.exact([1.0, 0.0, -1 / 3], interval=(-1, 1)))
    >>> flat.pdf(0.3).round(9), flat.converged
    (np.float64(0.5), True)
    """
    if basis is not None:
        moments = moments.converted(basis)
    if degree is not None:
        moments = moments.truncated(degree)
    m = moments.degree
    support = moments.interval if support is None else checked_interval(support)
    slack = 1e-9 * (moments.interval[1] - moments.interval[0])
    if support[0] < moments.interval[0] - slack or support[1] > moments.interval[1] + slack:
        raise ValueError(f"the support {support} must lie within the interval {moments.interval} of the moments.")
    if moments.rest_share <= 1e-12:
        raise ValueError("every eigenvalue is a known atom: no density is left to fit.")
    target = moments.samples.mean(axis=0)[1:]
    penalty = dual_penalty(moments, standard_error)
    points, a, count = max(points, 8 * m), np.zeros(m), 0
    grid = _Grid(moments, m, support, prior, points)
    while True:
        a, value, log_z, mass, taken, stopped = minimise_dual(grid, target, penalty, a, iterations)
        count += taken
        finer = _Grid(moments, m, support, prior, 4 * points)
        resolved = abs(finer.log_partition(a)[0] - log_z) < RESOLVED
        if resolved or 4 * points > grid.most_points:
            break
        points, grid = 4 * points, finer
    mean = grid.mean(mass)
    size = float(np.abs(target - mean + penalty * a).max())
    if not resolved:
        stopped = "the density is narrower than its grid, as at an eigenvalue that many share: use fewer moments"
    converged = bool(size < TOLERANCE and resolved)
    hessian = grid.covariance(mass, mean)
    hessian[np.diag_indices(m)] += penalty
    factor, _ = _factor(hessian, 1e-14)
    return MaxEntDensity(
        coefficients=frozen(np.r_[log_z - 1.0, a]),
        support=support,
        moments_given=moments,
        fitted=frozen(np.r_[1.0, mean]),
        penalty=frozen(np.r_[0.0, penalty]),
        prior=prior,
        entropy=float(log_z + a @ mean),
        objective=float(value),
        gradient=size,
        converged=converged,
        stopped="converged" if converged else stopped,
        iterations=count,
        covariance=frozen(factor),
        points=points,
    )


def minimise_dual(grid, target, penalty, a, iterations):
    """Damped Newton on one grid: ``(a, value, log Z, masses, iterations, why it stopped)``."""
    m, damping = len(a), 1e-6

    def evaluate(a):
        log_z, mass = grid.log_partition(a)
        return log_z + a @ target + 0.5 * penalty @ (a * a), log_z, mass

    value, log_z, mass = evaluate(a)
    stopped = f"took {iterations} steps and is not there: use fewer moments, more probes or standard_error="
    for count in range(iterations + 1):
        mean = grid.mean(mass)
        gradient = target - mean + penalty * a
        size = np.abs(gradient).max()
        if size < 0.01 * TOLERANCE:
            stopped = "converged"
            break
        if count == iterations:
            break
        hessian = grid.covariance(mass, mean)
        hessian[np.diag_indices(m)] += penalty
        step, damping = _newton_step(hessian, gradient, damping)
        slope, length = gradient @ step, 1.0
        while length > 1e-10:
            trial, trial_log_z, trial_mass = evaluate(a + length * step)
            if trial <= value + 1e-4 * length * slope + 1e-14 * abs(value):
                break
            length *= 0.5
        else:
            damping *= 100.0
            if damping > 1e3:
                stopped = "rounding leaves no step that lowers the dual: use fewer moments or standard_error="
                break
            continue
        improved = size
        a, value, log_z, mass = a + length * step, trial, trial_log_z, trial_mass
        damping = damping / 10.0 if length == 1.0 else damping * 4.0
        if size < TOLERANCE and np.abs(target - grid.mean(mass) + penalty * a).max() >= 0.5 * improved:
            stopped = "converged"
            break
    return a, value, log_z, mass, count, stopped


def dual_penalty(moments, standard_error):
    m = moments.degree
    if standard_error is None:
        error = moments.rest().standard_error[1:]
        if not np.isfinite(error).all():
            error = np.full(m, np.sqrt(2.0 / max(moments.size, 1)))
        error = np.maximum(error, max(0.1 * np.sqrt(np.mean(error**2)), 0.0 if moments.is_exact else LEAST_ERROR))
    else:
        error = np.broadcast_to(np.asarray(standard_error, dtype=np.float64), (m,))
        if not (np.isfinite(error).all() and (error >= 0).all()):
            raise ValueError(f"standard_error must be finite and not negative; got {standard_error}.")
    return error**2


def _factor(hessian, damping):
    """Cholesky factor of ``H + damping diag(H)``, damping raised until there is one."""
    diagonal = np.diag_indices(len(hessian))
    scale = np.maximum(hessian[diagonal], 1e-12)  # all mass on one node of the grid leaves nothing but rounding
    for _ in range(40):
        damped = hessian.copy()
        damped[diagonal] += damping * scale
        try:
            return linalg.cholesky(damped, lower=True, check_finite=False), damping
        except linalg.LinAlgError:
            damping = max(10.0 * damping, 1e-15)
    raise ValueError("the moments are not finite or the support is empty: check the interval.")


def _newton_step(hessian, gradient, damping):
    factor, damping = _factor(hessian, damping)
    return -linalg.cho_solve((factor, True), gradient, check_finite=False), damping
