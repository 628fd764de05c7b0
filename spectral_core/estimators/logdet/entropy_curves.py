"""Entropy and error of a log-determinant against the number of moments: thesis Figure 2.1."""

from dataclasses import dataclass
from math import comb

import numpy as np

from spectral_core.estimators.logdet.entropy import FLOOR, MEASURES, LogGrid
from spectral_core.estimators.logdet.iterative_scaling import ITERATIONS, POINTS, scaled_masses
from spectral_core.estimators.maxent import dual_penalty
from spectral_core.polynomials import from_chebyshev, vandermonde
from spectral_core.results import Moments, frozen, last

__all__ = [
    "METHODS",
    "EntropyCurves",
    "entropy_against_moments",
    "entropy_against_moments_steps",
    "floor_sensitivity_steps",
]

METHODS = ("meme", "bmxnt")
DEGREES = range(2, 31)
ALLOWANCE = 1e-4


@dataclass(frozen=True, eq=False)
class EntropyCurves:
    """What each method makes of the first ``m`` moments, one column a method of `METHODS`.

    Attributes
    ----------
    degrees : (k,) array
        ``m``.
    entropy : (k, 2) array
        ``-int q log q dx`` in nats, of ``x = lambda / upper``; MEMe's relative to the measure asked for. It is what MEMe
        maximises: less ``sum_j gap_j^2 / (2 s^2)`` for moments missed within their allowance `s`.
    value : (k, 2) array
        ``n E_q[log lambda]``.
    gap : (k, 2) array
        Largest miss of a power moment ``E[x^i]``, ``i <= m``.
    truth : float
        ``log det A``; NaN where it is not known.
    interval : (float, float)
        Domain of the densities.
    size, products : int
    iterations : int
        Rounds of scaling of the second method.
    """

    degrees: np.ndarray
    entropy: np.ndarray
    value: np.ndarray
    gap: np.ndarray
    truth: float
    interval: tuple[float, float]
    size: int
    products: int
    iterations: int

    @property
    def error(self):
        """``|value / truth - 1|``: (k, 2) array."""
        return np.abs(self.value / self.truth - 1.0)

    @property
    def rises(self):
        """Number of moments at which each method's entropy first rises above its least value so far; 0 for never."""
        found = []
        for column in self.entropy.T:
            above = column > np.minimum.accumulate(column) + 1e-6 * np.abs(column).max(initial=1e-300)
            found.append(int(self.degrees[above.argmax()]) if above.any() else 0)
        return dict(zip(METHODS, found, strict=True))


def entropy_against_moments_steps(
    spectrum, degrees=DEGREES, *, floor=None, measure="flat", truth=None, allowance=ALLOWANCE, iterations=ITERATIONS
):
    """Yield `EntropyCurves` that grow by one number of moments.

    The maximum of the entropy under more constraints can not be larger: a rise is an optimisation that failed.

    Parameters
    ----------
    spectrum : (n,) array of positive eigenvalues, or Moments
        Eigenvalues give exact moments and the truth. Chebyshev moments with their `size`, their interval from 0 on.
    degrees : sequence of int
        Ascending.
    floor, measure
        As in `meme_steps`; a floor of 1e-10 by default.
    truth : float, optional
        ``log det A`` beside moments.
    allowance : float
        Standard deviation by which MEMe may miss each exact moment: spectra with lone eigenvalues, as kernels have, leave
        no density that meets 20 of their moments. Sampled moments bring their own.
    iterations : int
        Rounds of scaling.

    Raises
    ------
    ValueError
        Eigenvalues that are not positive, moments of another kind, numbers of moments that do not ascend from 2.

    Notes
    -----
    No product. Source: thesis Figure 2.1.
    """
    degrees = [int(m) for m in degrees]
    if not degrees or degrees[0] < 2 or (np.diff(degrees) <= 0).any():
        raise ValueError(f"numbers of moments ascend, from at least 2; got {degrees}.")
    moments, truth = _given(spectrum, max(degrees), truth)
    upper = moments.interval[1]
    share = FLOOR if floor is None else floor
    penalty = np.full(moments.degree, allowance**2) if moments.is_exact else dual_penalty(moments, None)
    powers = _unit_powers(moments)
    coarse = LogGrid(1, moments.interval, share * upper, upper, "flat", POINTS)
    a, rows, n = np.zeros(0), [], moments.size
    for m in degrees:
        grid = LogGrid(m, moments.interval, share * upper, upper, measure)
        a, objective, mass, _ = grid.fit(moments.values[1 : m + 1], penalty[:m], np.pad(a, (0, m - len(a))))
        log_weights = coarse.log_weights - np.log(upper)
        scaled, _ = scaled_masses(powers[: m + 1], coarse.x / upper, log_weights, iterations)
        missed = [
            np.abs(q @ np.vander(one.x / upper, m + 1, increasing=True) - powers[: m + 1]).max()
            for q, one in ((mass, grid), (scaled, coarse))
        ]
        rows.append(
            (
                (objective - (0.0 if measure == "logarithmic" else np.log(upper)), _entropy(scaled, log_weights)),
                (n * float(mass @ grid.log_x), n * float(scaled @ coarse.log_x)),
                missed,
            )
        )
        entropy, value, gap = (frozen(part) for part in np.swapaxes(rows, 0, 1))
        yield EntropyCurves(
            degrees=frozen(degrees[: len(rows)]),
            entropy=entropy,
            value=value,
            gap=gap,
            truth=truth,
            interval=(share * upper, upper),
            size=n,
            products=moments.products,
            iterations=iterations,
        )


