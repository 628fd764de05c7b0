"""Largest stable learning rates against batch size, from curvature and its noise at the leading eigenvectors."""

from dataclasses import dataclass

import numpy as np

from spectral_core.batch_scaling.full_batch import checked_batch_sizes
from spectral_core.batch_scaling.mini_batches import effective_batch_size
from spectral_core.batch_scaling.predictions import refined
from spectral_core.results import frozen

__all__ = [
    "LearningRates",
    "RateShape",
    "Recommendation",
    "learning_rates",
    "rate_shape",
    "recommendation",
    "stable_rates",
]

ADAM = 1e-3  # its usual rate
SHARP = 0.1  # of the largest eigenvalue: what bounds a learning rate
STEEP, FLAT = 0.75, 0.25  # log-log slopes of the rate: linear above, saturated below, like a square root between


@dataclass(frozen=True, eq=False)
class LearningRates:
    """Largest stable learning rates at each batch size, (m,) arrays.

    Attributes
    ----------
    batch_sizes : (m,) array
    sgd, sgd_error : arrays
        ``2/(lambda + s^2(u)/(b lambda))``, least over the leading eigenvectors, and its error as a sample of examples.
    sharpness, sharpness_error : arrays
        ``2/E lambda_1(B)`` with the refined prediction: where the mean mini-batch is at the edge. Higher at small B where rare
        examples make the noise: few mini-batches hold them, but those that do move far.
    momentum : array
        ``2 (1 + rho)/(lambda + (1 + rho)/(1 - rho) s^2(u)/(b lambda))``, heavy ball without Nesterov's correction.
    adam_damped : array
        ``epsilon/(1 - beta_1)`` times that: Adam where ``epsilon`` outweighs the gradients' root mean square.
    adam_scaling : array
        Adam with small damping, relative to the first batch size: ``sqrt(B/B_0)`` up to the critical batch size (thesis 5.8.1).
    gradient_rms : array
        ``sqrt((||g||^2 + tr C/b)/P)``: `adam_damped` holds for epsilon above it, `adam_scaling` below.
    exponent : array
        ``d log(sgd)/d log B``: 1 linear, 1/2 as a square root, 0 saturated.
    linear_until, saturated_from : float
        Largest batch sizes at which the exponent is 3/4 and 1/4 at least.
    full : float
        ``2/lambda_1`` of all data.
    """

    batch_sizes: np.ndarray
    sgd: np.ndarray
    sgd_error: np.ndarray
    sharpness: np.ndarray
    sharpness_error: np.ndarray
    momentum: np.ndarray
    adam_damped: np.ndarray
    adam_scaling: np.ndarray
    gradient_rms: np.ndarray
    exponent: np.ndarray
    linear_until: float
    saturated_from: float
    full: float

    def of(self, optimiser, found=()):
        """Rates predicted for one of `training.OPTIMISERS`, to set beside those found by training (`StableRate`).

        Adam's, of small damping, are a shape without a level: it is that of the rates found, NaN without any.
        """
        if optimiser != "adam":
            return getattr(self, optimiser)
        pairs = [each for each in found if each.bracketed]
        places = np.searchsorted(self.batch_sizes, [each.batch_size for each in pairs])
        levels = np.log([each.value for each in pairs]) - np.log(self.adam_scaling[places])
        return self.adam_scaling * (np.exp(levels.mean()) if pairs else np.nan)

    def first_tried(self, optimiser):
        """Where a search for the largest stable rate begins: at those predicted, Adam's at 0.001 for the first batch size."""
        return ADAM * self.adam_scaling if optimiser == "adam" else self.of(optimiser)

    def regime(self, batch_size):
        """ "linear", "square root" or "saturated" at this batch size."""
        return _regime(batch_size, self.linear_until, self.saturated_from)


