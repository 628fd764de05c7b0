"""What the tab "Along directions" computes: the loss along each direction, its quadratic model, and a parabola fitted to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from pages.ui.curvature_problem import operator
from pages.ui.jobs import Step
from pages.ui.landscape_directions import direction_steps
from pages.ui.landscape_problem import LandscapeProblem, fetching, model_of
from pages.ui.shelf import Shelf
from spectral_core import landscapes

__all__ = ["NEAR", "LinesResult", "LinesSettings", "lines_job"]

UNFINISHED = Shelf(12)  # results by settings: a stopped one goes on where it stopped
NEAR = {"points": 41, "decades": 5}  # positions at which the trust radius is looked for, in float64
LOOKING = 0.3  # share of the time for directions


@dataclass(frozen=True)
class LinesSettings:
    """Everything that decides the result; `names` are those of `landscape_directions`."""

    problem: LandscapeProblem
    names: tuple[str, ...]
    radius: float = 1.0
    points: int = 41
    seed: int = 0

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"{self.points} points from −{self.radius:g} to {self.radius:g}, seed {self.seed}; {self.problem.caption()}"
        )


@dataclass(frozen=True, eq=False)
class LinesResult:
    """By the name of each direction; what is missing is not there yet. `products` were spent on directions and models.

    `near` are the lines that the trust radius is of, on the first data set, as far as it was needed.
    """

    lines: Mapping[str, landscapes.LossLine] = field(default_factory=dict)
    models: Mapping[str, landscapes.QuadraticModel] = field(default_factory=dict)
    parabolas: Mapping[str, landscapes.Parabola] = field(default_factory=dict)
    residuals: Mapping[str, float] = field(default_factory=dict)
    near: Mapping[str, landscapes.LossLine] = field(default_factory=dict)
    products: int = 0

    @property
    def radii(self) -> dict:
        """`TrustRadius` by direction."""
        return {name: landscapes.trust_radius(line, self.models[name]) for name, line in self.near.items()}

    @property
    def passes(self) -> int:
        """Forward passes over a data set."""
        return sum(one.passes for part in (self.lines, self.near, self.parabolas) for one in part.values())


def lines_job(settings: LinesSettings) -> Iterator[Step]:
    """Results are `LinesResult`, each complete."""
    problem = settings.problem
    yield from fetching(problem)
    found = yield from direction_steps(problem, settings.names, settings.seed, share=LOOKING)
    H = operator(problem.curvature(), dtype=torch.float64)
    quadratic = landscapes.quadratic_model(H, found.directions)
    H.release()
    names = [d.name for d in found.directions]
    result = UNFINISHED.get(settings) or LinesResult(
        models={name: quadratic.along(j) for j, name in enumerate(names)},
        residuals=dict(zip(names, found.residuals, strict=True)),
        products=found.products + quadratic.products,
    )
    positions, options = landscapes.logarithmic_positions(settings.radius, **NEAR), problem.surface_options()
    model, sets, count = model_of(problem.checkpoint), problem.data_sets(), len(names)
    for place, d in enumerate(found.directions):
        start = LOOKING + (1 - LOOKING) * place / count
        if d.name in result.parabolas:
            continue
        for line in landscapes.line_steps(
            model, problem.loss(), sets, d, settings.radius, settings.points, resume=result.lines.get(d.name),
            **options,
        ):  # fmt: skip
            result = replace(result, lines={**result.lines, d.name: line})
            UNFINISHED.put(settings, result)
            yield Step(start + 0.5 * (1 - LOOKING) / count * line.share_done, result, d.name)
        for near in landscapes.line_steps(
            model, problem.loss(), dict([next(iter(sets.items()))]), d, positions=positions,
            resume=result.near.get(d.name), **options | {"dtype": torch.float64},
        ):  # fmt: skip
            result = replace(result, near={**result.near, d.name: near})
            UNFINISHED.put(settings, result)
            yield Step(start + (0.5 + 0.3 * near.share_done) * (1 - LOOKING) / count, result, f"{d.name}: trust radius")
            trust = landscapes.trust_radius(near, result.models[d.name])
            if np.isfinite([trust.left, trust.right]).all():
                break
        for parabola in landscapes.parabola_steps(model, problem.loss(), sets, d, device=problem.device):
            yield Step(start + 0.8 * (1 - LOOKING) / count, result, f"{d.name}: fitting a parabola")
        result = replace(result, parabolas={**result.parabolas, d.name: parabola})
        UNFINISHED.put(settings, result)
    yield Step(1.0, result, "finished")
