"""What the tab "Batch spectra" computes: all data, then mini-batches draw by draw, then a spectrum of each size."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

import spectral_core as sc
from pages.ui.batch_problem import full_batch, sizes_within
from pages.ui.curvature_problem import CurvatureProblem
from pages.ui.jobs import Step
from spectral_core import batch_scaling

__all__ = ["SpectraResult", "SpectraSettings", "spectra_job"]

RESAMPLES = 100  # mini-batches of each size that predictions average over: no product
STEPS = 30  # of Lanczos, for the spectrum of a mini-batch
ALL = 0.4  # of the time, for all data
DRAWN = 0.9  # of the time, when the mini-batches are through


@dataclass(frozen=True)
class SpectraSettings:
    """Everything that decides the result: the key of its run, its link, its caption and its notebook."""

    problem: CurvatureProblem
    batch_sizes: tuple[int, ...]
    draws: int = 10

    def caption(self) -> str:
        """One line under the figure."""
        return f"{self.draws} mini-batches of each size, seed {self.problem.seed}; {self.problem.caption()}"


@dataclass(frozen=True, eq=False)
class SpectraResult:
    """A complete partial result: `outliers` so far, and a quadrature of one mini-batch of each size."""

    outliers: batch_scaling.Outliers
    spectra: dict[int, sc.Quadrature]


def spectra_job(settings: SpectraSettings) -> Iterator[Step]:
    """Results are `SpectraResult`."""
    problem = settings.problem
    H, known = yield from full_batch(problem, share=ALL)
    sizes = sizes_within(settings.batch_sizes, H)
    generator = torch.Generator().manual_seed(problem.seed + 1)
    options = {"draws": settings.draws, "known": known, "resamples": RESAMPLES, "generator": generator}
    steps = batch_scaling.outlier_steps(H, sizes, **options)
    yield Step(ALL, note="predictions")
    result = None
    for fraction, note, found in steps:
        result = SpectraResult(found, {})
        yield Step(ALL + (DRAWN - ALL) * fraction, result, note)
    generator = torch.Generator().manual_seed(problem.seed + 2)
    for place, B in enumerate(sizes):
        A = batch_scaling.mini_batch(H, B, generator=generator)
        q = sc.lanczos_quadrature(A, steps=min(STEPS, A.shape[0]), probes=1, generator=generator)
        result = SpectraResult(result.outliers, result.spectra | {B: q})
        yield Step(DRAWN + (1 - DRAWN) * (place + 1) / len(sizes), result, f"spectrum of a mini-batch of {B}")
    yield Step(1.0, result, "finished")