def learning_rates(known, batch_sizes, *, momentum=0.9, epsilon=1e-8, draws=100, seed=0):
    """`LearningRates` at batch sizes, from a `FullBatch`; no product.

    Steps ``w <- w - a H_B w + rho (w - w_old)`` on independent mini-batches keep ``E ||w||^2`` bounded along an eigenvector u if
    ``a < 2 (1 + rho)/(lambda + (1 + rho)/(1 - rho) s^2(u)/(b lambda))``: from the variance of the process with two lags, with
    ``E w_(t+1)^2 = ... + a^2 (s^2/b) E w_t^2``, s^2 counting what leaves u as well. Linear in b below ``s^2/lambda^2``, then
    saturated at ``2 (1 + rho)/lambda``; momentum pays only there.

    Parameters
    ----------
    known : Outliers or FullBatch
    batch_sizes : sequence of int
        From 1 to N.
    momentum : float
        ``rho``, and Adam's ``beta_1``.
    epsilon : float
        Adam's damping.
    draws, seed : int
        Of the refined prediction.

    Raises
    ------
    ValueError
        Momentum not in [0, 1), epsilon not finite and positive, or a largest eigenvalue that is not positive.

    Notes
    -----
    Source: thesis sections 5.7 and 5.8, which take ``2/lambda_1`` of the mini-batch. The theory is that of a fixed quadratic
    at this checkpoint: a network trained to a small loss bends more as soon as it is moved, and diverges earlier; and larger
    steps can stay bounded by moving to flatter places.
    """
    if not 0 <= momentum < 1 or not 0 < epsilon < np.inf:
        raise ValueError(f"momentum lies in [0, 1) and epsilon is finite and above 0; got {momentum} and {epsilon}.")
    known = getattr(known, "full_batch", known)
    linear_until, saturated_from = _turns(known)
    sizes = np.sort(checked_batch_sizes(batch_sizes, known.examples))
    b = effective_batch_size(sizes, known.examples)
    found = refined(known.projections, sizes, 1, draws=draws, generator=np.random.default_rng(seed))
    mean, error = found.value[:, 0], found.standard_error[:, 0]
    s2, s2_error = known.projections.noise
    sgd = stable_rates(known, b)
    slack = np.abs(stable_rates(known, b, s2 + s2_error) - sgd)
    heavy = stable_rates(known, b, momentum=momentum)
    rms = np.sqrt((known.gradient_norm**2 + known.gradient_noise.value / b) / known.size)
    critical = max(known.second_order_critical[0], 1.0)
    grown = np.minimum(sizes, critical) / min(sizes[0], critical)
    return LearningRates(
        sizes,
        frozen(sgd),
        frozen(slack),
        frozen(2.0 / mean),
        frozen(2.0 / mean * error / mean),
        frozen(heavy),
        frozen(epsilon / (1 - momentum) * heavy),
        frozen(np.sqrt(grown)),
        frozen(rms),
        frozen(_exponent(known, sizes)),
        linear_until,
        saturated_from,
        float(2.0 / known.eigenvalues[0]),
    )


def stable_rates(known, b, noise=None, momentum=0.0):
    """``2 (1 + rho)/(l + (1 + rho)/(1 - rho) s^2/(b l))`` at each b, least over eigenvectors, (m,).

    Those of l above a tenth of the largest. Noise is counted as if it stayed in its direction; where l is small most of it leaves
    for sharper ones, which damp it.
    """
    l = known.projections.eigenvalues + known.weight_decay
    noise = known.projections.noise[0] if noise is None else noise
    amplified = np.maximum(noise, 0.0) * (1 + momentum) / (1 - momentum)
    sharp = l > SHARP * l.max()
    l, amplified = l[sharp], amplified[sharp]
    return (2 * (1 + momentum) / (l + amplified / (np.asarray(b)[:, None] * l))).min(axis=1)


def _exponent(known, sizes):
    """``d log r/d log B`` of `stable_rates`, by differences over half a percent."""
    N, B = known.examples, np.asarray(sizes, dtype=float)
    above, below = np.minimum(1.005 * B, N), B / 1.005
    rates = (stable_rates(known, effective_batch_size(each, N)) for each in (above, below))
    return np.subtract(*map(np.log, rates)) / np.log(above / below)


def _turns(known):
    """The largest batch sizes at which the slope is `STEEP`, `FLAT` at least; the smallest there is if none."""
    if not known.eigenvalues[0] > 0:
        raise ValueError("the largest eigenvalue is not positive: no direction bounds the learning rate here.")
    ladder = np.unique(np.geomspace(1, known.examples, 200).round().astype(int))
    slopes = _exponent(known, ladder)
    return tuple(float(ladder[np.flatnonzero(slopes >= level).max(initial=0)]) for level in (STEEP, FLAT))


def _regime(batch_size, linear_until, saturated_from):
    if batch_size <= linear_until:
        return "linear"
    return "square root" if batch_size <= saturated_from else "saturated"


@dataclass(frozen=True)
class RateShape:
    """How rates grow with the batch size: log-log slopes over the three smallest and the three largest, and the bend.

    Two each of fewer than five sizes; `critical` is ``B_c`` of the fit ``r/(1 + B_c/B)`` in logarithms; 0 or `inf` where
    the rates do not bend within a factor 2 of the batch sizes.
    """

    grows_at: float
    ends_at: float
    critical: float

    @property
    def linear_then_flat(self):
        """Slope above 1/2 at the small sizes, below at the large ones."""
        return self.grows_at > 0.5 > self.ends_at


