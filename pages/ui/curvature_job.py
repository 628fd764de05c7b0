"""What the tab "Curvature" computes: a preflight, the spectrum as it sharpens, its ends, statistics, and a certificate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.curvature_problem import CurvatureProblem, mini_batches, operator, problem_steps
from pages.ui.data_source import examples
from pages.ui.jobs import Step
from pages.ui.known_eigenpairs import remember_eigenpairs
from spectral_core import curvature
from spectral_core.operators import matrix_columns
from spectral_core.probes import draw_probes

__all__ = ["EXACT_LIMIT", "CurvatureResult", "CurvatureSettings", "curvature_job"]

EXACT_LIMIT = 2000
SPOT = 30  # Lanczos steps of the run that is checked
TOLERANCE = 1e-4  # of eigenpairs: residual by the largest eigenvalue
COLUMNS = 64  # at once, of a matrix that is formed
MOST = 1500  # products for the eigenpairs of an end
VARYING = ("HessianOperator", "GGNOperator", "ResidualOperator")  # whose noise from example to example is told
STAGES = {  # about their shares of the time
    "stems": 0.35,
    "ends": 0.2,
    "variance": 0.05,
    "exact": 0.05,
    "certificate": 0.05,
    "data": 0.3,
}


@dataclass(frozen=True)
class CurvatureSettings:
    """Everything that decides the result: the key of its run, its link, its caption and its notebook."""

    problem: CurvatureProblem
    steps: int = 40
    probes: int = 3
    pairs: int = 5
    resamples: int = 4
    variance: int = 64
    exact: bool = True

    @property
    def seed(self) -> int:
        """The problem's: of the probes, and of labels that it draws."""
        return self.problem.seed

    def caption(self) -> str:
        """One line under the figure."""
        return f"{self.probes} probes, {self.steps} Lanczos steps, seed {self.seed}; {self.problem.caption()}"


@dataclass(frozen=True, eq=False)
class CurvatureResult:
    """A complete partial result; what is None is not there yet, or was not asked for.

    Attributes
    ----------
    preflight : Preflight
    shapes : dict
        Of the parameters, by name, in the order of the vector.
    quadrature : Quadrature
        Once eigenpairs are known, with those as atoms.
    top, bottom : Eigenpairs
    gradient : GradientOverlap
    variance : NoiseScale
    resampled : tuple of Quadrature
        One a resample of the examples, from one start vector.
    certificate : Certificate
    eigenvalues : array
        All of them.
    """

    preflight: curvature.Preflight
    shapes: dict
    quadrature: sc.Quadrature | None = None
    top: sc.Eigenpairs | None = None
    bottom: sc.Eigenpairs | None = None
    gradient: curvature.GradientOverlap | None = None
    variance: curvature.NoiseScale | None = None
    resampled: tuple[sc.Quadrature, ...] = ()
    certificate: curvature.Certificate | None = None
    eigenvalues: np.ndarray | None = None


class _Stages:
    """Steps of stages that take known shares of the time."""

    def __init__(self, wanted):
        total = sum(STAGES[name] for name in wanted)
        self.shares = {name: STAGES[name] / total for name in wanted}
        self.done = 0.0

    def run(self, name, items):
        """``(fraction, result, note)`` items become steps; the last result is returned."""
        result = None
        for fraction, result, note in items:
            yield Step(self.done + self.shares[name] * fraction, result, note)
        self.done += self.shares[name]
        return result


def curvature_job(settings: CurvatureSettings) -> Iterator[Step]:
    """Results are `CurvatureResult`, each complete."""
    problem = settings.problem
    for fraction in problem_steps(problem):
        yield Step(0.0, note=f"fetching the data, {fraction:.0%}")
    yield Step(0.0, note="looking at model, data and loss")
    A = operator(problem)
    exact = settings.exact and A.shape[0] <= EXACT_LIMIT
    wanted = {"stems", "certificate"}
    wanted |= {"ends"} if settings.pairs else set()
    wanted |= {"variance"} if settings.variance and problem.matrix in VARYING and A.separable else set()
    wanted |= {"data"} if settings.resamples > 1 and A.separable else set()
    wanted |= {"exact"} if exact else set()
    stages = _Stages([name for name in STAGES if name in wanted])
    shapes = dict(zip(A.parameters.names, A.parameters.shapes, strict=True))
    ahead = A.preflight(settings.steps * (settings.probes + settings.resamples))
    notes = (*ahead.notes, *examples(problem.data).notes)
    result = CurvatureResult(replace(ahead, notes=notes), shapes)
    yield Step(0.0, result, "the first product")
    result = yield from stages.run("stems", _stems(A, settings, result))
    if settings.pairs:
        result = yield from stages.run("ends", _ends(A, settings, result))
    if "variance" in wanted:
        result = yield from stages.run("variance", _variance(A, settings, result))
    if "exact" in wanted:
        result = yield from stages.run("exact", _exact(A, result))
    result = yield from stages.run("certificate", _certificate(A, settings, result))
    if "data" in wanted:
        A.release()
        result = yield from stages.run("data", _resampled(settings, result))
    yield Step(1.0, result, "finished")


