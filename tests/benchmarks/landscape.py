"""What a grid of losses takes, against as many plain forward passes.

    python -m tests.benchmarks.landscape [mlp|resnet] [--rounds 5]

`mlp`: 41 x 41 points of the shipped digits MLP on its training images, which must take less than 5 seconds on two cores.
`resnet`: a few points of a ResNet-20 on 1000 images, which must take less than 1.1 times as many forward passes. A forward pass
is one over all images, with its loss, by the model itself. Every time is of one thread alone, so that other work on the machine
does not count; every ratio is of two times taken one right after the other, its median over rounds.
"""

import argparse
import statistics
import time

import torch
from torch.nn import functional as F

import spectral_core as sc
from sample_models import load_shipped
from sample_models.datasets import batches, load
from sample_models.registry import build


def mlp():
    """Model, mini-batches, points along each side, seconds allowed."""
    shipped, data = load_shipped("digits-mlp"), load("digits")
    inputs = (data.inputs - shipped.entry.mean) / shipped.entry.std
    return shipped.model, list(batches(inputs, data.targets, 250)), 41


def resnet():
    """ResNet-20 on 32 x 32 images."""
    g = torch.Generator().manual_seed(0)
    model = build("resnet", generator=g, depth=20).eval()
    images, labels = torch.rand(1000, 3, 32, 32, generator=g), torch.randint(10, (1000,), generator=g)
    return model, list(batches(images, labels, 125)), 3


PROBLEMS = {"mlp": mlp, "resnet": resnet}


def seconds(function):
    """Of this thread, one call."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def compare(name, rounds):
    model, data, points = PROBLEMS[name]()
    g = torch.Generator().manual_seed(0)
    pair = [sc.landscapes.random_direction(model, generator=g) for _ in range(2)]
    surface = sc.landscapes.LossSurface(model, "cross-entropy", data, pair)
    steps = list(sc.landscapes.plane_steps(None, None, None, None, points=points, surface=surface))  # warms up

    def grid():
        surface.passes = 0
        for _ in sc.landscapes.plane_steps(None, None, None, None, points=points, surface=surface):
            pass

    def forward():
        with torch.no_grad():
            for _ in range(surface.passes):
                for inputs, targets in data:
                    F.cross_entropy(model(inputs), targets)

    times = [(seconds(grid), seconds(forward)) for _ in range(rounds)]
    ratio = statistics.median(own / plain for own, plain in times)
    begun = seconds(lambda: sc.landscapes.LossSurface(model, "cross-entropy", data, pair))
    print(f"{name}: {points} x {points} points, {steps[-1].passes} passes")
    print(f"  grid {statistics.median(own for own, _ in times):.2f} s of one thread, set-up {begun:.2f} s")
    print(f"  against as many forward passes: {ratio:.3f} times (range {_range(times)})")


def _range(times):
    ratios = [own / plain for own, plain in times]
    return f"{min(ratios):.3f} to {max(ratios):.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("problems", nargs="*", default=[], choices=[*PROBLEMS, []])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for problem in arguments.problems or PROBLEMS:
        compare(problem, arguments.rounds)
