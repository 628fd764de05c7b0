"""Optimisers walking on a function of a few coordinates: a toy that shows what each of them makes of one landscape."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral

import numpy as np
import torch

from spectral_core.optimisers.first_order import adam, gadam, gradient_descent
from spectral_core.optimisers.newton import newton
from spectral_core.results import frozen, last

__all__ = ["METHODS", "Walk", "settings_of", "walk", "walk_steps"]

METHODS = {
    "SGD": gradient_descent,
    "momentum": partial(gradient_descent, momentum=0.9),
    "Nesterov": partial(gradient_descent, momentum=0.9, nesterov=True),
    "Adam": adam,
    "Gadam": gadam,
    "GadamX": partial(gadam, power=0.25),
    "Newton": partial(newton, magnitude=False),
    "Newton, |H|": newton,
}
QUIET = partial(np.errstate, over="ignore", invalid="ignore", divide="ignore")  # numbers on their way to infinity
STILL = 1e-12  # relative: a step this short ends the walk


@dataclass(frozen=True, eq=False)
class Walk:
    """Where an optimiser went.

    Attributes
    ----------
    method : str
    positions : (t + 1, d) array
        The start first. A last one that is not finite is kept.
    losses : (t + 1,) array
        Of the whole data, also where mini-batches gave the steps; NaN and infinite ones as they are.
    averages : (t + 1, d) array
        Of Gadam: the means of the iterates; equal to `positions` for the others.
    settings : dict
    diverged : bool
        The walk reached a point or a loss that is not finite.
    gradients, hessians : int
        Evaluated.
    stopped : str
    """

    method: str
    positions: np.ndarray
    losses: np.ndarray
    averages: np.ndarray
    settings: Mapping = field(default_factory=dict)
    diverged: bool = False
    gradients: int = 0
    hessians: int = 0
    stopped: str = "steps are left"

    def __post_init__(self):
        for name in ("positions", "losses", "averages"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def settings_of(method):
    """The settings of a method and their defaults.

    >>> settings_of("momentum")["momentum"], "damping" in settings_of("Adam")
    (0.9, True)
    """
    rule = _rule(method)
    names = {} if rule is not gadam and getattr(rule, "func", None) is not gadam else _defaults(adam)
    return names | _defaults(rule)


def walk_steps(f, method, start, *, steps=100, generator=None, **settings):
    """Yield complete `Walk` results: the start, then one more step each time. Arguments as in `walk`."""
    rule, start = _rule(method), np.array(start, dtype=np.float64)
    unknown = settings.keys() - settings_of(method).keys()
    if unknown:
        known = ", ".join(settings_of(method))
        raise ValueError(f"{method} has no setting {min(unknown)!r}: it has {known}.")
    if start.ndim != 1 or not np.isfinite(start).all():
        raise ValueError(f"a walk starts at finite coordinates, such as (0.5, -0.5); got {start}.")
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps is a whole number above 0; got {steps}.")
    spent = {"gradient": 0, "hessian": 0}

    def gradient(x):
        spent["gradient"] += 1
        if generator is None:
            return np.asarray(f.gradient(x))
        return np.asarray(f.gradient(x, batch=int(torch.randint(f.mini_batches, (), generator=generator))))

    def hessian(x):
        spent["hessian"] += 1
        return np.asarray(f.hessian(x))

    sees = (gradient, hessian) if "hessian" in inspect.signature(rule).parameters else (gradient,)

    def loss(x):
        with QUIET():
            return float(f.function(x))

    positions, losses, averages = [start], [loss(start)], [start]

    def result(stopped, diverged=False):
        given = settings_of(method) | settings
        return Walk(
            method, np.array(positions), np.array(losses), np.array(averages), given, diverged, *spent.values(), stopped
        )

    if not np.isfinite(losses[0]):
        yield result("the loss at the start is not a finite number", True)
        return
    yield result("steps are left")
    for t, (x, mean) in enumerate(_quietly(rule(*sees, start, **settings)), 1):
        finite = bool(np.isfinite(x).all())
        positions.append(x)
        averages.append(mean)
        losses.append(loss(x) if finite else np.nan)
        if not np.isfinite(losses[-1]):
            yield result(f"diverged: not a finite number at step {t}", True)
            return
        moved = np.linalg.norm(x - positions[-2])
        if generator is None and moved <= STILL * max(1.0, np.linalg.norm(x)):
            yield result(f"stands still after {t} steps")
            return
        yield result("all steps" if t == steps else "steps are left")
        if t == steps:
            return


def walk(f, method, start, *, steps=100, generator=None, **settings):
    """Let an optimiser walk on a function of a few coordinates.

    Parameters
    ----------
    f : object
        With ``function(x)``, ``gradient(x)`` and, for Newton's, ``hessian(x)``, such as `landscapes.Slice`.
    method : str
        One of `METHODS`.
    start : (d,) array
    steps : int
    generator : torch.Generator, optional
        Steps by the gradient of one mini-batch drawn at random, ``f.gradient(x, batch=b)``; else by that of all data.
    **settings
        Of the method, as in `settings_of`.

    Returns
    -------
    Walk

    Raises
    ------
    ValueError
        Another method or setting; a start that is not finite; steps that are no whole number above 0.

    Notes
    -----
    Cost: a gradient and a loss a step, and a Hessian of d coordinates for Newton's. In two of a network's many dimensions an
    optimiser behaves as on any function of two variables: it is confined to the plane, which a real run leaves at once.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> bowl = SimpleNamespace(function=lambda x: x @ x / 2, gradient=lambda x: x)
    >>> walk(bowl, "SGD", [1.0, -2.0], steps=2, learning_rate=0.5).losses.tolist()
    [2.5, 0.625, 0.15625]
    """
    return last(walk_steps(f, method, start, steps=steps, generator=generator, **settings))


def _rule(method):
    if method not in METHODS:
        raise ValueError(f"an optimiser is one of {', '.join(METHODS)}; got {method!r}.")
    return METHODS[method]


def _defaults(rule):
    parameters = inspect.signature(rule).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def _quietly(iterates):
    """The same, without NumPy's warnings."""
    while True:
        with QUIET():
            iterate = next(iterates)
        yield iterate