def _generator(seed):
    return torch.Generator().manual_seed(seed)


def _stems(A, settings, result):
    total = settings.steps * settings.probes
    for q in sc.lanczos_quadrature_steps(
        A, steps=settings.steps, probes=settings.probes, generator=_generator(settings.seed)
    ):
        curvature.refuse_zero(q, settings.problem.title())
        result = replace(result, quadrature=q)
        yield q.products / total, result, f"stems: {q.products:,} of {total:,} products"


def _ends(A, settings, result):
    probes = draw_probes(A.shape[0], settings.probes, generator=_generator(settings.seed), kind="sphere").numpy()
    probes /= np.linalg.norm(probes, axis=0)
    for name, start, share, k in (("top", 0.0, 0.6, settings.pairs), ("bottom", 0.6, 0.35, 1)):
        for pairs in sc.eigenpair_steps(
            A, k=k, which=name, tolerance=TOLERANCE, products=MOST, generator=_generator(settings.seed + 1)
        ):
            result = replace(result, **{name: pairs})
            yield (
                start + share * min(1.0, pairs.products / 100),
                result,
                f"{name} eigenpairs: {pairs.products} products",
            )
        remember_eigenpairs(settings.problem, name, pairs)
    values = np.concatenate([result.top.values, result.bottom.values])
    vectors = np.hstack([result.top.vectors, result.bottom.vectors])
    # those that are one of the many at zero say nothing that the stems do not
    known = np.r_[result.top.converged, result.bottom.converged] & (abs(values) > 10 * TOLERANCE * result.top.scale)
    if known.any() and len(values) < A.shape[0]:
        overlaps = (probes.T @ vectors[:, known]) ** 2
        result = replace(result, quadrature=result.quadrature.deflated(values[known], overlaps))
    if result.preflight.gradient_norm > 0:
        result = replace(result, gradient=curvature.gradient_overlap(A, result.top.vectors))
    yield 1.0, result, "eigenpairs"


def _variance(A, settings, result):
    total = sum(batch.examples for batch in A.batches)
    for noise in curvature.variance_steps(
        A, probes=2, examples=min(settings.variance, total), generator=_generator(settings.seed + 2)
    ):
        result = replace(result, variance=noise)
        yield noise.examples / min(settings.variance, total), result, f"noise of {noise.examples} examples"


def _exact(A, result):
    n, parts = A.shape[0], []
    for start in range(0, n, COLUMNS):
        block = torch.arange(start, min(start + COLUMNS, n), device=A.device)
        parts.append(matrix_columns(A, block).double().cpu().numpy())
        yield 0.95 * (start + len(block)) / n, None, f"all columns: {start + len(block):,} of {n:,}"
    matrix = np.hstack(parts)
    yield 1.0, replace(result, eigenvalues=np.linalg.eigvalsh((matrix + matrix.T) / 2.0)), "all eigenvalues"


def _certificate(A, settings, result):
    start = draw_probes(A.shape[0], 1, generator=_generator(settings.seed), dtype=A.dtype, device=A.device)
    steps = min(settings.steps, SPOT)
    for run in sc.lanczos_steps(A, start, steps=steps):
        yield 0.8 * run.products / steps, result, "a Lanczos run to look at"
    problem = settings.problem
    double = None if A.dtype == torch.float64 else lambda: operator(problem, dtype=torch.float64)
    for certificate in curvature.certificate_steps(A, run, double=double, generator=_generator(settings.seed + 3)):
        result = replace(result, certificate=certificate)
        yield 0.9, result, certificate.stopped
    yield 1.0, result, "certificate"


def _resampled(settings, result):
    problem, total = settings.problem, settings.resamples * settings.steps
    done = 0
    for done, quadratures in enumerate(
        curvature.resampled_quadrature_steps(
            lambda pairs: operator(problem, pairs=pairs),
            mini_batches(problem),
            resamples=settings.resamples,
            steps=settings.steps,
            generator=_generator(settings.seed + 4),
        ),
        1,
    ):
        finished = quadratures if done % settings.steps == 0 else quadratures[:-1]
        result = replace(result, resampled=finished)
        yield min(1.0, done / total), result, f"resample {len(quadratures)} of {settings.resamples}"