def rate_shape(batch_sizes, rates):
    """`RateShape` of rates at three batch sizes or more, predicted or found, to compare the two.

    >>> B = np.geomspace(1, 4096, 13)
    >>> shape = rate_shape(B, 0.3 / (1 + 64 / B))
    >>> shape.linear_then_flat, round(shape.critical, -1)
    (True, 60.0)
    """
    B, r = np.asarray(batch_sizes, dtype=float), np.asarray(rates, dtype=float)
    good = (
        B.shape == r.shape
        and B.ndim == 1
        and len(B) >= 3
        and (np.isfinite(B) & np.isfinite(r) & (B > 0) & (r > 0)).all()
    )
    if not good or not (np.diff(B) > 0).all():
        raise ValueError("a shape needs positive rates at three ascending batch sizes or more.")
    few = 3 if len(B) > 4 else 2
    grows, ends = (np.polyfit(np.log(B[part]), np.log(r[part]), 1)[0] for part in (slice(few), slice(-few, None)))
    turns = np.geomspace(B[0] / 2, B[-1] * 2, 400)
    spread = (np.log(r) + np.log1p(turns[:, None] / B)).std(axis=1)
    best = int(np.argmin(spread))
    critical = 0.0 if best == 0 else np.inf if best == len(turns) - 1 else float(turns[best])
    return RateShape(float(grows), float(ends), critical)


@dataclass(frozen=True)
class Recommendation:
    """A learning rate for another batch size: `value`, between `lower` and `upper`; `sentence` and `assumptions` in words.

    `stable` is whether both the rate given and the one advised are below what mini-batches of their sizes are stable at.
    """

    value: float
    lower: float
    upper: float
    regime: str
    sentence: str
    assumptions: tuple[str, ...]
    stable: bool


def recommendation(result, batch_size, learning_rate, new_batch_size, *, draws=100, seed=0):
    """Learning rate at another batch size that keeps the same share of the largest stable one, as a plain sentence.

    ``a' = a r(B')/r(B)`` with ``r = 2/(lambda + s^2/(b lambda))`` as in `learning_rates`. The interval holds two standard errors
    of ``s^2`` as a sample of examples, and what ``r = 2/E lambda_1(B)`` says instead.

    Parameters
    ----------
    result : Outliers or FullBatch
    batch_size, new_batch_size : int
    learning_rate : float
        Known to work at `batch_size`.
    draws, seed : int
        Of the refined prediction of ``E lambda_1``.

    Raises
    ------
    ValueError
        A learning rate that is not positive, or batch sizes out of range.
    """
    known = getattr(result, "full_batch", result)
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"a learning rate is a finite number above 0; got {learning_rate}.")
    linear_until, saturated_from = _turns(known)
    pair = [int(size) for size in checked_batch_sizes([batch_size, new_batch_size], known.examples)]
    b = effective_batch_size(pair, known.examples)
    s2, error = known.projections.noise
    before, after = np.array([stable_rates(known, b, s2 + shift * error) for shift in (0, -2, 2)]).T
    mean = refined(known.projections, pair, 1, draws=draws, generator=np.random.default_rng(seed)).value[:, 0]
    with np.errstate(over="ignore"):
        value, *others = learning_rate * np.r_[after / before, mean[0] / mean[1] if pair[0] != pair[1] else 1.0]
    lower, upper = min(value, *others), max(value, *others)
    if not upper < np.inf:
        raise ValueError(f"a learning rate of {learning_rate:.3g} is too large to be scaled.")
    gained = (
        f"beyond about {_rounded(saturated_from)} nothing is gained"
        if saturated_from < known.examples
        else "no batch size of these data is beyond gain"
    )
    sentence = (
        f"From B = {pair[0]}, learning rate {learning_rate:.3g}: at B = {pair[1]} use {value:.2g} ({lower:.2g} to {upper:.2g}); "
        f"up to about {_rounded(linear_until)} the rate grows in proportion to B, {gained}."
    )
    said = zip((learning_rate, value), (before[0], after[0]), ("given", "advised"), pair, strict=True)
    above = [
        f" **The rate {name} is above {limit:.2g}, up to which mini-batches of {size} are stable here.**"
        for rate, limit, name, size in said
        if rate > limit * (1 + 1e-9)
    ]
    assumptions = (
        "Plain SGD; with heavy-ball momentum the rate is linear in B for longer.",
        "Curvature and its noise are those at this checkpoint; both change in training.",
        "The rate is to keep its share of the largest stable one: what generalises best is another question.",
        "Examples are drawn without replacement and uniformly.",
    )
    regime = _regime(pair[1], linear_until, saturated_from)
    return Recommendation(
        float(value), float(lower), float(upper), regime, sentence + "".join(above), assumptions, not above
    )


def _rounded(size):
    """Two digits: more are not known."""
    digits = 10 ** max(int(np.floor(np.log10(max(size, 1.0)))) - 1, 0)
    return int(round(size / digits) * digits)
