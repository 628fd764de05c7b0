"""Training by stochastic gradient descent, the same every time: what the shipped checkpoints come from."""

import copy
from dataclasses import dataclass, field

import torch
from torch.nn import functional as F

from sample_models.datasets import Dataset, batches, load
from sample_models.evaluation import Evaluation, evaluate
from sample_models.registry import build, configure

__all__ = ["RUNS", "Epoch", "Run", "run_data", "training_steps"]


@dataclass(frozen=True)
class Run:
    """A training run: everything that decides its weights.

    Attributes
    ----------
    name : str
    data : str
        A packaged data set, normalised with `mean` and `std`.
    architecture : str
    config : object
        The architecture's `Config`.
    epochs, batch_size, seed : int
    learning_rate, momentum, weight_decay : float
        The learning rate falls to zero along half a cosine, step by step. `weight_decay` is the factor of
        ``|w|^2 / 2`` in the loss.
    keep : tuple of int
        Epochs whose weights are shipped; 0 is before training.
    """

    name: str
    data: str
    architecture: str
    config: object
    mean: float
    std: float
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    seed: int = 0
    keep: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Epoch:
    """The model after an epoch, with its loss and accuracy on all examples; `model` is a copy."""

    epoch: int
    model: torch.nn.Module = field(repr=False)
    train: Evaluation
    test: Evaluation


def run_data(run):
    """The run's data set, normalised."""
    return load(run.data).normalised(run.mean, run.std)


def training_steps(run, data: Dataset | None = None):
    """Train, yielding an `Epoch` before the first epoch and after each one; stop iterating to stop training.

    Weights, order of examples and so everything but rounding follow from the run's seed. Cost: epochs times examples
    gradients, plus as many evaluations.

    >>> run = Run("short", "digits", "logistic_regression", configure("logistic_regression", inputs=64), 0, 1, epochs=2)
    >>> [epoch.test.accuracy > 0.8 for epoch in training_steps(run)]
    [False, True, True]
    """
    data = run_data(run) if data is None else data
    generator = torch.Generator().manual_seed(run.seed)
    options = {name: getattr(run.config, name) for name in run.config.__dataclass_fields__}
    model = build(run.architecture, generator=generator, **options)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=run.learning_rate, momentum=run.momentum, weight_decay=run.weight_decay
    )
    updates = run.epochs * -(-len(data.targets) // run.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, updates)
    yield _epoch(0, model, data)
    for epoch in range(1, run.epochs + 1):
        model.train()
        order = torch.randperm(len(data.targets), generator=generator)
        for inputs, targets in batches(data.inputs[order], data.targets[order], run.batch_size):
            optimiser.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimiser.step()
            schedule.step()
        yield _epoch(epoch, model, data)


def _epoch(epoch, model, data):
    train = evaluate(model, batches(data.inputs, data.targets, 500))
    test = evaluate(model, batches(data.test_inputs, data.test_targets, 500))
    return Epoch(epoch, copy.deepcopy(model).eval(), train, test)


def _runs():
    """Each data set on three architectures, with and without batch norm, and one run kept at several epochs."""
    sides = {"digits": (8, 64), "mnist-5k": (28, 784)}
    moments = {"digits": (0.3056, 0.3761), "mnist-5k": (0.1307, 0.3081)}  # mnist-5k: what everybody takes for MNIST
    for data, (side, pixels) in sides.items():
        small = data == "digits"
        for batch_norm in (False, True):
            configs = {
                "mlp": {"widths": (pixels, 64, 32, 10) if small else (pixels, 128, 64, 10)},
                "lenet": {"image": side, **({"kernel": 3, "padding": 1, "hidden": (64, 32)} if small else {})},
                "vgg": {"stages": ((8, 8), (16, 16), (32, 32)), "channels": 1},
            }
            for architecture, options in configs.items():
                yield Run(
                    f"{data}-{architecture}{'-bn' if batch_norm else ''}",
                    data,
                    architecture,
                    configure(architecture, batch_norm=batch_norm, **options),
                    *moments[data],
                    epochs=40 if small else 15,
                )
    watched = configure("lenet", image=28, hidden=(64,))
    yield Run(
        "mnist-5k-lenet-watched", "mnist-5k", "lenet", watched, *moments["mnist-5k"], epochs=15, keep=(0, 1, 2, 5, 15)
    )


RUNS = {run.name: run for run in _runs()}
