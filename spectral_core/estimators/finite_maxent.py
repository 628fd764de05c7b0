"""Maximum relative entropy on finitely many outcomes: Jaynes' die, a prior, and Bayes' rule as a special case."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from spectral_core.results import frozen

__all__ = ["FiniteMaxEnt", "finite_maxent"]

TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class FiniteMaxEnt:
    """``p_i = q_i exp(-sum_j a_j f_ji) / Z``.

    Attributes
    ----------
    probabilities : (n,) array
    prior : (n,) array
        ``q``, normalised.
    multipliers : (k,) array
        ``a_j``; ``nan`` where a mean at the end of its range left only a part of the outcomes, which no finite one does.
    log_partition : float
        ``log Z``, of the outcomes left.
    gradient : float
        Largest difference between a mean asked for and that of `probabilities`.
    converged : bool
    iterations : int
    """

    probabilities: np.ndarray
    prior: np.ndarray
    multipliers: np.ndarray
    log_partition: float
    gradient: float
    converged: bool
    iterations: int

    @property
    def entropy(self):
        """``-sum p log p``, nats."""
        return float(special.entr(self.probabilities).sum())

    @property
    def divergence(self):
        """``KL(p || q) = sum p log(p / q)``, nats: how much was learnt. Its negative is what is maximal."""
        return float(special.rel_entr(self.probabilities, self.prior).sum())


def finite_maxent(features, means, *, prior=None, iterations=100):
    """Maximise ``-sum_i p_i log(p_i / q_i)`` under ``sum_i p_i f_ji = F_j``: ``min_a log Z(a) + sum_j a_j F_j``.

    Parameters
    ----------
    features : (n,) or (k, n) array
        ``f_ji``: the value of the j-th feature at the i-th outcome.
    means : float or (k,) array
        ``F_j``. One at the end of its feature's range is met by the outcomes at that end alone: a feature that is 1 on
        what was observed and 0 elsewhere, of mean 1, turns the prior into Bayes' posterior.
    prior : (n,) array, optional
        ``q_i >= 0``, normalised here; default flat.
    iterations : int
        At most so many Newton steps.

    Returns
    -------
    FiniteMaxEnt
        Check `converged`.

    Raises
    ------
    ValueError
        Shapes that do not fit, a prior that is negative or without mass, or a mean that no distribution has.

    Notes
    -----
    The dual is convex: damped Newton steps on the covariance of the features, of least norm where features depend on
    each other. Sources: thesis section 2.3 and Equation 2.23; with a prior Equation 2.24 and Appendix A, Equation A.4 (A.5
    says "constant q" of what is the general case); Jaynes 1957; Caticha and Giffin 2006 for Bayes' rule.

    Examples
    --------
    >>> finite_maxent([1, 2, 3, 4, 5, 6], 4.5).probabilities.round(4)
    array([0.0544, 0.0788, 0.1142, 0.1654, 0.2398, 0.3475])
    """
    features = np.atleast_2d(np.asarray(features, dtype=np.float64))
    means = np.atleast_1d(np.asarray(means, dtype=np.float64))
    k, n = features.shape
    q = np.full(n, 1.0 / n) if prior is None else np.asarray(prior, dtype=np.float64)
    if len(means) != k or q.shape != (n,):
        raise ValueError(
            f"one mean a feature and one prior probability an outcome; got {len(means)} means and a prior of shape {q.shape} "
            f"for {k} features of {n} outcomes."
        )
    if not (np.isfinite(features).all() and np.isfinite(means).all() and np.isfinite(q).all()):
        raise ValueError("features, means and prior must be finite.")
    if (q < 0).any() or not q.any():
        raise ValueError("the prior must be non-negative, and positive somewhere.")
    q = q / q.sum()
    left, free = _outcomes_left(features, means, q > 0)
    f, target = features[free][:, left], means[free]
    a, log_z, p, count = _minimise(f, target, np.log(q[left]), iterations)
    probabilities = np.zeros(n)
    probabilities[left] = p
    multipliers = np.full(k, np.nan)
    multipliers[free] = a
    gap = float(np.abs(features @ probabilities - means).max())
    scale = max(1.0, float(np.abs(features).max()))
    return FiniteMaxEnt(
        frozen(probabilities), frozen(q), frozen(multipliers), float(log_z), gap, gap < TOLERANCE * scale, count
    )


def _outcomes_left(features, means, left):
    """Outcomes that a mean at the end of its range leaves, and the features that are then still free."""
    free = np.ones(len(means), dtype=bool)
    again = True
    while again:
        again = False
        for j in np.flatnonzero(free):
            low, high = features[j, left].min(), features[j, left].max()
            slack = 1e-12 * max(abs(low), abs(high), high - low)
            if not low - slack <= means[j] <= high + slack:
                raise ValueError(
                    f"a mean lies between the least and the greatest value, here {low:g} and {high:g}; got {means[j]:g}."
                )
            for end in (low, high):
                if abs(means[j] - end) <= slack:
                    left = left & (np.abs(features[j] - end) <= slack)
                    free[j], again = False, True
                    break
    return left, free


def _minimise(f, target, log_q, iterations):
    """Damped Newton: ``(a, log Z, probabilities, iterations)``."""
    a = np.zeros(len(target))

    def evaluate(a):
        exponent = log_q - a @ f
        log_z = special.logsumexp(exponent)
        return log_z + a @ target, log_z, np.exp(exponent - log_z)

    value, log_z, p = evaluate(a)
    for count in range(iterations):
        mean = f @ p
        gradient = target - mean
        if np.abs(gradient).max(initial=0.0) <= 1e-14 * max(1.0, np.abs(f).max(initial=0.0)):
            return a, log_z, p, count
        centred = f - mean[:, None]
        step = -linalg.lstsq((centred * p) @ centred.T, gradient, lapack_driver="gelsy")[0]
        length, slope = 1.0, float(gradient @ step)
        while True:
            trial = evaluate(a + length * step)
            if trial[0] <= value + 1e-4 * length * slope + 1e-15 * abs(value):
                break
            length *= 0.5
            if length < 1e-12:
                return a, log_z, p, count
        a = a + length * step
        value, log_z, p = trial
    return a, log_z, p, iterations
