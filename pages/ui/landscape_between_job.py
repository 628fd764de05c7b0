"""What the tab "Between checkpoints" computes: the line through two, the plane through three, or two landscapes alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.jobs import Step
from pages.ui.landscape_problem import LandscapeProblem, fetching, model_of, plane_stage
from pages.ui.shelf import Shelf
from sample_models.training import RUNS, training_steps
from spectral_core import landscapes

__all__ = ["MODES", "BetweenResult", "BetweenSettings", "Other", "between_job", "positions_between"]

MODES = {"line": "Line through two", "plane": "Plane through three", "beside": "Two side by side"}
BEYOND = 0.2  # of the way, on both sides
TRAINED = Shelf(6)  # state dicts
UNFINISHED = Shelf(6)  # lines
TRAINING = 0.5  # share of the time


@dataclass(frozen=True)
class Other:
    """Another checkpoint: `choice`, or the first one's network trained again from `seed` for `epochs`."""

    choice: CheckpointChoice | None = None
    seed: int = 1
    epochs: int = 10

    def title(self) -> str:
        """Not to be rendered as Markdown."""
        return self.choice.title() if self.choice is not None else f"trained again, seed {self.seed}"

    def code(self, run, name) -> str:
        """Python that makes the model `name`; `run` is that of the first checkpoint."""
        if self.choice is not None:
            return f"{self.choice.code()}\n{self.choice.model_code()}\n{name} = model"
        return f"*_, last = training_steps(replace(RUNS[{run!r}], seed={self.seed}, epochs={self.epochs}))\n{name} = last.model"


@dataclass(frozen=True)
class BetweenSettings:
    """Everything that decides the result; `normalisation`, `radius` and `seed` are of two landscapes side by side."""

    problem: LandscapeProblem
    mode: str
    others: tuple[Other, ...]
    points: int = 25
    normalisation: str = "filter"
    radius: float = 1.0
    seed: int = 0

    def caption(self) -> str:
        """One line under the figure."""
        trained = [f"{o.title()}, for {o.epochs} epochs" for o in self.others if o.choice is None]
        return f"{self.problem.caption()}{'; ' if trained else ''}{'; '.join(trained)}"


@dataclass(frozen=True, eq=False)
class BetweenResult:
    """Of the mode: a `line`; or `planes` by name, with the `coordinates` of the checkpoints on the one through three."""

    line: landscapes.LossLine | None = None
    planes: Mapping[str, landscapes.LossPlane] = field(default_factory=dict)
    coordinates: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def between_job(settings: BetweenSettings) -> Iterator[Step]:
    """Results are `BetweenResult`, each complete."""
    problem, models = settings.problem, []
    yield from fetching(problem)
    for other in settings.others:
        models.append((yield from _model(other, problem)))
    start = TRAINING if any(other.choice is None for other in settings.others) else 0.0
    stages = {"line": _line, "plane": _plane, "beside": _beside}[settings.mode]
    for share, result, note in stages(settings, model_of(problem.checkpoint), models):
        yield Step(start + (1 - start) * share, result, note)


def positions_between(points: int) -> np.ndarray:
    """From 0 to 1 in so many points, both among them, and a fifth of the way beyond on both sides."""
    m = points - 1
    beyond = round(BEYOND * m)
    return np.arange(-beyond, m + beyond + 1) / m


def _model(other, problem):
    if other.choice is not None:
        return model_of(other.choice)
    run = opened(problem.checkpoint).entry.run
    key = (run, other.seed, other.epochs)
    found = TRAINED.get(key)
    if found is None:
        asked = replace(RUNS[run], seed=other.seed, epochs=other.epochs)
        for epoch in training_steps(asked):
            yield Step(
                TRAINING * epoch.epoch / asked.epochs,
                note=f"training again from seed {other.seed}: epoch {epoch.epoch} of {asked.epochs}, loss {epoch.train.loss:.2g}",
            )
        found = epoch.model
        TRAINED.put(key, found)
    return found


def _line(settings, model, others):
    problem = settings.problem
    direction = landscapes.between(model, others[0])
    for line in landscapes.line_steps(
        model, problem.loss(), problem.data_sets(), direction, positions=positions_between(settings.points),
        resume=UNFINISHED.get(settings), **problem.surface_options(),
    ):  # fmt: skip
        UNFINISHED.put(settings, line)
        yield line.share_done, BetweenResult(line), "along the line"


def _plane(settings, model, others):
    through = landscapes.plane_through(model, *others)
    names = (settings.problem.checkpoint.title(), *(other.title() for other in settings.others))
    where = dict(zip(names, map(tuple, through.coordinates.tolist()), strict=True))
    for plane in plane_stage(settings, model, settings.problem, through.directions, through.radius(), settings.points):
        yield plane.share_done, BetweenResult(planes={"plane": plane}, coordinates=where), "row by row"


def _beside(settings, model, others):
    """Both on the data of the first, along directions of their own that are drawn alike."""
    result, problem, other = BetweenResult(), settings.problem, settings.others[0]
    title = other.title() if other.choice != problem.checkpoint else f"{other.title()} (again)"
    both = {problem.checkpoint.title(): (problem, model)}
    both[title] = (problem.of(checkpoint=other.choice or problem.checkpoint), others[0])
    for place, (name, (one, network)) in enumerate(both.items()):
        directions = [
            landscapes.random_direction(
                network,
                normalisation=settings.normalisation,
                generator=torch.Generator().manual_seed(settings.seed + j),
            )
            for j in range(2)
        ]
        for plane in plane_stage((settings, name), network, one, directions, settings.radius, settings.points):
            result = replace(result, planes={**result.planes, name: plane})
            yield (place + plane.share_done) / 2, result, name
