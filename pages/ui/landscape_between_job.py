"""What the tab "Between checkpoints" computes: the line through two, the plane through three, or two landscapes alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.jobs import Step
from pages.ui.landscape_problem import LandscapeProblem, fetching, model_of, plane_stage
from pages.ui.shelf import Shelf
from pages.ui.wording import counted
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
        return (
            self.choice.title()
            if self.choice is not None
            else f"trained again, seed {self.seed}, {counted(self.epochs, 'epoch')}"
        )

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

    def names(self) -> tuple[str, ...]:
        """Of the checkpoints, the first one first; those of one title are numbered."""
        titles = [self.problem.checkpoint.title(), *(other.title() for other in self.others)]
        return tuple(
            f"{title} ({titles[: place + 1].count(title)})" if titles.count(title) > 1 else title
            for place, title in enumerate(titles)
        )

    def caption(self) -> str:
        """One line under the figure."""
        return "; ".join([self.problem.caption(), *(other.title() for other in self.others if other.choice is None)])


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
    if settings.mode != "beside":
        _check_alike(settings.names(), [model_of(problem.checkpoint), *models])
    start = TRAINING if any(other.choice is None for other in settings.others) else 0.0
    stages = {"line": _line, "plane": _plane, "beside": _beside}[settings.mode]
    for share, result, note in stages(settings, model_of(problem.checkpoint), models):
        yield Step(start + (1 - start) * share, result, note)


def positions_between(points: int) -> np.ndarray:
    """From 0 to 1 in so many points, both among them, and a fifth of the way beyond on both sides."""
    m = points - 1
    beyond = round(BEYOND * m)
    return np.arange(-beyond, m + beyond + 1) / m


def _check_alike(names, models):
    """ValueError unless all have weights of the same names and shapes."""
    shapes = [{name: tuple(weight.shape) for name, weight in model.named_parameters()} for model in models]
    for name, other in zip(names[1:], shapes[1:], strict=True):
        if other != shapes[0]:
            sizes = [sum(int(np.prod(shape)) for shape in one.values()) for one in (shapes[0], other)]
            raise ValueError(
                f"two checkpoints of one architecture are needed: {names[0]} has {sizes[0]:,} weights in {len(shapes[0])} "
                f"tensors, {name} {sizes[1]:,} in {len(other)}; choose another, or “{MODES['beside']}” for any two."
            )


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
    where = dict(zip(settings.names(), map(tuple, through.coordinates.tolist()), strict=True))
    stage = plane_stage(settings, model, settings.problem, through.directions, through.radius(), settings.points)
    for plane, due in stage:
        result = BetweenResult(planes={"plane": plane}, coordinates=where)
        yield plane.share_done, result if due else None, "row by row"


def _beside(settings, model, others):
    """Both on the data of the first, along directions of their own that are drawn alike."""
    result, problem, other = BetweenResult(), settings.problem, settings.others[0]
    problems = (problem, problem.of(checkpoint=other.choice or problem.checkpoint))
    for place, (name, one, network) in enumerate(zip(settings.names(), problems, (model, *others), strict=True)):
        directions = [
            landscapes.random_direction(
                network,
                normalisation=settings.normalisation,
                generator=torch.Generator().manual_seed(settings.seed + j),
            )
            for j in range(2)
        ]
        for plane, due in plane_stage((settings, name), network, one, directions, settings.radius, settings.points):
            result = replace(result, planes={**result.planes, name: plane})
            yield (place + plane.share_done) / 2, result if due else None, name