def entropy_against_moments(
    spectrum, degrees=DEGREES, *, floor=None, measure="flat", truth=None, allowance=ALLOWANCE, iterations=ITERATIONS
):
    """The last item of `entropy_against_moments_steps`.

    Examples
    --------
    >>> curves = entropy_against_moments(np.linspace(0.1, 1.0, 100), (2, 4), iterations=10)
    >>> curves.rises["meme"], bool(curves.error[-1, 0] < 0.1)
    (0, True)
    """
    return last(
        entropy_against_moments_steps(
            spectrum, degrees, floor=floor, measure=measure, truth=truth, allowance=allowance, iterations=iterations
        )
    )


def floor_sensitivity_steps(spectrum, floors, *, degree=30, measures=MEASURES, allowance=ALLOWANCE):
    """Yield ``{measure: values}``: MEMe's ``n E_q[log lambda]`` at `degree` moments for one more of the `floors`, an array each.

    The same moments every time: what changes is the floor and the measure alone.

    Parameters
    ----------
    spectrum, allowance
        As in `entropy_against_moments_steps`.
    floors : sequence of float
        Lower ends of the domain, as shares of the upper end.
    degree : int
    measures : sequence of str
        See `LogGrid`.
    """
    moments, _ = _given(spectrum, degree, None)
    penalty = np.full(degree, allowance**2) if moments.is_exact else dual_penalty(moments, None)
    upper, found = moments.interval[1], {measure: [] for measure in measures}
    for floor in floors:
        for measure, values in found.items():
            grid = LogGrid(degree, moments.interval, floor * upper, upper, measure)
            _, _, mass, _ = grid.fit(moments.values[1:], penalty)
            values.append(moments.size * float(mass @ grid.log_x))
        yield {measure: frozen(values) for measure, values in found.items()}


def _given(spectrum, degree, truth):
    if isinstance(spectrum, Moments):
        if spectrum.basis != "chebyshev" or spectrum.interval[0] != 0.0 or not spectrum.size:
            raise ValueError(
                f"Chebyshev moments on an interval from 0 on, of a matrix of known size, are needed; got {spectrum.basis} "
                f"moments on {spectrum.interval}: take them with interval=(0, upper end)."
            )
        return spectrum.truncated(degree), np.nan if truth is None else float(truth)
    values = np.asarray(spectrum, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not (np.isfinite(values).all() and (values > 0).all()):
        raise ValueError(
            "the eigenvalues of a positive definite matrix are needed: at least two finite, positive numbers."
        )
    interval = (0.0, float(values.max()) * (1.0 + 1e-6))
    exact = vandermonde("chebyshev", degree, values, interval).mean(axis=0)
    return Moments(exact[None], interval, is_exact=True, size=len(values)), float(np.log(values).sum())


def _unit_powers(moments):
    """``E[x^k]`` of ``x = lambda / upper = (1 + t) / 2``; no rounding is amplified, for all coefficients are positive."""
    m = moments.degree
    halves = np.array([[comb(k, i) / 2.0**k for i in range(m + 1)] for k in range(m + 1)])
    return halves @ from_chebyshev("power", m) @ moments.values


def _entropy(mass, log_weights):
    kept = mass > 0
    return float(-mass[kept] @ (np.log(mass[kept]) - log_weights[kept]))
