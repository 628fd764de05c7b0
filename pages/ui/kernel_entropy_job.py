"""What the tab "Entropy and moments" computes: the eigenvalues, both densities for more and more moments, other floors."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.controls import verbatim
from pages.ui.jobs import Step
from pages.ui.kernel_choice import KernelChoice, MatrixChoice, matrix_steps
from pages.ui.logdet_job import EXACT_LIMIT, eigenvalue_steps
from pages.ui.published import TABLE_2_1
from spectral_core.estimators.logdet import EntropyCurves, entropy_against_moments_steps, floor_sensitivity_steps
from spectral_core.estimators.logdet.quadrature import refuse_indefinite

__all__ = ["FLOORS", "EntropyResult", "EntropySettings", "entropy_job", "thesis_matrix"]

PROBES = 30  # for moments of a matrix too large for all its eigenvalues
FLOORS = tuple(10.0**-power for power in range(2, 13))


def thesis_matrix(row=TABLE_2_1[1], n=1000, seed=0) -> MatrixChoice:
    """The synthetic kernel of a row of Table 2.1, its points scaled to match the printed condition number."""
    scale = row.lengthscale / row.ratio
    kernel = KernelChoice("rbf", row.lengthscale, noise=1e-8)
    return MatrixChoice("gaussian", "gaussian", rows=n, seed=seed, standardise=False, scale=scale, kernel=kernel)


@dataclass(frozen=True)
class EntropySettings:
    """Everything that decides the curves: the key of their run, their link, their caption and their notebook."""

    matrix: MatrixChoice
    most: int = 30
    measure: str = "flat"
    floor: float = 1e-10
    iterations: int = 1000
    seed: int = 0

    def caption(self) -> str:
        """One line under the figures."""
        return (
            f"{verbatim(self.matrix.title())}: 2 to {self.most} moments, MEMe {self.measure} from {self.floor:.0e} of the "
            f"largest eigenvalue, {self.iterations:,} rounds of scaling for BMxnt, seed {self.seed}"
        )

    def options(self) -> dict:
        """Keyword arguments of `entropy_against_moments` but for the numbers of moments."""
        return {"measure": self.measure, "floor": self.floor, "iterations": self.iterations}


@dataclass(frozen=True, eq=False)
class EntropyResult:
    """The curves so far; `by_floor` has MEMe's answer for each of `FLOORS`, by measure; `notes` what reading changed."""

    n: int
    exact: bool
    curves: EntropyCurves
    by_floor: dict[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def entropy_job(settings: EntropySettings) -> Iterator[Step]:
    """All eigenvalues where that is affordable, else moments of random probes; then the curves, then the floors."""
    problem = None
    for fraction, problem in matrix_steps(settings.matrix):
        yield Step(0.05 * fraction, note="making the matrix")
    spectrum, A = None, problem.operator
    for fraction, spectrum in _spectrum_steps(A, problem.n, settings):
        yield Step(0.05 + 0.35 * fraction, note="its eigenvalues" if problem.n <= EXACT_LIMIT else "its moments")
    result, degrees = None, range(2, settings.most + 1)
    for curves in entropy_against_moments_steps(spectrum, degrees, **settings.options()):
        result = EntropyResult(problem.n, problem.n <= EXACT_LIMIT, curves, notes=problem.notes)
        yield Step(0.4 + 0.4 * len(curves.degrees) / len(degrees), result, f"{curves.degrees[-1]:.0f} moments")
    for place, by_floor in enumerate(floor_sensitivity_steps(spectrum, FLOORS, degree=settings.most), start=1):
        result = replace(result, by_floor=by_floor)
        yield Step(0.8 + 0.2 * place / len(FLOORS), result, f"floor {FLOORS[place - 1]:.0e}")


def _spectrum_steps(A, n, settings):
    """``(fraction, None)``, and in the end all eigenvalues or the moments of `PROBES` probes."""
    if n <= EXACT_LIMIT:
        values = None
        for fraction, values in eigenvalue_steps(A, True):
            yield fraction, None
        refuse_indefinite(float(values[0]), float(values[-1]), torch.float64)
        yield 1.0, values
        return
    steps = settings.most // 2 + 1
    generator = torch.Generator().manual_seed(settings.seed)
    quadrature = None
    for quadrature in sc.lanczos_quadrature_steps(A, steps=steps, probes=PROBES, generator=generator):
        yield quadrature.products / (steps * PROBES), None
    refuse_indefinite(float(quadrature.nodes.min()), float(quadrature.nodes.max()), A.dtype)
    yield 1.0, quadrature.moments(settings.most, interval=(0.0, quadrature.ends[1] * (1.0 + 1e-6)))
