"""Optimisers against torch's own, against closed forms on quadratics, and where they end."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import spectral_core as sc
from spectral_core.optimisers import METHODS, settings_of, walk, walk_steps
from tests.landscapes.test_evaluation import classifier, direction, examples


class Quadratic:
    """``x.C x / 2``, or with `quartic` the fourth powers besides."""

    def __init__(self, C, quartic=0.0):
        self.C, self.quartic = np.array(C, dtype=np.float64), quartic

    def function(self, x):
        return float(x @ self.C @ x / 2 + self.quartic * (x**4).sum() / 4)

    def gradient(self, x):
        return self.C @ x + self.quartic * x**3

    def hessian(self, x):
        return self.C + np.diag(3 * self.quartic * x**2)


BOWL = Quadratic([[3.0, 1.0], [1.0, 0.5]], 0.7)
START = [1.0, -2.0]


def by_torch(kind, steps, **settings):
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimiser = kind([x], **settings)
    path = [x.detach().numpy().copy()]
    for _ in range(steps):
        x.grad = torch.from_numpy(BOWL.gradient(x.detach().numpy()))
        optimiser.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("method", "settings", "kind", "theirs"),
    [
        ("SGD", {"learning_rate": 0.1, "weight_decay": 0.2}, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.2}),
        ("momentum", {"learning_rate": 0.05}, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
        ("Nesterov", {"learning_rate": 0.05}, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"learning_rate": 0.1, "damping": 1e-3}, torch.optim.Adam, {"lr": 0.1, "eps": 1e-3}),
        (
            "Gadam",
            {"learning_rate": 0.1, "beta2": 0.9, "weight_decay": 0.3},
            torch.optim.AdamW,
            {"lr": 0.1, "betas": (0.9, 0.9), "weight_decay": 0.3},
        ),
    ],
)
def test_iterates_are_those_of_torch(method, settings, kind, theirs):
    found = walk(BOWL, method, START, steps=30, **settings)
    assert_allclose(found.positions, by_torch(kind, 30, **theirs), rtol=1e-6, atol=1e-9)
    assert_allclose(found.losses, [BOWL.function(x) for x in found.positions], rtol=1e-12)
    assert found.gradients == 30


def test_gadam_is_the_mean_of_the_iterates_from_its_step_on():
    found = walk(BOWL, "Gadam", START, steps=12, average_from=5)
    assert_array_equal(found.averages[:6], found.positions[:6])
    for t in range(5, 13):
        assert_allclose(found.averages[t], found.positions[5 : t + 1].mean(axis=0), rtol=1e-12)
    x = walk(BOWL, "GadamX", START, steps=1, learning_rate=0.1, damping=0.0).positions[1]
    g = BOWL.gradient(np.array(START))  # m_hat = g, v_hat = g^2, to the power 1/4
    assert_allclose(x, START - 0.1 * g / np.abs(g) ** 0.5, rtol=1e-9)


def test_descent_on_a_quadratic_and_where_it_stops_converging():
    C = np.diag([4.0, 1.0])
    stable, unstable = (walk(Quadratic(C), "SGD", START, steps=200, learning_rate=a) for a in (0.49, 0.51))
    assert_allclose(stable.positions[:, 0], (1 - 0.49 * 4) ** np.arange(len(stable.positions)), rtol=1e-9)
    assert stable.losses[-1] < 1e-6 < unstable.losses[-1]


def test_newton_ends_bowls_in_a_step_and_knows_saddles():
    plain = Quadratic([[3.0, 1.0], [1.0, 0.5]])
    found = walk(plain, "Newton, |H|", START, steps=5)
    assert_allclose(found.positions[1], 0.0, atol=1e-12)
    assert found.stopped.startswith("stands still")
    assert found.hessians == len(found.positions) - 1
    saddle = Quadratic(np.diag([2.0, -1.0]))
    assert_allclose(walk(saddle, "Newton", START, steps=1).positions[1], 0.0, atol=1e-12)
    away = walk(saddle, "Newton, |H|", START, steps=3).positions
    assert_allclose(away[:, 1], -2.0 * 2.0 ** np.arange(4))
    damped = walk(saddle, "Newton, |H|", START, steps=1, damping=1.0, learning_rate=0.5).positions[1]
    assert_allclose(damped, [1 - 0.5 * 2 / 3, -2 - 0.5 * 2 / 2])


def test_divergence_ends_a_walk_and_is_kept():
    with np.errstate(all="raise"):
        far = walk(Quadratic([[1e10]]), "SGD", [1e50], steps=100, learning_rate=1.0)
    assert far.diverged
    assert "diverged" in far.stopped
    assert not np.isfinite(far.losses[-1])
    assert np.isfinite(far.losses[:-1]).all()
    flat = walk(Quadratic(np.diag([1.0, 0.0])), "Newton", [1.0, 1.0], steps=5)
    assert flat.diverged or flat.positions[1, 1] == 1.0
    bad = walk(Quadratic([[np.nan]]), "SGD", [1.0], steps=5)
    assert bad.diverged
    assert len(bad.positions) == 1


def test_every_method_walks_down_a_network():
    model, data = classifier(), [tuple(t[:25] for t in examples()), tuple(t[25:] for t in examples())]
    plane = sc.landscapes.Slice(model, "cross-entropy", data, [10 * direction(model), 10 * direction(model, 1)])
    assert "damping" in settings_of("Newton")
    for method in METHODS:
        rate = {"learning_rate": 0.2 if "Newton" in method else 0.02}
        steps = list(walk_steps(plane, method, [0.5, 0.5], steps=15, **rate))
        assert len(steps) == 16
        found = steps[-1]
        assert not found.diverged
        if method != "Newton":  # which goes to the nearest stationary point, up or down
            assert found.losses[-1] < found.losses[0]
    noisy = [
        walk(plane, "SGD", [0.5, 0.5], steps=10, learning_rate=0.1, generator=torch.Generator().manual_seed(s))
        for s in (0, 0, 1)
    ]
    assert_array_equal(noisy[0].positions, noisy[1].positions)
    assert not np.array_equal(noisy[0].positions, noisy[2].positions)


def test_one_sentence_for_what_does_not_fit():
    for call, words in (
        (lambda: walk(BOWL, "Lion", START), "one of SGD"),
        (lambda: walk(BOWL, "SGD", START, beta1=0.5), "no setting 'beta1'"),
        (lambda: walk(BOWL, "SGD", [np.nan, 0.0]), "finite coordinates"),
        (lambda: walk(BOWL, "SGD", START, steps=0), "above 0"),
        (lambda: walk(BOWL, "Gadam", START, average_from=0), "from 1 on"),
        (lambda: walk(BOWL, "Newton", START, damping=-1.0), "0 or more"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize("steps", [2.5, np.inf, np.nan, 0, -1, True, "3"])
def test_steps_are_a_whole_number(steps):
    with pytest.raises(ValueError, match="steps is a whole number above 0"):
        walk(BOWL, "SGD", START, steps=steps)


def test_steps_of_numpy_are_whole_numbers_too():
    assert len(walk(BOWL, "SGD", START, steps=np.int64(2), learning_rate=0.01).losses) == 3
