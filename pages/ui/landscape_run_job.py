"""What the tab "Along a run" computes: the plane that holds most of a training run, and the loss on it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.jobs import Step
from pages.ui.landscape_problem import LandscapeProblem, fetching, model_of, plane_stage
from spectral_core import landscapes

__all__ = ["RunResult", "RunSettings", "run_job"]


@dataclass(frozen=True)
class RunSettings:
    """Everything that decides the result; `epochs` are pairs of an epoch and its checkpoint, the last one the centre."""

    problem: LandscapeProblem
    epochs: tuple[tuple[int, CheckpointChoice], ...]
    points: int = 21

    def caption(self) -> str:
        """One line under the figure."""
        return f"Centre: epoch {self.epochs[-1][0]}; {self.problem.caption()}"


@dataclass(frozen=True, eq=False)
class RunResult:
    """`path` and what it explains; `own` and `projected` losses of the checkpoints on the first data set; `plane` so far."""

    path: landscapes.WeightPlane
    own: np.ndarray
    projected: np.ndarray
    plane: landscapes.LossPlane


def run_job(settings: RunSettings) -> Iterator[Step]:
    """Results are `RunResult`, each complete."""
    yield from fetching(settings.problem)
    problem = settings.problem.of(checkpoint=settings.epochs[-1][1])
    models = [model_of(choice) for _, choice in settings.epochs]
    centre = models[-1]
    path = landscapes.pca_plane(centre, models)
    sets, options = problem.data_sets(), problem.surface_options()
    first = {name: sets[name] for name in list(sets)[:1]}
    own = []
    for (epoch, _), model in zip(settings.epochs, models, strict=True):
        yield Step(0.1 * len(own) / len(models), note=f"loss of epoch {epoch}")
        surface = landscapes.LossSurface(model, problem.loss(), first, path.directions, **options)
        own.append(_loss(surface, np.zeros((1, 2)))[0])
    surface = landscapes.LossSurface(centre, problem.loss(), first, path.directions, **options)
    projected = _loss(surface, path.coordinates)
    for plane, due in plane_stage(settings, centre, problem, path.directions, path.radius(), settings.points):
        result = RunResult(path, np.array(own), projected, plane)
        rows = f"{np.count_nonzero(plane.done)} of {len(plane.done)} rows"
        yield Step(0.1 + 0.9 * plane.share_done, result if due else None, rows)


def _loss(surface, coordinates):
    return next(iter(surface.at(coordinates).values())).loss
