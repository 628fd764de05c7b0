"""What the tab "Along a run" computes: curvature at each epoch, on the same examples and probes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

import sample_models
import spectral_core as sc
from pages.ui.checkpoint_source import CheckpointChoice, Opened, opened
from pages.ui.curvature_problem import CurvatureProblem, mini_batches, operator, problem_steps
from pages.ui.jobs import Step
from spectral_core import curvature
from spectral_core.results import mean_and_standard_error

__all__ = ["Epoch", "TrainingSettings", "each_epoch", "epochs_of", "series", "training_job"]

NOISE = 32  # examples that the noise is estimated from
TRACE = 30  # products that the trace of the GGN is estimated from (XTrace)


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides the result; `epochs` are pairs of an epoch and its checkpoint."""

    problem: CurvatureProblem
    epochs: tuple[tuple[int, CheckpointChoice], ...]
    steps: int = 30
    probes: int = 2
    seed: int = 0

    def problems(self) -> dict[int, CurvatureProblem]:
        """The Hessian of each epoch."""
        return {epoch: self.problem.of(checkpoint=choice) for epoch, choice in self.epochs}

    def caption(self) -> str:
        """One line under the figure."""
        return f"{self.probes} probes, {self.steps} Lanczos steps, seed {self.seed}; {self.problem.caption()}"


@dataclass(frozen=True, eq=False)
class Epoch:
    """All of one epoch; `accuracy` is None where there are no classes, `trace` is that of the GGN."""

    epoch: int
    hessian: sc.Quadrature
    loss: float
    accuracy: float | None = None
    ggn: sc.Quadrature | None = None
    trace: sc.Estimate | None = None
    top: sc.Eigenpairs | None = None
    noise: curvature.NoiseScale | None = None


def epochs_of(found: Opened | None) -> tuple[tuple[int, CheckpointChoice], ...]:
    """The checkpoints of the run that this one is of: the shipped ones, or the several weights in one file."""
    if found is None:
        return ()
    if found.entry is not None:
        run = [entry for entry in sample_models.shipped() if entry.run == found.entry.run]
        return tuple((entry.epoch, CheckpointChoice("shipped", entry.name)) for entry in run)
    labels = found.checkpoint.choices
    return tuple((place, replace(found.choice, choose=label)) for place, label in enumerate(labels))


def training_job(settings: TrainingSettings) -> Iterator[Step]:
    """Results are tuples of `Epoch`, the last one perhaps without what comes after its Hessian."""
    return each_epoch(settings, _epoch)


def each_epoch(settings, steps) -> Iterator[Step]:
    """Results are tuples of what ``steps(epoch, problem, settings)`` yields last, as ``(share, one, note)``, of each epoch."""
    for fraction in problem_steps(settings.problem):
        yield Step(0.0, note=f"fetching the data, {fraction:.0%}")
    done, problems = (), settings.problems()
    for place, (epoch, problem) in enumerate(problems.items()):
        one = None
        for share, one, note in steps(epoch, problem, settings):
            result = done if one is None else (*done, one)
            yield Step((place + share) / len(problems), result, f"epoch {epoch}: {note}")
        done = (*done, one)
    yield Step(1.0, done, "finished")


def _epoch(epoch, problem, settings):
    H = operator(problem)
    for q in _stems(H, settings):
        one = Epoch(epoch, q, H.loss_value)
        yield 0.4 * q.products / (settings.steps * settings.probes), one, "Hessian"
    if problem_has_classes(problem) and problem.batch_norm == "eval":  # accuracy is by stored statistics
        evaluation = sample_models.evaluate(opened(problem.checkpoint).recognised.model, mini_batches(problem))
        one = replace(one, accuracy=evaluation.accuracy)
    for top in sc.eigenpair_steps(H, k=1, which="top", generator=_generator(settings.seed + 1), products=500):
        one = replace(one, top=top)
        yield 0.4 + 0.1 * min(1.0, top.products / 40), one, "sharpest direction"
    if problem.batch_norm == "eval":
        examples = min(NOISE, sum(batch.examples for batch in H.batches))
        for noise in curvature.variance_steps(H, probes=2, examples=examples, generator=_generator(settings.seed + 2)):
            one = replace(one, noise=noise)
            yield 0.5 + 0.1 * noise.examples / examples, one, "noise"
    H.release()
    F = operator(problem.of(matrix="GGNOperator"))
    for q in _stems(F, settings):
        one = replace(one, ggn=q)
        yield 0.6 + 0.3 * q.products / (settings.steps * settings.probes), one, "GGN"
    products = min(TRACE, F.shape[0])
    trace = sc.trace(F, method="xtrace", products=products, generator=_generator(settings.seed + 3))
    yield 1.0, replace(one, trace=trace), "trace of the GGN"


def problem_has_classes(problem):
    """Whether accuracy means anything."""
    return opened(problem.checkpoint).recognised.architecture != "autoencoder"


def _generator(seed):
    return torch.Generator().manual_seed(seed)


def _stems(A, settings):
    return sc.lanczos_quadrature_steps(
        A, steps=settings.steps, probes=settings.probes, generator=_generator(settings.seed)
    )


def series(epochs, *, dtype) -> dict[str, tuple]:
    """Quantity with its unit: (epochs, values, standard errors or None), of those epochs that have it.

    ``tr S = tr H - tr F`` is taken probe by probe, so that what both share cancels.
    """

    def column(value, error=None, there=lambda e: e.ggn is not None):
        rows = [e for e in epochs if there(e)]
        errors = None if error is None else np.array([error(e) for e in rows])
        return [e.epoch for e in rows], np.array([value(e) for e in rows], dtype=float), errors

    def traces(q):
        return q.size * (q.weights * q.nodes).sum(axis=1)

    def mean(samples):
        return lambda e: float(mean_and_standard_error(samples(e))[0])

    def error(samples):
        return lambda e: float(mean_and_standard_error(samples(e))[1])

    def masses(q):
        return curvature.rank_degeneracy(q, dtype=dtype)

    def near(e):
        return curvature.spectral_masses(e.hessian).near

    found = {
        "loss, in nats": column(lambda e: e.loss, there=lambda e: True),
        "accuracy": column(lambda e: e.accuracy, there=lambda e: e.accuracy is not None),
        "sharpest eigenvalue λ₁ of H": column(lambda e: e.top.values[0], there=lambda e: e.top is not None),
        "trace of F (GGN)": column(
            lambda e: e.trace.value, lambda e: e.trace.standard_error, there=lambda e: e.trace is not None
        ),
        "trace of S = H − F": column(
            mean(lambda e: traces(e.hessian) - traces(e.ggn)), error(lambda e: traces(e.hessian) - traces(e.ggn))
        ),
        "noise s² of one example": column(
            lambda e: e.noise.value, lambda e: e.noise.standard_error, there=lambda e: e.noise is not None
        ),
        "mass of H within a hundredth of its norm": column(
            lambda e: near(e).value, lambda e: near(e).error, there=lambda e: True
        ),
        "mass of H at zero: two nearest (5.9)": column(
            lambda e: masses(e.hessian).pair_mass[0], lambda e: masses(e.hessian).pair_mass[1], there=lambda e: True
        ),
        "mass of F at zero: nearest (5.9)": column(
            lambda e: masses(e.ggn).nearest_mass[0], lambda e: masses(e.ggn).nearest_mass[1]
        ),
    }
    return {name: columns for name, columns in found.items() if columns[0]}
