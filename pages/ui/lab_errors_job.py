"""What the tab "Errors" computes: L1 errors of every estimator over products, sigma and seeds, sharper with each seed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.controls import verbatim
from pages.ui.jobs import Step
from pages.ui.lab_estimates import (
    ESTIMATORS,
    SKETCHED,
    Measured,
    Split,
    curve,
    lanczos_runs,
    points,
    split_of,
    truth,
)
from pages.ui.lab_job import interval_steps
from pages.ui.lab_matrix import LabChoice, lab_matrix_steps
from spectral_core.estimators.chebyshev_sketch import chebyshev_sketch_steps

__all__ = ["BUDGETS", "SIGMAS", "ErrorResult", "ErrorSettings", "errors_job"]

BUDGETS = (250, 500, 1000, 2000, 4000)
SIGMAS = (0.05, 0.025, 0.01, 0.005)  # shares of the interval
FEWEST = 2  # probes; fewer have no spread, and a sketch has no residual


@dataclass(frozen=True)
class ErrorSettings:
    """Everything that decides the result: the key of its run, its link, its caption and its notebook."""

    matrix: LabChoice
    seeds: int = 5
    seed: int = 0
    budgets: tuple[int, ...] = BUDGETS
    sigmas: tuple[float, ...] = SIGMAS

    def caption(self) -> str:
        """One line under the figures."""
        return (
            f"{verbatim(self.matrix.title())}: {self.seeds} seeds from {self.seed}, {self.budgets[0]:,} to {self.budgets[-1]:,} "
            f"products for each estimator, σ from {self.sigmas[-1]:g} to {self.sigmas[0]:g} of the interval"
        )


@dataclass(frozen=True, eq=False)
class ErrorResult:
    """A complete partial result.

    Attributes
    ----------
    n : int
    errors : dict of str to (seeds, sigmas, budgets) array
        NaN where an estimator has fewer than two probes, or is not there yet.
    seconds, evaluation : dict of str to (sigmas,) array
        Of the products of the largest budget, and of one curve; means over the seeds so far.
    done : int
        Pairs of seed and sigma.
    awaited : tuple of int
        Places of the sigmas that no seed has measured yet.
    notes : tuple of str
    """

    n: int
    errors: dict[str, np.ndarray]
    seconds: dict[str, np.ndarray] = field(default_factory=dict)
    evaluation: dict[str, np.ndarray] = field(default_factory=dict)
    done: int = 0
    awaited: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def seeds(self) -> int:
        """Seeds that have begun."""
        known = [np.isfinite(values).any(axis=(1, 2)).sum() for values in self.errors.values()]
        return int(max(known, default=0))

    def complete(self) -> dict[str, np.ndarray]:
        """The errors of the seeds that are whole, or of the first while it is not."""
        whole = self.done // next(iter(self.errors.values())).shape[1]
        return {name: values[: max(whole, 1)] for name, values in self.errors.items()}


def errors_job(settings: ErrorSettings) -> Iterator[Step]:
    """The matrix, then for every seed and sigma one run of each family at the largest budget, looked at in parts."""
    for fraction, matrix in lab_matrix_steps(settings.matrix):
        yield Step(0.05 * fraction, note="the matrix and its exact eigenvalues")
    if matrix.eigenvalues is None:
        raise ValueError(
            f"Errors need all exact eigenvalues, and n = {matrix.n:,} is too large to solve for them: choose a smaller matrix or "
            "one in closed form."
        )
    for interval, _ in interval_steps(matrix, settings.seed):
        yield Step(0.05, note="the ends of the spectrum")
    shape = settings.seeds, len(settings.sigmas), len(settings.budgets)
    result = ErrorResult(matrix.n, {name: np.full(shape, np.nan) for name in ESTIMATORS}, notes=matrix.notes)
    total = shape[0] * shape[1]
    spent, taken = ({name: np.full(shape[:2], np.nan) for name in ESTIMATORS} for _ in range(2))
    middle = sorted(range(shape[1]), key=lambda row: abs(row - 1))  # where the first picture is
    for seed in range(settings.seeds):
        for row in middle:
            share = settings.sigmas[row]
            begun = 0.05 + 0.95 * result.done / total
            for found in _cell_steps(matrix, interval, settings, seed, share):
                yield Step(begun, note=f"seed {seed + 1} of {settings.seeds}, σ = {share:g} of the interval")
            missed, seconds, evaluation = found
            errors = {name: values.copy() for name, values in result.errors.items()}
            for name in ESTIMATORS:
                errors[name][seed, row] = missed[name]
                spent[name][seed, row] = seconds[name]
                taken[name][seed, row] = evaluation[name]
            result = replace(
                result,
                errors=errors,
                seconds={name: _means(values) for name, values in spent.items()},
                evaluation={name: _means(values) for name, values in taken.items()},
                done=result.done + 1,
                awaited=tuple(middle[result.done + 1 :]),
            )
            yield Step(0.05 + 0.95 * result.done / total, result, f"seed {seed + 1} of {settings.seeds}")


def _means(values):
    """Means over the seeds so far; NaN where there is none."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(len(total), np.nan), where=known.any(axis=0))


