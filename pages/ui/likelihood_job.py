"""What the Marginal likelihood tab computes: the curve over length scales, by estimate and exactly, point by point."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from pages.ui.controls import verbatim
from pages.ui.jobs import Step
from pages.ui.kernel_choice import KernelChoice, MatrixChoice, points_of
from spectral_core import kernels
from spectral_core.kernels.cholesky import cholesky_steps

__all__ = ["EXACT_LIMIT", "LikelihoodResult", "LikelihoodSettings", "drawn_target_steps", "likelihood_job"]

EXACT_LIMIT = 3000  # rows: a factorisation a point


@dataclass(frozen=True)
class LikelihoodSettings:
    """Everything that decides the curve."""

    matrix: MatrixChoice
    lowest: float = 0.3
    highest: float = 30.0
    points: int = 15
    products: int = 500
    exact: bool = True
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"{verbatim(self.matrix.title())}, its length scale moved: at most {self.products:,} products a length scale, "
            f"seed {self.seed}, {self.dtype} on {self.device}"
        )

    def lengthscales(self):
        """From the lowest to the highest, evenly on a logarithmic axis."""
        return np.geomspace(self.lowest, self.highest, self.points).tolist()


@dataclass(frozen=True, eq=False)
class LikelihoodResult:
    """The curves so far; `exact` is None where it is not asked for, `exact_note` says why."""

    n: int
    target: str
    estimate: kernels.LengthScaleCurve | None = None
    exact: kernels.LengthScaleCurve | None = None
    exact_note: str = ""
    truth: float | None = None
    notes: tuple[str, ...] = ()


def likelihood_job(settings: LikelihoodSettings) -> Iterator[Step]:
    """The points, their target, and then for every length scale the estimate and the exact answer in turn."""
    choice = settings.matrix
    yield Step(0.0, note="reading the points")
    points = points_of(choice)
    y, target, truth = points.y, points.target, None
    if y is None and choice.source == "gaussian":
        for y in drawn_target_steps(points.X, choice.kernel, choice.seed):
            yield Step(0.01, note="drawing a target from the process")
        target, truth = f"drawn from the process at ℓ = {choice.kernel.lengthscale:g}", choice.kernel.lengthscale
    if y is None:
        raise ValueError("a marginal likelihood needs a target: choose a target column in the sidebar.")
    n = len(y)
    wanted = settings.exact and n <= EXACT_LIMIT
    note = "" if wanted else "The exact curve is switched off."
    if settings.exact and not wanted:
        note = f"The exact curve is skipped: n = {n:,} is above {EXACT_LIMIT:,}."
    result = LikelihoodResult(n, target, exact_note=note, truth=truth, notes=points.notes)
    where = {"dtype": getattr(torch, settings.dtype), "device": settings.device}
    problem = (points.X, y, choice.kernel.covariance(), choice.kernel.noise, settings.lengthscales())
    generator = torch.Generator().manual_seed(settings.seed)
    with contextlib.ExitStack() as stack:
        curves = {
            "estimate": kernels.length_scale_curve_steps(
                *problem, products=settings.products, generator=generator, exact=False, **where
            )
        }
        if wanted:
            curves["exact"] = kernels.length_scale_curve_steps(*problem, exact=True, **where)
        for curve in curves.values():
            stack.enter_context(contextlib.closing(curve))
        for place in range(settings.points):
            for turn, (name, steps) in enumerate(curves.items()):
                for curve in steps:
                    done = len(curve.value)
                    result = replace(result, **{name: curve})
                    share = (place + (turn + (done > place)) / len(curves)) / settings.points
                    latest = result if done else None
                    yield Step(0.02 + 0.98 * share, latest, _note(settings, place, curve))
                    if done > place:
                        break
    yield Step(1.0, result)


def _note(settings, place, curve):
    return f"ℓ = {settings.lengthscales()[place]:.3g}: {curve.stopped.split(';')[0]}"


def drawn_target_steps(X, kernel: KernelChoice, seed: int) -> Iterator[np.ndarray | None]:
    """Yield None while ``K = L L.T`` is factorised, then ``y = L z``: a target of the process itself, z standard normal."""
    n = len(X)
    if n > EXACT_LIMIT:
        raise ValueError(
            f"a target is drawn from the process for at most {EXACT_LIMIT:,} points, and there are {n:,}: take fewer, or a table."
        )
    K = kernels.KernelOperator(X, kernel.covariance(), noise=max(kernel.noise, 1e-8))
    matrix = K.columns(range(n)).double()
    for _ in cholesky_steps(matrix):
        yield None
    z = torch.randn(n, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    yield (torch.tril(matrix) @ z).numpy()
