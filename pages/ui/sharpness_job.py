"""What the tab "Which minimum?" computes: loss, accuracy and curvature of several checkpoints of one network, one by one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.curvature_problem import CurvatureProblem, mini_batches, operator, problem_steps
from pages.ui.data_source import examples
from pages.ui.jobs import Step
from sample_models.evaluation import Evaluation, evaluation_steps
from spectral_core import curvature

__all__ = ["Minimum", "SharpnessResult", "SharpnessSettings", "beyond", "leaders", "sharpness_job"]

TRACE = 24  # products that the trace is estimated from (Hutch++: eight independent samples)
TOLERANCE = 1e-4  # of eigenpairs: residual by the largest eigenvalue
MOST = 500  # products for them
ROUNDING = 1e-12  # of a share of the spectrum
APART = 2.0  # standard errors of a difference within which two checkpoints are tied


@dataclass(frozen=True)
class SharpnessSettings:
    """Everything that decides the result. `evaluated` examples of each part, at most, give loss and accuracy."""

    problem: CurvatureProblem
    checkpoints: tuple[CheckpointChoice, ...]
    steps: int = 15
    probes: int = 2
    pairs: int = 3
    evaluated: int = 5000
    seed: int = 0

    def evaluation(self, problem: CurvatureProblem, part: str) -> CurvatureProblem:
        """`problem` with the examples that loss and accuracy are taken over."""
        return problem.of(part=part, data=replace(problem.data, size=self.evaluated))

    def caption(self) -> str:
        """One line under the table."""
        return (
            f"Loss and accuracy over at most {self.evaluated:,} examples of each part. Curvature: {self.problem.caption()}; "
            f"{self.probes} probes, {self.steps} Lanczos steps, {self.pairs} eigenpairs at the top, seed {self.seed}"
        )


@dataclass(frozen=True, eq=False)
class Minimum:
    """All of one checkpoint; what is None is not there yet, or was not asked for.

    Attributes
    ----------
    name : str
    problem : CurvatureProblem
    parameters : int
    training, test : Evaluation
        Accuracies are NaN where there are no classes.
    sharpest, residual : float
        The largest eigenvalue and ``||A v - lambda v||``: some eigenvalue lies that near.
    quadrature : Quadrature
        The eigenpairs that converged are its atoms.
    trace : Estimate
    products : int
    guessing : float
        The training loss of who knows the classes' shares and nothing else; NaN where there are no classes.
    """

    name: str
    problem: CurvatureProblem
    parameters: int
    training: Evaluation | None = None
    test: Evaluation | None = None
    sharpest: float | None = None
    residual: float | None = None
    quadrature: sc.Quadrature | None = None
    trace: sc.Estimate | None = None
    products: int = 0
    guessing: float = math.nan

    @property
    def learnt_nothing(self) -> bool:
        """Whether the training loss is no better than guessing: whatever the curvature, that is no minimum worth the name."""
        return self.training is not None and self.training.loss >= self.guessing


@dataclass(frozen=True, eq=False)
class SharpnessResult:
    """`minima`, the last one perhaps under way; `strangers`, name: architecture of another network; `refused`, name: why."""

    minima: tuple[Minimum, ...] = ()
    strangers: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    architecture: str = ""


def sharpness_job(settings: SharpnessSettings) -> Iterator[Step]:
    """Results are `SharpnessResult`."""
    for fraction in problem_steps(settings.problem):
        yield Step(0.0, note=f"fetching the data, {fraction:.0%}")
    result, count = SharpnessResult(), len(settings.checkpoints)
    for place, choice in enumerate(settings.checkpoints):
        yield Step(place / count, result if result.refused else None, f"opening {choice.title()}")
        try:
            members = _members(choice)
        except ValueError as error:
            result = replace(result, refused=result.refused | {choice.title(): str(error)})
            continue
        for inner, member in enumerate(members):
            start = (place + inner / len(members)) / count
            for share, now, note in _steps(member, settings, result):
                yield Step(start + share / len(members) / count, now, f"{member.title()}: {note}")
            result = now
    if not result.minima:
        raise ValueError(next(iter(result.refused.values()), "No checkpoint was chosen."))
    yield Step(1.0, result, "finished")


def _members(choice):
    """The choice, or each of the several weights of a file of which none was chosen."""
    if choice.source == "shipped" or choice.choose is not None:
        return (choice,)
    labels = opened(choice).checkpoint.choices
    return tuple(replace(choice, choose=label) for label in labels) if len(labels) > 1 else (choice,)


def _steps(choice, settings, result):
    """``(share, result, note)`` of one checkpoint; it stays out of the minima where it is refused or of another network."""
    name, before = _unused(choice.title(), result), result
    problem = settings.problem.of(checkpoint=choice)
    try:
        found = opened(choice)
        if found.recognised is None:
            raise ValueError(str(found.refusal))
        architecture = found.recognised.architecture
        if result.architecture not in ("", architecture):
            yield 1.0, replace(result, strangers=result.strangers | {name: architecture}), "another network"
            return
        result = replace(result, architecture=architecture)
        for share, one, note in _minimum(Minimum(name, problem, found.parameters), settings):
            yield share, replace(result, minima=(*result.minima, one)), note
    except ValueError as error:
        yield 1.0, replace(before, refused=before.refused | {name: str(error)}), "refused"


def _unused(title, result):
    taken = {one.name for one in result.minima} | result.strangers.keys() | result.refused.keys()
    return next(t for t in (title, *(f"{title} ({i})" for i in range(2, 10**6))) if t not in taken)


def _minimum(one, settings):
    A = operator(one.problem)  # first, as it refuses examples that the network does not take
    for place, part in enumerate(("training", "test")):
        for evaluation in _evaluations(settings.evaluation(one.problem, part)):
            one = replace(one, **{part: evaluation})
            yield 0.05 * place, one, f"{part} examples"
    one = replace(one, guessing=_guessing(settings.evaluation(one.problem, "training")))
    curvature.refuse_zero(
        sc.lanczos_quadrature(A, steps=1, probes=1, generator=_generator(settings.seed)), one.problem.matrix_name()
    )
    products = 1
    for pairs in sc.eigenpair_steps(
        A, k=settings.pairs, which="top", tolerance=TOLERANCE, products=MOST, generator=_generator(settings.seed + 1)
    ):
        one = replace(
            one,
            sharpest=float(pairs.values[0]),
            residual=float(pairs.residuals[0]),
            products=products + pairs.products,
        )
        yield 0.1 + 0.25 * min(1.0, pairs.products / 60), one, "sharpest directions"
    products, total = one.products, settings.steps * settings.probes
    for q in sc.lanczos_quadrature_steps(
        A, steps=settings.steps, probes=settings.probes, generator=_generator(settings.seed), known=_known(pairs)
    ):
        one = replace(one, quadrature=q, products=products + q.products)
        yield 0.35 + 0.45 * q.products / total, one, f"{q.products} of {total} products for the density"
    spend = min(TRACE, A.shape[0])
    trace = sc.trace(A, method="hutch++", products=spend, generator=_generator(settings.seed + 2))
    yield 1.0, replace(one, trace=trace, products=one.products + trace.products), "trace"


def _evaluations(problem):
    data = examples(problem.data)
    if problem.part == "test" and not len(data.test_targets):
        return
    found = opened(problem.checkpoint).recognised
    if found.architecture == "autoencoder":
        A = operator(problem)
        yield Evaluation(A.loss_value, math.nan, sum(batch.examples for batch in A.batches))
    else:
        yield from evaluation_steps(found.model, mini_batches(problem))


def _guessing(problem):
    """``-sum_c p_c log p_c`` over the shares of the classes among the training examples."""
    if opened(problem.checkpoint).recognised.architecture == "autoencoder":
        return math.nan
    shares = torch.unique(examples(problem.data).targets, return_counts=True)[1].double()
    return float(torch.special.entr(shares / shares.sum()).sum())


def _known(pairs):
    """Those that converged and are not among the many at zero, as known eigenpairs; None of none, or of all there are."""
    there = pairs.converged & (abs(pairs.values) > 10 * TOLERANCE * pairs.scale)
    if not there.any() or there.sum() >= pairs.vectors.shape[0]:
        return None
    return sc.Eigenspace(pairs.values[there], pairs.vectors[:, there])


def _generator(seed):
    return torch.Generator().manual_seed(seed)


def beyond(one: Minimum, edge: float) -> tuple[float, float]:
    """How many eigenvalues lie above `edge`, and the error of that: half the width of the bounds, and a standard error."""
    mass = sc.mass_below(one.quadrature, np.nextafter(edge, np.inf))
    share, error = (number if number > ROUNDING else 0.0 for number in (1.0 - mass.value, mass.error))
    return one.parameters * share, one.parameters * error


def leaders(values, errors, *, largest=False) -> tuple[int, list[int]]:
    """Place of the smallest value (or the largest), and of those within two standard errors of the difference from it.

    >>> leaders([1.0, 1.1, 5.0], [0.1, 0.1, 0.1])
    (0, [1])
    """
    values, errors = np.asarray(values, dtype=float), np.asarray(errors, dtype=float)
    best = int(values.argmax() if largest else values.argmin())
    close = np.abs(values - values[best]) <= APART * np.hypot(errors, errors[best])
    return best, [int(i) for i in np.flatnonzero(close) if i != best]