def _cell_steps(matrix, interval, settings, seed, share):
    """None while products are taken, in the end errors by estimator and budget, seconds of products and of one curve."""
    A, most, n = matrix.operator, max(settings.budgets), matrix.n
    split = split_of(most, 2.0 * share, n)
    first, measured, seconds = settings.seed + 1000 * seed, Measured(interval, matrix.eigenvalues), {}
    seeded = [torch.Generator().manual_seed(first + offset) for offset in (1, 2)]
    families = (
        ("quadrature", ("lanczos",), lanczos_runs(A, split.steps, split.lanczos_probes, first)),
        ("moments", ("kpm", "maxent"), sc.moment_steps(
            A, split.moments, probes=split.probes, interval=interval, generator=seeded[0])),
        ("sketch", SKETCHED, chebyshev_sketch_steps(
            A, split.degree, columns=split.columns, interval=interval, generator=seeded[1])),
    )  # fmt: skip
    for family, names, steps in families:
        started = time.perf_counter()
        for found in steps:
            yield None
        measured = replace(measured, **{family: found})
        seconds |= dict.fromkeys(names, time.perf_counter() - started)
    sigma = share * (interval[1] - interval[0])
    x = points(interval, sigma)
    exact, missed = (
        truth(matrix.eigenvalues, sigma, x),
        {name: np.full(len(settings.budgets), np.nan) for name in ESTIMATORS},
    )
    evaluation = dict.fromkeys(ESTIMATORS, np.nan)
    for column, budget in enumerate(settings.budgets):
        part = _fewer(measured, split, budget, n)
        for name in ESTIMATORS:
            if part.source(name) is None or part.missing(name, sigma):
                continue
            began = time.perf_counter()
            y = curve(part, name, sigma, x).y
            evaluation[name] = time.perf_counter() - began
            missed[name][column] = abs(y - exact).sum() * (x[1] - x[0])
            yield None
    yield missed, seconds, evaluation


def _fewer(measured: Measured, split: Split, budget: int, n: int) -> Measured:
    """What a smaller budget would have paid for: the first probes; None where they are fewer than two."""
    columns = min(budget // split.degree, n)
    lanczos = min(budget // split.steps, n)
    probes = min(budget // -(-split.moments // 2), n)
    quadrature, moments = measured.quadrature, measured.moments
    rows = {part: getattr(quadrature, part)[:lanczos] for part in ("nodes", "weights", "residuals")}
    return replace(
        measured,
        sketch=measured.sketch.restricted(columns) if FEWEST <= columns <= measured.sketch.columns else None,
        quadrature=replace(quadrature, **rows) if lanczos >= FEWEST else None,
        moments=replace(moments, samples=moments.samples[:probes]) if probes >= FEWEST else None,
    )
