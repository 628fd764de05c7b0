"""The test of it: real training at several batch sizes, and the largest learning rate that does not diverge."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from spectral_core.batch_scaling.full_batch import checked_batch_sizes
from spectral_core.curvature import HessianOperator
from spectral_core.curvature.data import apply_model
from spectral_core.curvature.examples import _merged
from spectral_core.interruption import stop_if_asked
from spectral_core.results import frozen

__all__ = [
    "OPTIMISERS",
    "RULES",
    "StableRate",
    "TrainingRun",
    "largest_stable_rate_steps",
    "scaled_rate",
    "training_run_steps",
]

MOMENTUM = 0.9
OPTIMISERS = {
    "sgd": lambda weights, rate: torch.optim.SGD(weights, lr=rate),
    "momentum": lambda weights, rate: torch.optim.SGD(weights, lr=rate, momentum=MOMENTUM),
    "adam": lambda weights, rate: torch.optim.Adam(weights, lr=rate),
}
RULES = {"linear": 1.0, "square-root": 0.5, "constant": 0.0}
MARGIN, MULTIPLE = 0.1, 2.0
FINEST = 2.0**0.25


def scaled_rate(rate, batch_size, new_batch_size, rule):
    """``a (B'/B)^e`` with ``e`` = 1, 1/2 or 0 for the rules "linear", "square-root", "constant".

    >>> scaled_rate(0.01, 64, 256, "square-root")
    0.02
    """
    if rule not in RULES:
        raise ValueError(f"the rate scales by one of the rules {', '.join(RULES)}; got {rule!r}.")
    _check_positive(learning_rate=rate, batch_size=batch_size, new_batch_size=new_batch_size)
    return rate * (new_batch_size / batch_size) ** RULES[rule]


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """One run: `examples` seen and `loss` on all data at each look at it, (k,) arrays; whether it diverged, and when.

    `steps` is how many updates were made; `diverged_at` is the number of the update after which it had, None where not.
    """

    batch_size: int
    learning_rate: float
    rule: str
    optimiser: str
    examples: np.ndarray
    loss: np.ndarray
    steps: int
    diverged_at: int | None = None


@dataclass(frozen=True, eq=False)
class StableRate:
    """Largest learning rate at one batch size of which most runs did not diverge, and the least of which most did.

    `value` is their geometric mean, `trials` are the ``(rate, share of runs that diverged)`` in order; `bracketed` says
    whether both ends were found.
    """

    batch_size: int
    value: float
    stable: float
    unstable: float
    trials: tuple[tuple[float, float], ...]
    bracketed: bool


class _Trainer:
    """A copy of the model that starts anew from its checkpoint: the fixed function whose curvature is measured."""

    def __init__(self, model, loss, data, optimiser, dtype=None, device=None):
        if optimiser not in OPTIMISERS:
            raise ValueError(f"optimisers are {', '.join(OPTIMISERS)}; got {optimiser!r}.")
        self.H = HessianOperator(model, loss, data, dtype=dtype, device=device)
        self.optimiser = optimiser
        whole = list(_merged(self.H.batches))
        if len(whole) > 1:
            raise ValueError(
                "mini-batches of these data can not be mixed, as their examples differ in shape: pad them."
            )
        self.whole, self.N = whole[0], whole[0].examples
        self.start = [weight.detach().clone() for weight in self.H._weights]
        self.loss_value = self.H.loss_value

    def run(self, batch_size, rate, steps, every, generator):
        """Yield ``(step, loss on all data)`` before the first update and after every so many; not beyond what is not finite."""
        weights = self.H._weights
        with torch.no_grad():
            for weight, start in zip(weights, self.start, strict=True):
                weight.copy_(start)
                weight.grad = None
        optimiser, order = OPTIMISERS[self.optimiser](weights, rate), torch.zeros(0, dtype=torch.int64)
        yield 0, self.loss_value
        for step in range(1, steps + 1):
            stop_if_asked()
            if len(order) < batch_size:
                order = torch.randperm(self.N, generator=generator)
            part, order = self.whole.taken(order[:batch_size].to(self.H.device)), order[batch_size:]
            with torch.enable_grad():
                optimiser.zero_grad()
                value = self.H.loss(apply_model(self.H._model, part.inputs), part.targets)
                value.backward()
            optimiser.step()
            if not torch.isfinite(value):
                yield step, np.inf
                return
            if step % every == 0 or step == steps:
                yield step, self._loss()

    def _loss(self):
        with torch.no_grad():
            values = [
                batch.share * self.H.loss(apply_model(self.H._model, batch.inputs), batch.targets)
                for batch in self.H.batches
            ]
        total = float(sum(values))
        return total if np.isfinite(total) else np.inf


def training_run_steps(
    model,
    loss,
    data,
    batch_sizes,
    *,
    rules=("linear", "square-root", "constant"),
    batch_size,
    learning_rate,
    optimiser="sgd",
    epochs=5,
    generator,
    looks=40,
    divergence=None,
    dtype=None,
    device=None,
):
    """Train from the model's weights at each batch size by each rule; yield ``(fraction, tuple of TrainingRun)`` as losses come.

    Parameters
    ----------
    model, loss, data, dtype, device
        As in `HessianOperator`; batch norm by stored statistics, dropout off: the function whose curvature was measured.
    batch_sizes : sequence of int
    rules : sequence of {"linear", "square-root", "constant"}
        How the learning rate follows the batch size, from `learning_rate` at `batch_size`.
    optimiser : {"sgd", "momentum", "adam"}
    epochs : float
        Over the data: equally many examples at every batch size.
    generator : torch.Generator
        The same order of examples for every run of a batch size.
    looks : int
        Losses of all data a run.
    divergence : float, optional
        A loss above it ends the run, as one that is not finite does: by default twice the first plus 0.1 for a trained model,
        i.e. ``2 L_0 + 0.1``.

    Notes
    -----
    Cost: ``epochs`` gradients and `looks` evaluations over the data a run. Source: thesis Figures 5.7 and 5.15.
    """
    trainer = _Trainer(model, loss, data, optimiser, dtype, device)
    level = MULTIPLE * trainer.loss_value + MARGIN if divergence is None else divergence
    if np.isnan(level):
        raise ValueError("divergence is a loss above which a run ends; got NaN.")
    seed, runs = int(torch.randint(2**62, (), generator=generator)), []
    plan = [(rule, int(B)) for rule in rules for B in checked_batch_sizes(batch_sizes, trainer.N)]
    checked_batch_sizes(batch_size, trainer.N)
    _check_positive(learning_rate=learning_rate, epochs=epochs, looks=looks)
    for rule, B in plan:
        rate = scaled_rate(learning_rate, batch_size, B, rule)
        steps = max(round(epochs * trainer.N / B), 1)
        every = max(steps // looks, 1)
        order = torch.Generator().manual_seed(seed)
        run = TrainingRun(B, rate, rule, optimiser, frozen([]), frozen([]), 0)
        for step, value in trainer.run(B, rate, steps, every, order):
            diverged = not value <= level
            run = replace(
                run,
                examples=frozen([*run.examples, step * B]),
                loss=frozen([*run.loss, value]),
                steps=step,
                diverged_at=step if diverged else None,
            )
            yield (len(runs) + step / steps) / len(plan), (*runs, run)
            if diverged:
                break
        runs.append(run)
    yield 1.0, tuple(runs)


def largest_stable_rate_steps(
    model,
    loss,
    data,
    batch_sizes,
    *,
    start,
    optimiser="sgd",
    steps=200,
    seeds=3,
    generator,
    dtype=None,
    device=None,
):
    """Find, for each batch size, the learning rate at which training from the checkpoint turns unstable.

    A run diverges where the loss on all data, looked at every tenth of the updates, exceeds ``2 L_0 + 0.1`` (``L_0`` that of
    the checkpoint) or is not finite within `steps` updates; a rate is unstable where most of the `seeds` runs diverge. Rates
    go by factors of two from `start` until both sides are found, then by bisection of the logarithm to a factor ``2^(1/4)``.

    Yields
    ------
    (fraction, tuple of StableRate)

    Parameters
    ----------
    start : float or sequence
        First rate tried, one for all batch sizes or one each: such as the predicted one.
    steps, seeds : int

    Notes
    -----
    A run of finite length sees an instability that grows by a factor q a step only if ``q^steps`` is large: what is found lies
    somewhat above the threshold of infinite time, and a noise that rare examples make may not show within `steps`.
    """
    trainer = _Trainer(model, loss, data, optimiser, dtype, device)
    level = MULTIPLE * trainer.loss_value + MARGIN
    batch_sizes = checked_batch_sizes(batch_sizes, trainer.N)
    starts = np.broadcast_to(np.asarray(start, dtype=float), (len(batch_sizes),))
    _check_positive(start=starts.min(), steps=steps, seeds=seeds)
    if not (steps == int(steps) and seeds == int(seeds)):
        raise ValueError(f"steps and seeds are whole numbers; got {steps} and {seeds}.")
    steps, seeds = int(steps), int(seeds)
    seed, found = int(torch.randint(2**62, (), generator=generator)), []
    for place, (B, first) in enumerate(zip(batch_sizes, starts, strict=True)):
        trials, stable, unstable, rate = [], 0.0, np.inf, float(first)
        while len(trials) < 24 and not (stable > 0 and unstable / stable < FINEST * 1.01):
            share = _share(trainer, int(B), rate, steps, seeds, seed, level)
            trials.append((rate, share))
            stable, unstable = (stable, rate) if share > 0.5 else (rate, unstable)
            bracketed = stable > 0 and np.isfinite(unstable)
            guess = float(np.sqrt(stable * unstable)) if bracketed else rate
            current = StableRate(int(B), float(guess), float(stable), float(unstable), tuple(trials), bool(bracketed))
            yield min((place + len(trials) / 10) / len(starts), 1.0), (*found, current)
            rate = guess if bracketed else (2 * rate if stable > 0 else rate / 2)
        found.append(current)
    yield 1.0, tuple(found)


def _check_positive(**numbers):
    for name, value in numbers.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} is a finite number above 0; got {value}.")


def _share(trainer, B, rate, steps, seeds, seed, level):
    diverged = 0
    for shift in range(seeds):
        order = torch.Generator().manual_seed((seed + shift) % 2**62)
        for _, value in trainer.run(B, rate, steps, max(steps // 10, 1), order):
            if not value <= level:
                diverged += 1
                break
    return diverged / seeds
