"""What the tab "Try it" computes: real training at several batch sizes, and the largest rate that does not diverge."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from pages.ui.batch_problem import full_batch, sizes_within
from pages.ui.checkpoint_source import opened
from pages.ui.curvature_problem import CurvatureProblem, _loss, mini_batches
from pages.ui.jobs import Step
from pages.ui.wording import counted
from spectral_core import batch_scaling
from spectral_core.batch_scaling.learning_rates import ADAM, stable_rates
from spectral_core.batch_scaling.training import MOMENTUM

__all__ = [
    "SHARE",
    "STABLE_STEPS",
    "StableSettings",
    "TrainingSettings",
    "TryoutResult",
    "shapes",
    "stable_job",
    "training_job",
]

KNOWN = 0.15  # of the time, for what is known of all data
STABLE_STEPS = 200  # updates of a run that looks for divergence
SHARE = 0.25  # of the largest stable rate, where no other is given
LOOKS = 40  # losses of all data a run


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides the curves.

    A rate of 0 stands for `SHARE` of the largest stable one predicted at `base`; for Adam, of which only ratios are, for `ADAM`.
    """

    problem: CurvatureProblem
    batch_sizes: tuple[int, ...]
    rules: tuple[str, ...]
    base: int = 16
    rate: float = 0.0
    optimiser: str = "sgd"
    epochs: int = 3

    def caption(self) -> str:
        """One line under the figure."""
        return f"{self.epochs} epochs from the checkpoint, {self.optimiser}, seed {self.problem.seed}; {self.problem.caption()}"


@dataclass(frozen=True)
class StableSettings:
    """Everything that decides the rates found by training."""

    problem: CurvatureProblem
    batch_sizes: tuple[int, ...]
    seeds: int = 3
    optimiser: str = "sgd"

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"{counted(self.seeds, 'run')} of {STABLE_STEPS} updates a rate from the checkpoint, {self.optimiser}, seed "
            f"{self.problem.seed}; "
            f"{self.problem.caption()}"
        )


@dataclass(frozen=True, eq=False)
class TryoutResult:
    """`rates` predicted at the batch sizes; `runs` or `found` so far; `rate` that the curves scale from."""

    rates: batch_scaling.LearningRates
    initial_loss: float
    rate: float = 0.0
    runs: tuple[batch_scaling.TrainingRun, ...] = ()
    found: tuple[batch_scaling.StableRate, ...] = ()


def _prepared(problem, sizes):
    H, known = yield from full_batch(problem, share=KNOWN)
    sizes = sizes_within(sizes, H)
    yield Step(KNOWN, note="predicted rates")
    rates = batch_scaling.learning_rates(known, sizes, seed=problem.seed)
    found = opened(problem.checkpoint)
    given = found.recognised.model, _loss(found), list(mini_batches(problem))
    options = {"dtype": getattr(torch, problem.dtype), "device": problem.device}
    return known, H.loss_value, sizes, rates, given, options


def training_job(settings: TrainingSettings) -> Iterator[Step]:
    """Results are `TryoutResult`, with curves as they grow."""
    problem = settings.problem
    known, loss, sizes, rates, given, options = yield from _prepared(problem, settings.batch_sizes)
    if settings.base > known.examples:
        raise ValueError(f"There are {known.examples:,} examples: scale from a batch size up to that.")
    rate = settings.rate
    if not rate and settings.optimiser == "adam":
        rate = ADAM
    elif not rate:
        base = batch_scaling.effective_batch_size([settings.base], known.examples)
        momentum = MOMENTUM if settings.optimiser == "momentum" else 0.0
        rate = SHARE * float(stable_rates(known, base, momentum=momentum)[0])
    result = TryoutResult(rates, loss, rate)
    yield Step(KNOWN, result, "training")
    steps = batch_scaling.training_run_steps(
        *given,
        sizes,
        rules=settings.rules,
        batch_size=settings.base,
        learning_rate=rate,
        optimiser=settings.optimiser,
        epochs=settings.epochs,
        looks=LOOKS,
        generator=torch.Generator().manual_seed(problem.seed + 3),
        **options,
    )
    for fraction, runs in steps:
        result = replace(result, runs=runs)
        note = f"{runs[-1].rule}, B = {runs[-1].batch_size}" if runs else ""
        yield Step(KNOWN + (1 - KNOWN) * fraction, result, note)


def stable_job(settings: StableSettings) -> Iterator[Step]:
    """Results are `TryoutResult`, batch size by batch size."""
    problem = settings.problem
    _, loss, sizes, rates, given, options = yield from _prepared(problem, settings.batch_sizes)
    result = TryoutResult(rates, loss)
    yield Step(KNOWN, result, "training")
    steps = batch_scaling.largest_stable_rate_steps(
        *given,
        sizes,
        start=rates.first_tried(settings.optimiser),
        optimiser=settings.optimiser,
        steps=STABLE_STEPS,
        seeds=settings.seeds,
        generator=torch.Generator().manual_seed(problem.seed + 4),
        **options,
    )
    for fraction, found in steps:
        result = replace(result, found=found)
        B = found[-1].batch_size
        yield Step(KNOWN + (1 - KNOWN) * fraction, result, f"B = {B}, {len(found[-1].trials)} rates tried")


def shapes(result: TryoutResult, optimiser="sgd"):
    """`RateShape` of the predicted and of the found rates, over the batch sizes that were bracketed; None below three."""
    kept = [one for one in result.found if one.bracketed]
    if len(kept) < 3:
        return None
    sizes = [one.batch_size for one in kept]
    predicted = result.rates.of(optimiser, kept)[np.isin(result.rates.batch_sizes, sizes)]
    return tuple(batch_scaling.rate_shape(sizes, rates) for rates in (predicted, [one.value for one in kept]))
