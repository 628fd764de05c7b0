"""The spectral measures of probes as Lanczos finds them: moments, bounds on the logarithm, and an upper end at once."""

from dataclasses import dataclass, field

import numpy as np

from spectral_core.estimators.logdet.extrapolation import slow_limit, thirds
from spectral_core.estimators.logdet.quadrature import log_rules, with_distance
from spectral_core.krylov.three_term_lanczos import choose_lanczos
from spectral_core.polynomials import vandermonde
from spectral_core.probes import draw_probes
from spectral_core.results import Moments, mean_and_standard_error

__all__ = ["LanczosMeasures", "lanczos_measure_steps", "moment_plan"]

PROBES, LONGEST = 30, 100
NARROW = 0.999
REFITS = (3, 5, 8, 12, 18, 25, 35, 50, 70, 100)  # Lanczos steps after which measures are given out


@dataclass(frozen=True, eq=False)
class LanczosMeasures:
    """Ritz values and weights of each probe so far, its Gauss and Gauss-Radau rules of ``log``, an end above them all.

    `gauss` has a row a probe: where no lower bound is known the rules after each third of the steps, else the last one
    thrice. `rounding` is that of `log_rules`.
    """

    measures: tuple = ()
    gauss: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radau: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rounding: np.ndarray = field(default_factory=lambda: np.zeros(0))
    upper: float = 0.0
    steps: int = 0
    products: int = 0

    def joined(self, run, rules, gauss):
        ends = np.cumsum(run.lengths)[:-1]
        measures = list(zip(np.split(rules.nodes, ends), np.split(rules.weights, ends), strict=True))
        upper = max(
            nodes[-1] + run.beta[k - 1, i] for i, (k, (nodes, _)) in enumerate(zip(run.lengths, measures, strict=True))
        )
        return LanczosMeasures(
            (*self.measures, *measures),
            np.vstack([self.gauss, gauss]),
            np.r_[self.radau, rules.radau],
            np.r_[self.rounding, rules.rounding],
            max(self.upper, upper * (1.0 + 1e-6)),
            len(run.alpha) if not self.measures else min(self.steps, len(run.alpha)),
            self.products + run.products,
        )

    @property
    def narrow(self):
        """Whether all eigenvalues seen agree to a thousandth: then no density is fitted, the Gauss rules are the answer."""
        return min(nodes[0] for nodes, _ in self.measures) > NARROW * self.upper

    def bracket(self, n):
        """Means of the Gauss-Radau and the Gauss rules, moved out by rounding."""
        out = n * float(self.rounding.mean())
        return n * float(self.radau.mean()) - out, n * float(self.gauss[:, -1].mean()) + out

    def bracket_error(self, n):
        """Standard error over probes of the rules that bound from above."""
        return float(mean_and_standard_error(n * self.gauss[:, -1])[1])

    def error_bar(self, n, value, spread):
        """`with_distance` to the bracket; where that is open, to a guess at the limit of the Gauss rules instead."""
        low, high = self.bracket(n)
        if not np.isfinite(low):
            low = slow_limit(n * self.gauss.mean(axis=0))
        return with_distance(spread, value, (low, high))

    def moments(self, degree, interval, n):
        """Chebyshev moments, a row a probe; exact for each up to ``2 steps - 1``."""
        samples = [weights @ vandermonde("chebyshev", degree, nodes, interval) for nodes, weights in self.measures]
        return Moments(np.array(samples), interval, size=n, products=self.products)


def moment_plan(products, degree=None, probes=None):
    """``(steps, probes)``: ``k`` Lanczos steps give ``2 k - 1`` moments of a probe; 30 probes, fewer where steps are few.

    >>> moment_plan(1500), moment_plan(60), moment_plan(1500, degree=29)
    ((50, 30), (6, 10), (15, 100))
    """
    if degree is not None and degree < 2:
        raise ValueError(f"maximum entropy needs at least 2 moments; got {degree}.")
    if degree is not None:
        steps = degree // 2 + 1
    elif probes:
        steps = products // probes
    else:
        steps = max(products // PROBES, min(products // 10, 15))
    steps = min(max(steps, 2), LONGEST)
    probes = probes or products // steps
    if probes < 2 or steps * probes > products:
        raise ValueError(
            f"{steps} Lanczos steps on at least 2 probes, for the error bar, take {steps * max(probes, 2)} products; got "
            f"{products}: spend more, or ask for fewer moments."
        )
    return steps, probes


def lanczos_measure_steps(A, *, steps, probes, lower_bound, generator, memory=1 << 30):
    """Yield ``(measures, last)`` after every Lanczos step: `LanczosMeasures`, or None where no fit is due."""
    n = A.shape[0]
    V = draw_probes(n, probes, generator=generator, dtype=A.dtype, device=A.device)
    recurrence, batch = choose_lanczos(A, steps=steps, probes=probes, memory=memory)
    done = LanczosMeasures()
    for start in range(0, probes, batch):
        end = min(start + batch, probes)
        for run in recurrence(A, V[:, start:end], steps=steps, memory=memory):
            k, ended = len(run.alpha), not run.beta[-1].any()
            if k == steps or ended or (start == 0 and k in REFITS):
                rules = log_rules(run.alpha, run.beta, run.lengths, size=n, dtype=A.dtype, lower_bound=lower_bound)
                gauss = [rules.gauss] * 3
                if lower_bound is None:
                    gauss[:2] = (
                        log_rules(run.alpha[:j], run.beta[:j], np.minimum(run.lengths, j), size=n, dtype=A.dtype).gauss
                        for j in thirds(k)[:2]
                    )
                seen = done.joined(run, rules, np.column_stack(gauss))
                yield seen, end == probes and (ended or k == steps)
            else:
                yield None, False
        done = seen
