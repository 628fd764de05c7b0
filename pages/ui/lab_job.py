"""What the tab "Compare" of the Estimator lab computes: every estimator at equal products, and their ladders of sigmas."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.interpolate import CubicSpline

import spectral_core as sc
from pages.ui.controls import verbatim
from pages.ui.jobs import Step, sentence
from pages.ui.lab_estimates import (
    BASIS,
    ESTIMATORS,
    SKETCHED,
    Measured,
    Split,
    curve,
    keeps_vectors,
    lanczos_runs,
    points,
    split_of,
)
from pages.ui.lab_matrix import LabChoice, lab_matrix_steps
from spectral_core.estimators.chebyshev_sketch import chebyshev_sketch_steps, sketch_memory
from spectral_core.estimators.spectrum import EXACT, Spectrum, spectrum_steps

__all__ = ["FINEST", "WIDEST", "LabResult", "LabSettings", "Ladder", "interval_steps", "lab_job", "solved_exactly"]

FINEST = (0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001)  # sigma that is paid for, as a share of the interval
WIDEST = 0.25  # of the slider
RUNG = 1.3  # from one sigma of a ladder to the next
LADDER_POINTS = 600  # at most
ENDS = {"steps": 30, "probes": 2}  # of the Lanczos run that finds the interval
BEYOND = 0.01  # of the interval, added to what it found


@dataclass(frozen=True)
class LabSettings:
    """Everything that decides the result: the key of its run, its link, its caption and its notebook."""

    matrix: LabChoice
    products: int = 2000
    finest: float = 0.01
    seed: int = 0

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"{verbatim(self.matrix.title())}: {self.products:,} products for each estimator, σ down to {self.finest:g} of the "
            f"interval, seed {self.seed}"
        )


@dataclass(frozen=True, eq=False)
class Ladder:
    """Curves ``y`` (s, p) of one estimator at the points `x` for the ascending `sigmas`: what dragging interpolates."""

    x: np.ndarray
    sigmas: tuple[float, ...] = ()
    y: tuple[np.ndarray, ...] = ()

    def with_rung(self, sigma, y):
        """A wider one below those there are, or a narrower one above: kept ascending."""
        place = int(np.searchsorted(self.sigmas, sigma))
        return Ladder(
            self.x, (*self.sigmas[:place], sigma, *self.sigmas[place:]), (*self.y[:place], y, *self.y[place:])
        )


@dataclass(frozen=True, eq=False)
class LabResult:
    """A complete partial result.

    Attributes
    ----------
    n : int
    split : Split
    measured : Measured
    seconds : dict
        Of the products, by "sketch", "lanczos", "moments" and "automatic".
    memory : dict
        Bytes, by the same names.
    ends_products : int
        What finding the interval took, for all estimators together.
    automatic : Spectrum or None
        What `sc.spectrum` chose for the finest sigma; None where it would solve for all eigenvalues.
    refused : dict of str to str
        Why an estimator has no curve.
    ladders : dict of str to Ladder
    notes : tuple of str
        What reading the matrix changed.
    """

    n: int
    split: Split
    measured: Measured
    ends_products: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    automatic: Spectrum | None = None
    refused: dict[str, str] = field(default_factory=dict)
    ladders: dict[str, Ladder] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def lab_job(settings: LabSettings) -> Iterator[Step]:
    """The matrix, its interval, the three runs that pay for seven estimators, the automatic choice, the ladders."""
    for fraction, matrix in lab_matrix_steps(settings.matrix):
        yield Step(0.1 * fraction, note="the matrix and its exact eigenvalues")
    for interval, spent in interval_steps(matrix, settings.seed):
        yield Step(0.1, note="the ends of the spectrum")
    split = split_of(settings.products, 2.0 * settings.finest, matrix.n)
    measured = Measured(interval, matrix.eigenvalues)
    result = LabResult(matrix.n, split, measured, spent, notes=matrix.notes)
    stages = (("lanczos", _lanczos), ("moments", _moments), ("sketch", _sketch))
    for place, (name, steps) in enumerate(stages):
        started = time.perf_counter()
        for products, source, memory in steps(matrix, interval, split, settings.seed):
            share = min(products / settings.products, 1.0)
            yield Step(0.15 + 0.2 * (place + share), result, f"{name}: {products:,} products")
        changed = {"lanczos": "quadrature"}.get(name, name)
        result = replace(
            result,
            measured=replace(result.measured, **{changed: source}),
            seconds={**result.seconds, name: time.perf_counter() - started},
            memory={**result.memory, name: memory},
        )
        yield Step(0.15 + 0.2 * (place + 1), result, name)
    for climbed in _ladders(result):
        result = climbed
        yield Step(0.75 + 0.15 * _climbed(result), result, "curves for the slider")
    if not solved_exactly(settings.products, matrix.n):
        started = time.perf_counter()
        for spectrum in _automatic(matrix, interval, settings):
            yield Step(0.9 + 0.1 * min(1.0, spectrum.products / settings.products), result, "the automatic choice")
        elapsed = {**result.seconds, "automatic": time.perf_counter() - started}
        result = replace(result, automatic=spectrum, seconds=elapsed)
    yield Step(1.0, result, "finished")


def solved_exactly(products, n) -> bool:
    """Whether `sc.spectrum` would rather have all eigenvalues: as many products as rows give the matrix itself."""
    return products >= n and n <= EXACT


def interval_steps(matrix, seed) -> Iterator[tuple[tuple[float, float] | None, int]]:
    """``(None, 0)`` while the ends are looked for, then an interval that holds the spectrum and what it took."""
    known = matrix.interval or getattr(matrix.operator, "interval", None)
    if known is not None:
        yield (float(known[0]), float(known[1])), 0
        return
    steps = min(ENDS["steps"], matrix.n)
    generator = torch.Generator().manual_seed(seed + 7)
    for found in sc.lanczos_quadrature_steps(matrix.operator, steps=steps, probes=ENDS["probes"], generator=generator):
        yield None, 0
    low, high = found.ends
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        raise ValueError(f"The matrix has the one eigenvalue {low:g}: there is no density to estimate.")
    margin = BEYOND * (high - low)
    yield (low - margin, high + margin), found.products


def _lanczos(matrix, interval, split, seed):
    kept = split.steps if keeps_vectors(matrix.n, split.steps) else 3
    memory = min(8 * matrix.n * split.lanczos_probes * kept, BASIS)
    for found in lanczos_runs(matrix.operator, split.steps, split.lanczos_probes, seed):
        yield found.products, found, memory


def _moments(matrix, interval, split, seed):
    generator = torch.Generator().manual_seed(seed + 1)
    for found in sc.moment_steps(
        matrix.operator, split.moments, probes=split.probes, generator=generator, interval=interval
    ):
        yield found.products, found, 24 * matrix.n * split.probes


def _sketch(matrix, interval, split, seed):
    generator = torch.Generator().manual_seed(seed + 2)
    memory = sketch_memory(split.degree, split.columns, size=matrix.n)
    for found in chebyshev_sketch_steps(
        matrix.operator, split.degree, columns=split.columns, generator=generator, interval=interval
    ):
        yield found.products, found, memory


def _automatic(matrix, interval, settings):
    sigma = settings.finest * (interval[1] - interval[0])
    generator = torch.Generator().manual_seed(settings.seed + 3)
    yield from spectrum_steps(
        matrix.operator, sigma=sigma, products=settings.products, generator=generator, interval=interval
    )


def _ladders(result):
    """The result with one rung more at a time, from the widest sigma to the narrowest that was paid for."""
    measured = result.measured
    width = measured.interval[1] - measured.interval[0]
    finest = min(measured.smallest_sigma(name) for name in SKETCHED)
    count = int(np.ceil(np.log(WIDEST * width / finest) / np.log(RUNG))) + 1
    x = points(measured.interval, max(finest, 3.0 * width / LADDER_POINTS))
    for sigma in np.geomspace(finest, WIDEST * width, count)[::-1]:
        for name in ESTIMATORS:
            ladder = result.ladders.get(name, Ladder(x))
            if name in result.refused or measured.missing(name, sigma):
                continue
            try:
                found = curve(measured, name, sigma)
            except (ValueError, np.linalg.LinAlgError) as error:
                result = replace(result, refused={**result.refused, name: sentence(error)})
                continue
            rung = ladder.with_rung(float(sigma), CubicSpline(found.x, found.y)(x))
            result = replace(result, ladders={**result.ladders, name: rung})
            yield result


def _climbed(result):
    rungs = max((len(ladder.sigmas) for ladder in result.ladders.values()), default=0)
    return min(1.0, rungs / 20.0)
