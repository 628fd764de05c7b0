"""What the tab "Surface" computes: the loss on a plane, row by row, then optimisers that walk on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from pages.ui.curvature_problem import operator
from pages.ui.jobs import Step
from pages.ui.landscape_directions import direction_steps
from pages.ui.landscape_problem import LandscapeProblem, Pace, fetching, model_of, plane_stage
from spectral_core import landscapes, optimisers

__all__ = ["PlaneSettings", "SurfaceResult", "SurfaceSettings", "Walks", "rate_of", "surface_job"]

ADAPTIVE = ("Adam", "Gadam", "GadamX")
NEWTON = ("Newton", "Newton, |H|")
LOOKING = 0.15  # shares of the time
GRID = 0.6
AVERAGE_FROM = 10  # step from which Gadam averages


@dataclass(frozen=True)
class PlaneSettings:
    """Everything that decides a plane; `names` are two of `landscape_directions`."""

    problem: LandscapeProblem
    names: tuple[str, str] = ("filter", "filter")
    radius: float = 1.0
    points: int = 31
    seed: int = 0


@dataclass(frozen=True)
class Walks:
    """Which optimisers walk, and how; `start` in radii, rates of 0 are chosen for the plane (`rate_of`)."""

    methods: tuple[str, ...] = ("SGD", "momentum", "Adam", "Gadam", "Newton, |H|")
    start: tuple[float, float] = (0.6, 0.7)
    steps: int = 40
    rate: float = 0.0
    adaptive_rate: float = 0.0
    momentum: float = 0.9
    damping: float = 0.0
    mini_batches: bool = False


@dataclass(frozen=True)
class SurfaceSettings:
    """Everything that decides the result."""

    plane: PlaneSettings
    walks: Walks

    def caption(self) -> str:
        """One line under the figure."""
        return f"Radius {self.plane.radius:g}, seed {self.plane.seed}; {self.plane.problem.caption()}"


@dataclass(frozen=True, eq=False)
class SurfaceResult:
    """`plane` so far, the quadratic `model` along its directions, `walks` by name; `products` spent beside the grid.

    `averages` are the losses at the averaged points of those that average, which are their answers.
    """

    plane: landscapes.LossPlane
    model: landscapes.QuadraticModel
    products: int
    walks: Mapping[str, optimisers.Walk] = field(default_factory=dict)
    averages: Mapping[str, float] = field(default_factory=dict)

    def answers(self) -> dict[str, float]:
        """The loss where each walk that did not diverge ended: at the averaged point, if there is one."""
        return {
            name: self.averages.get(name, walk.losses[-1]) for name, walk in self.walks.items() if not walk.diverged
        }


def surface_job(settings: SurfaceSettings) -> Iterator[Step]:
    """Results are `SurfaceResult`, each complete."""
    wanted, problem = settings.plane, settings.plane.problem
    yield from fetching(problem)
    found = yield from direction_steps(problem, wanted.names, wanted.seed, share=LOOKING)
    yield Step(LOOKING, note="the quadratic model")
    H = operator(problem.curvature())
    model = landscapes.quadratic_model(H, found.directions)
    H.release()
    network = model_of(problem.checkpoint)
    for plane, due in plane_stage(wanted, network, problem, found.directions, wanted.radius, wanted.points):
        result = SurfaceResult(plane, model, found.products + model.products)
        rows = f"{np.count_nonzero(plane.done)} of {len(plane.done)} rows"
        yield Step(LOOKING + GRID * plane.share_done, result if due else None, rows)
    yield from _walks(settings, result, network, found.directions)
    yield Step(1.0, result=None, note="finished")


def _walks(settings, result, network, directions):
    problem, walks, radius = settings.plane.problem, settings.walks, settings.plane.radius
    if not walks.methods:
        return
    sets = problem.data_sets()
    first = {name: sets[name] for name in list(sets)[:1]}
    options = problem.surface_options() | {"batch_norm": "eval"}
    f = landscapes.Slice(network, problem.loss(), first, directions, **options)
    start, total = radius * np.array(walks.start), len(walks.methods)
    sharpest = max(_sharpest(f.hessian(start)), _sharpest(result.model.curvatures))
    pace = Pace(settings.plane.points)
    for place, method in enumerate(walks.methods):
        generator = torch.Generator().manual_seed(settings.plane.seed) if walks.mini_batches else None
        chosen = _settings(method, walks, radius, sharpest)
        for walk in optimisers.walk_steps(f, method, start, steps=walks.steps, generator=generator, **chosen):
            result = replace(result, walks={**result.walks, method: walk})
            done = (place + len(walk.losses) / (walks.steps + 1)) / total
            shown = result if pace.due() else None
            yield Step(LOOKING + GRID + (1 - LOOKING - GRID) * min(done, 1.0), shown, method)
        if not walk.diverged and not np.array_equal(walk.averages, walk.positions):
            result = replace(result, averages={**result.averages, method: float(f.function(walk.averages[-1]))})
    yield Step(1.0, result)


def _settings(method, walks, radius, sharpest):
    """Keyword arguments of `optimisers.walk`, but for steps and generator."""
    chosen = {"learning_rate": rate_of(method, walks, radius, sharpest)}
    if method in ("momentum", "Nesterov"):
        chosen["momentum"] = walks.momentum
    if method in NEWTON:
        chosen["damping"] = walks.damping
    if method in ("Gadam", "GadamX"):
        chosen["average_from"] = AVERAGE_FROM
    return chosen


def _sharpest(curvatures):
    return float(np.abs(np.linalg.eigvalsh(curvatures)).max()) if np.isfinite(curvatures).all() else 0.0


def rate_of(method: str, walks: Walks, radius: float, sharpest: float) -> float:
    """The learning rate of a method; where none is given, Adam's a twentieth of the radius, SGD's ``1/c``, Newton's 1.

    `sharpest` is c, the largest curvature of the plane at the start and at the checkpoint; with momentum the rate is
    ``(1 - momentum)/c``.
    """
    if method in NEWTON:
        return 1.0
    if method in ADAPTIVE:
        return walks.adaptive_rate or radius / 20.0
    if walks.rate:
        return walks.rate
    usual = 1.0 / sharpest if sharpest > 0 else 1.0
    return usual * (1.0 - walks.momentum if method in ("momentum", "Nesterov") else 1.0)
