"""BMxnt: maximum entropy by generalised iterative scaling on powers, the classical baseline of thesis Figure 2.1."""

import numpy as np

from spectral_core.blas_threads import one_blas_thread
from spectral_core.estimators.logdet.entropy import ALL_BUT_EQUAL, LogGrid, share_of
from spectral_core.estimators.logdet.lanczos_measures import lanczos_measure_steps, moment_plan
from spectral_core.estimators.logdet.quadrature import known_lower_bound, refuse_singular
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.operators import accept
from spectral_core.results import frozen, mean_and_standard_error

__all__ = ["ITERATIONS", "POINTS", "bmxnt_steps", "scaled_masses"]

ITERATIONS = 1000
DEGREE = 10
LONGEST_TEST = 30  # Lanczos steps that look for an eigenvalue that is not positive
POINTS = 512  # of the quadrature: powers are smooth
GROUPS = 10  # of probes, left out in turn for the error bar


def scaled_masses(powers, x, log_weights, iterations=ITERATIONS):
    """``q(x) = exp(-sum_(i=0)^m a_i x^i)`` after so many rounds of generalised iterative scaling.

    Each round adds ``log(int x^i q dm / mu_i) / (m + 1)`` to every ``a_i`` at once. Each lowers the dual, for ``x^i`` on
    [0, 1] is not negative and sums to at most ``m + 1``; but a round moves less the more moments there are.

    Parameters
    ----------
    powers : (m + 1,) or (m + 1, k) array
        ``mu_i``, ``mu_0 = 1``; `k` sets are scaled side by side.
    x, log_weights : (N,) arrays
        Nodes in [0, 1] of the quadrature, and the logarithms of its weights.
    iterations : int
        Rounds; there is no other stopping rule.

    Returns
    -------
    mass : (N,) or (N, k) array
        Normalised to 1.
    coefficients : (m + 1,) or (m + 1, k) array
        ``a_i``, before that.

    Notes
    -----
    Source: Darroch and Ratcliff 1972; Bandyopadhyay, Bhattacharya, Biswas and Drabold 2005 for moments.
    """
    powers = np.asarray(powers, dtype=np.float64)
    targets = powers[:, None] if powers.ndim == 1 else powers
    features = np.vander(x, len(targets), increasing=True)
    a, exponent = np.zeros_like(targets), np.repeat(np.asarray(log_weights)[:, None], targets.shape[1], axis=1)
    with one_blas_thread():
        for _ in range(iterations):
            step = np.log((features.T @ np.exp(exponent)) / targets) / len(targets)
            a, exponent = a + step, exponent - features @ step
    mass = np.exp(exponent - exponent.max(axis=0))
    mass /= mass.sum(axis=0)
    return (mass[:, 0], a[:, 0]) if powers.ndim == 1 else (mass, a)


def bmxnt_steps(
    A,
    *,
    products=1500,
    lower_bound=None,
    generator,
    degree=DEGREE,
    probes=None,
    floor=None,
    iterations=ITERATIONS,
    memory=1 << 30,
):
    """Yield ``log det A ~ n int log(lambda) q(lambda) d lambda`` with `q` by iterative scaling, as a `LogDeterminant`.

    A baseline, to be beaten: after any number of rounds that one would wait for, more moments make it worse.

    Parameters
    ----------
    A, products, lower_bound, generator, probes, floor, memory
        As in `meme_steps`.
    degree : int
        Power moments.
    iterations : int
        Rounds of scaling.

    Notes
    -----
    Cost, bracket and bar as in `meme_steps`, but where no lower bound is known up to 30 products are spent on looking for
    an eigenvalue that is not positive; the probes' part of the error by a jackknife over ten groups of them. Source:
    Fitzsimons et al. 2017, "Entropic trace estimates for log determinants", with the scaling of `scaled_masses`.

    Examples
    --------
    >>> import torch
    >>> A = torch.diag(torch.linspace(1.0, 3.0, 200, dtype=torch.float64))
    >>> [*_, y] = bmxnt_steps(A, products=200, lower_bound=1.0, generator=torch.Generator().manual_seed(0))
    >>> abs(y.value / A.diagonal().log().sum().item() - 1) < 0.2
    True
    """
    A = accept(A)
    n = A.shape[0]
    lower_bound = known_lower_bound(A, lower_bound)
    spent = 0
    if lower_bound is None:  # so few steps would not see that the matrix is singular
        spent = refuse_singular(A, steps=max(1, min(LONGEST_TEST, products // 10)), generator=generator).products
    steps, probes = moment_plan(products - spent, degree, probes)
    history, item = [], None
    for ritz, last in lanczos_measure_steps(
        A, steps=min(steps, n), probes=probes, lower_bound=lower_bound, generator=generator, memory=memory
    ):
        if ritz is not None:
            upper, m = ritz.upper, min(degree, 2 * ritz.steps - 1)
            grid = LogGrid(1, (0.0, upper), share_of(floor, lower_bound, upper) * upper, upper, points=POINTS)
            samples = np.array([w @ np.vander(theta / upper, m + 1, increasing=True) for theta, w in ritz.measures])
            groups = min(GROUPS, len(samples))
            left_out = [
                np.delete(samples, np.arange(g, len(samples), groups), axis=0).mean(axis=0) for g in range(groups)
            ]
            sets = np.column_stack([samples.mean(axis=0), *left_out])
            if ritz.narrow:
                value, spread = (float(x) for x in mean_and_standard_error(n * ritz.gauss[:, -1]))
            else:
                mass, _ = scaled_masses(sets, grid.x / upper, grid.log_weights - np.log(upper), iterations)
                value, *others = n * grid.log_x @ mass
                spread = float(np.sqrt((groups - 1) ** 2 / groups) * np.std(others, ddof=1))
            error = ritz.error_bar(n, value, spread)
            item = LogDeterminant(
                value=float(value),
                standard_error=error,
                products=spent + ritz.products,
                degrees_of_freedom=groups - 1,
                stopped=_note(ritz, m, iterations, lower_bound),
                method="bmxnt",
                size=n,
                bracket=ritz.bracket(n),
                bracket_error=ritz.bracket_error(n),
                monte_carlo_error=spread,
                history=frozen([*history, (spent + ritz.products, value, error)]),
            )
            history = [*item.history]
        if item is not None:
            yield item


def _note(ritz, degree, iterations, lower_bound):
    if ritz.narrow:
        return ALL_BUT_EQUAL
    text = f"{degree} power moments of {len(ritz.measures)} probes, {iterations} rounds of scaling"
    if lower_bound is None:
        text += "; no lower bound on the eigenvalues is known, so the bar holds a guess at what is open below"
    return text
