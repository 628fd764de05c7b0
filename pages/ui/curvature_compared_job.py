"""What the tab "Side by side" computes: one spectrum after another, on the same probes."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch

import spectral_core as sc
from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.curvature_problem import MATRICES, WHOLE, CurvatureProblem, operator, problem_steps
from pages.ui.jobs import Step
from spectral_core import curvature

__all__ = ["COMPARISONS", "DIAGONAL", "ComparedResult", "ComparedSettings", "compared_job"]

COMPARISONS = {
    "matrices": "Hessian, GGN, diagonal (Figure 4.7)",
    "probes": "Two probes (Figure 4.8)",
    "layers": "Layer by layer",
    "batch norm": "Batch-norm modes",
    "checkpoints": "Several checkpoints",
}
DIAGONAL = "diagonal of the GGN"
DIAGONAL_PRODUCTS = 60
LAYERS = 6  # that are compared, unless others are asked for


@dataclass(frozen=True)
class ComparedSettings:
    """Everything that decides the result."""

    problem: CurvatureProblem
    what: str = "matrices"
    layers: tuple[str, ...] = ()
    others: tuple[CheckpointChoice, ...] = ()
    steps: int = 40
    probes: int = 2
    seed: int = 0

    def problems(self) -> dict[str, CurvatureProblem]:
        """By the name under which each is shown."""
        problem = self.problem
        if self.what == "matrices":
            return {problem.of(matrix=name).matrix_name(): problem.of(matrix=name) for name in list(MATRICES)[:2]}
        if self.what == "layers":
            return {name: problem.of(layer=name) for name in (WHOLE, *self.layers)}
        if self.what == "batch norm":
            modes = {"eval": "stored statistics", "train": "statistics of each mini-batch"}
            return {said: problem.of(batch_norm=mode) for mode, said in modes.items()}
        choices = (problem.checkpoint, *(self.others if self.what == "checkpoints" else ()))
        return {choice.title(): problem.of(checkpoint=choice) for choice in choices}

    def caption(self) -> str:
        """One line under the figure."""
        return f"{self.probes} probes, {self.steps} Lanczos steps, seed {self.seed}; {self.problem.caption()}"


@dataclass(frozen=True, eq=False)
class ComparedResult:
    """`spectra` by name, the last one perhaps under way; `diagonal`, an Estimate of all its entries; `refused` by name."""

    spectra: dict[str, sc.Quadrature] = field(default_factory=dict)
    diagonal: sc.Estimate | None = None
    refused: dict[str, str] = field(default_factory=dict)


def compared_job(settings: ComparedSettings) -> Iterator[Step]:
    """Results are `ComparedResult`."""
    for fraction in problem_steps(settings.problem):
        yield Step(0.0, note=f"fetching the data, {fraction:.0%}")
    problems, result = settings.problems(), ComparedResult()
    products = settings.steps * settings.probes
    total = len(problems) * products + (DIAGONAL_PRODUCTS if settings.what == "matrices" else 0)
    for place, (name, problem) in enumerate(problems.items()):
        yield Step(place * products / total, note=name)
        try:
            A = operator(problem)
            for q in sc.lanczos_quadrature_steps(
                A, steps=settings.steps, probes=settings.probes, generator=torch.Generator().manual_seed(settings.seed)
            ):
                curvature.refuse_zero(q, problem.matrix_name())
                result = replace(result, spectra=result.spectra | {name: q})
                yield Step(
                    (place * products + q.products) / total, result, f"{name}: {q.products} of {products} products"
                )
        except ValueError as error:
            if len(problems) == 1:
                raise
            result = replace(result, refused=result.refused | {name: str(error)})
    if settings.what == "matrices":
        generator = torch.Generator().manual_seed(settings.seed + 1)
        diagonal = sc.diagonal(A, products=min(DIAGONAL_PRODUCTS, A.shape[0]), generator=generator)
        result = replace(result, diagonal=diagonal)
    if not result.spectra:
        raise ValueError(next(iter(result.refused.values())))
    yield Step(1.0, result, "finished")
