"""What the tab "Learning rates" computes: the largest stable rates over batch sizes, damping, and a recommendation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pages.ui.batch_problem import full_batch
from pages.ui.curvature_problem import CurvatureProblem
from pages.ui.jobs import Step
from spectral_core import batch_scaling

__all__ = ["Advice", "RatesResult", "RatesSettings", "advice_job", "ladder", "rates_job"]

DRAWS = 100  # resampled mini-batches a size: no product


@dataclass(frozen=True)
class RatesSettings:
    """Everything that decides the rates: the key of their run, their link, caption and notebook."""

    problem: CurvatureProblem
    momentum: float = 0.9
    epsilon: float = 1e-3
    step: float = 1.0

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"Momentum {self.momentum:g}, Adam's ε {self.epsilon:g}, seed {self.problem.seed}; {self.problem.caption()}"
        )


@dataclass(frozen=True, eq=False)
class RatesResult:
    """`known` of all data, and what follows from it without a product."""

    known: batch_scaling.FullBatch
    rates: batch_scaling.LearningRates
    critical: batch_scaling.CriticalBatchSize
    damping: batch_scaling.Damping


@dataclass(frozen=True)
class Advice:
    """From `learning_rate` at `batch_size` to `new`."""

    problem: CurvatureProblem
    batch_size: int = 64
    learning_rate: float = 0.1
    new: int = 512


def ladder(N):
    """Octaves from 1 to the N examples."""
    return np.unique(np.r_[2 ** np.arange(int(np.log2(N)) + 1), N])


def rates_job(settings: RatesSettings) -> Iterator[Step]:
    """The result is a `RatesResult`, at the end."""
    problem = settings.problem
    _, known = yield from full_batch(problem, share=0.8)
    sizes, options = ladder(known.examples), {"draws": DRAWS, "seed": problem.seed}
    yield Step(0.8, note="learning rates")
    rates = batch_scaling.learning_rates(known, sizes, momentum=settings.momentum, epsilon=settings.epsilon, **options)
    yield Step(0.9, note="damping")
    damping = batch_scaling.least_damping(known, sizes, settings.step, seed=problem.seed)
    yield Step(0.95, note="critical batch size")
    yield Step(1.0, RatesResult(known, rates, known.critical_batch_size(**options), damping))


def advice_job(settings: Advice) -> Iterator[Step]:
    """The result is a `Recommendation`, at the end."""
    _, known = yield from full_batch(settings.problem, share=0.8)
    given = (
        min(settings.batch_size, known.examples),  # there may be fewer examples than the page begins with
        settings.learning_rate,
        min(settings.new, known.examples),
    )
    yield Step(1.0, batch_scaling.recommendation(known, *given, seed=settings.problem.seed))
