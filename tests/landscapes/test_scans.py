"""Lines and planes: partial results, resuming, checkpoints on them, and what is read off them."""

import copy
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from spectral_core.landscapes import QuadraticModel
from tests.landscapes.test_evaluation import classifier, direction, examples

landscapes = sc.landscapes


def linear():
    """A linear network with a squared error: its loss is its quadratic model."""
    torch.manual_seed(0)
    return nn.Linear(4, 1).double(), [(x.double(), y[:, None].double()) for x, y in [examples(30)]]


def directions(model, number=2):
    return [direction(model, seed) for seed in range(number)]


def test_a_line_grows_from_the_centre():
    model, data = classifier(), [examples(400), examples(400)]
    items = list(landscapes.line_steps(model, "cross-entropy", data, direction(model), points=7))
    assert [int(item.done.sum()) for item in items] == [1, 7]  # one block
    surface = landscapes.LossSurface(model, "cross-entropy", data, [direction(model)])
    surface.block = 1
    items = list(landscapes.line_steps(model, "cross-entropy", data, None, points=7, surface=surface))
    assert [int(item.done.sum()) for item in items] == list(range(1, 8))
    for item in items:
        assert_array_equal(np.isfinite(item.loss), item.done)
        assert (np.abs(item.positions[item.done]).max() <= np.abs(item.positions[~item.done])).all()
    assert items[-1].stopped == "all points"
    assert items[-1].passes == 7
    even = landscapes.line(model, "cross-entropy", data, direction(model), points=4)
    assert_allclose(even.centre["data"].loss, items[0].loss[3], rtol=1e-6)


def test_what_was_begun_goes_on_and_gives_the_same():
    model, data = classifier(), {"train": [examples()], "test": [examples(20, 3)]}
    call = (model, "cross-entropy", data, directions(model))
    whole = landscapes.plane(*call, points=(4, 5))
    steps = landscapes.plane_steps(*call, points=(4, 5))
    partial = pickle.loads(pickle.dumps([next(steps) for _ in range(3)][-1]))
    assert partial.share_done == 2 / 5
    assert np.isfinite(partial.loss[partial.done]).all()
    assert np.isnan(partial.loss[~partial.done]).all()
    rest = list(landscapes.plane_steps(*call, points=(4, 5), resume=partial))
    assert len(rest) == 4
    assert rest[-1].passes == whole.passes
    for name in data:
        for quantity in ("loss", "loss_error", "error"):
            assert_array_equal(getattr(rest[-1].values[name], quantity), getattr(whole.values[name], quantity))
    assert whole.loss.shape == (5, 4)
    with pytest.raises(ValueError, match="start anew"):
        landscapes.plane(*call, points=(4, 5), radius=2.0, resume=partial)
    with pytest.raises(ValueError, match="start anew"):
        landscapes.plane(*call, points=(4, 5), batch_norm="recomputed", resume=partial)
    begun = next(landscapes.line_steps(model, "cross-entropy", data, direction(model), points=5))
    assert landscapes.line(model, "cross-entropy", data, direction(model), points=5, resume=begun).done.all()


def test_a_plane_holds_its_lines():
    model, data = classifier(), [examples()]
    u, v = directions(model)
    plane = landscapes.plane(model, "cross-entropy", data, (u, v), points=5)
    along = landscapes.line(model, "cross-entropy", data, u, points=5)
    across = landscapes.line(model, "cross-entropy", data, v, points=5)
    assert_allclose(plane.loss[2], along.loss, rtol=1e-6)
    assert_allclose(plane.loss[:, 2], across.loss, rtol=1e-6)
    assert_allclose(plane.cosine, float(u @ v / u.norm() / v.norm()), rtol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        plane.loss[0] = 0.0


def test_the_quadratic_model_of_a_linear_network_is_its_loss():
    model, data = linear()
    H = sc.curvature.HessianOperator(model, "squared error", data)
    u, v = directions(model)
    quadratic = landscapes.quadratic_model(H, (u, v))
    plane = landscapes.plane(model, "squared error", data, (u, v), radius=((-3.0, 1.0), (0.0, 5.0)), points=5)
    assert_allclose(quadratic.on_grid(plane.x, plane.y), plane.loss, rtol=1e-10)
    line = landscapes.line(model, "squared error", data, v, points=9)
    assert_allclose(quadratic.along(1).on_line(line.positions), line.loss, rtol=1e-10)
    trust = landscapes.trust_radius(line, quadratic.along(1))
    assert trust.radius == np.inf
    assert (trust.reach_left, trust.reach_right) == (1.0, 1.0)


class Curve:
    """A line of known losses."""

    def __init__(self, positions, loss, error=0.0):
        loss = np.asarray(loss, dtype=np.float64)
        values = landscapes.Values(loss, np.full(len(loss), error), None)
        self.positions, self.values, self.dtype = np.asarray(positions, dtype=np.float64), {"data": values}, "float64"
        self.done = np.ones(len(loss), dtype=bool)
        self.centre = {"data": landscapes.Values(loss[len(loss) // 2], 0.0, None)}


def test_the_trust_radius_is_where_the_cubic_term_is_a_tenth():
    a = np.linspace(-1, 1, 401)
    model = QuadraticModel(2.0, [0.0], [[4.0]], 0)
    even = Curve(a, 2 + 2 * a**2 + np.where(a > 0, a**3, 3 * a**3))
    trust = landscapes.trust_radius(even, model)
    assert_allclose((trust.left, trust.right), (0.2 / 3, 0.2), rtol=1e-9)
    assert trust.radius == trust.left
    assert_allclose(landscapes.trust_radius(even, model, share=0.3).right, 0.6, rtol=1e-9)
    sloped = Curve(a, 2 - a + 2 * a**2 + a**3)  # where slope and curvature cancel at a = 1/2 the ratio is finite
    expected = 0.2 * (1 + np.sqrt(1 + 10)) / 2  # a^2 = (1 + 2 a) / 10
    assert_allclose(
        landscapes.trust_radius(sloped, QuadraticModel(2.0, [-1.0], [[4.0]], 0)).right, expected, rtol=0, atol=1e-2
    )
    broken = Curve(a, np.where(a > 0.5, np.nan, 2 + 2 * a**2))
    assert_allclose(landscapes.trust_radius(broken, model).right, 0.5)
    assert landscapes.trust_radius(broken, model).left == np.inf
    rounded = Curve(a, 2 + 2 * a**2 + 4e-16 * np.sign(np.sin(1e3 * a)))
    assert landscapes.trust_radius(rounded, model).radius == np.inf


def test_asymmetry_is_odd_by_even():
    a = np.linspace(-1, 1, 5)
    for loss, expected in (
        (1 + a**2, [0, 0]),
        (np.maximum(a, 0), [1, 1]),
        (np.maximum(-a, 0), [-1, -1]),
        (np.array([3.0, 1.0, 0.0, 3.0, np.inf]), [0.5, np.nan]),
    ):
        positions, values = landscapes.asymmetry(Curve(a, loss))
        assert_allclose(positions, [0.5, 1.0])
        assert_allclose(values, expected)


def test_the_barrier_is_above_the_straight_line():
    t = np.linspace(0, 1, 5)
    up = landscapes.barrier(Curve(t, [1.0, 1.5, 4.0, 2.0, 3.0], 0.1))
    assert (up.height, up.position, up.first, up.second) == (2.0, 0.5, 1.0, 3.0)
    assert_allclose(up.standard_error, 0.1 * np.sqrt(1.5))
    assert landscapes.barrier(Curve(t, [1.0, 0.0, 0.0, 0.0, 3.0])).height == 0.0
    assert landscapes.barrier(Curve(t, [1.0, np.nan, 0.0, 0.0, 3.0])).height == np.inf
    with pytest.raises(ValueError, match="at 0 and at 1"):
        landscapes.barrier(Curve(t + 0.1, t))


@pytest.mark.parametrize("batch_norm", ["eval", "recomputed"])
def test_a_line_and_a_plane_meet_their_checkpoints(batch_norm):
    """Weights and stored statistics alike: the loss at a checkpoint's place is its own."""
    x, y = examples()
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).double()
        model((1 + seed) * x.double() + seed)
        models.append(model.eval())
    data = [(x.double(), y)]

    def loss(model):
        model = copy.deepcopy(model)
        with torch.no_grad():
            if batch_norm == "recomputed":
                model[1].momentum = 1.0
                model.train()(x.double())
            return float(F.cross_entropy(model.eval()(x.double()), y))

    a, b, c = models
    options = {"batch_norm": batch_norm}
    line = landscapes.line(a, "cross-entropy", data, landscapes.between(a, b), radius=(0, 1), points=3, **options)
    assert_allclose(line.loss[[0, 2]], [loss(a), loss(b)], rtol=1e-9)
    plane = landscapes.plane_through(a, b.state_dict(), c)
    surface = landscapes.LossSurface(a, "cross-entropy", data, plane.directions, **options)
    assert_allclose(surface.at(plane.coordinates)["data"].loss, [loss(m) for m in models], rtol=1e-9)
    u, v = (d.vector for d in plane.directions)
    assert_allclose([u @ u, v @ v, u @ v], [1, 1, 0], atol=1e-12)
    with pytest.raises(ValueError, match="on one line"):
        landscapes.plane_through(a, b, b)
    with pytest.raises(ValueError, match="same weights"):
        landscapes.between(a, copy.deepcopy(a))
    with pytest.raises(ValueError, match="one architecture"):
        landscapes.between(a, nn.Linear(2, 1))


def test_the_pca_plane_holds_a_run_that_lies_on_one():
    model = classifier().double()
    size, g = sum(p.numel() for p in model.parameters()), torch.Generator().manual_seed(3)
    B = torch.linalg.qr(torch.randn(size, 2, generator=g, dtype=torch.float64))[0]
    path = torch.tensor([[4.0, 0.0], [2.0, 1.5], [1.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
    w = nn.utils.parameters_to_vector(model.parameters()).detach()
    plane = landscapes.pca_plane(model, [w + B @ p for p in path])
    assert_allclose(plane.explained.sum(), 1.0, rtol=1e-9)
    assert_allclose(plane.distances, 0.0, atol=1e-9)
    distance = lambda points: np.linalg.norm(points[:, None] - points[None], axis=-1)  # noqa: E731
    assert_allclose(distance(plane.coordinates), distance(path.numpy()), atol=1e-9)
    centred = path.numpy() - path.numpy().mean(axis=0)
    s = np.linalg.svd(centred, compute_uv=False) ** 2
    assert_allclose(plane.explained, s / s.sum(), rtol=1e-9)
    off = landscapes.pca_plane(model, [w + B @ p + (5.0 if i == 1 else 0.0) for i, p in enumerate(path)])
    assert off.explained.sum() < 1
    (low, high), _ = plane.radius()
    assert low < plane.coordinates[:, 0].min() < plane.coordinates[:, 0].max() < high
    with pytest.raises(ValueError, match="three checkpoints"):
        landscapes.pca_plane(model, [w, w + 1])


def test_directions_of_a_curvature_operator(generator):
    model, data = linear()
    H = sc.curvature.HessianOperator(model, "squared error", data)
    pairs = sc.eigenpairs(H, k=2, which="bottom", generator=generator)
    first, second = landscapes.eigenvectors(pairs, names=["flat", "next"])
    assert (first.name, first.eigenvalue) == ("flat", pairs.values[0])
    assert abs(first.vector @ pairs.vectors[:, 0]) > 1 - 1e-9
    (top,) = landscapes.eigenvectors(H, k=1, generator=generator)
    line = landscapes.line(model, "squared error", data, top, points=3)
    assert line.eigenvalue == top.eigenvalue
    # of a parabola: the mean of the ends above the centre is half the eigenvalue
    assert_allclose(line.loss[[0, 2]].mean() - line.loss[1], top.eigenvalue / 2, rtol=1e-6)
    g = landscapes.gradient_direction(H)
    assert_allclose(g.vector * float(H.gradient().norm()), H.gradient().numpy(), rtol=1e-12)
    part = landscapes.random_direction(model, parameters="weight", generator=generator)
    assert landscapes.line(model, "squared error", data, part, parameters="weight", points=3).loss[1] == line.loss[1]


def test_a_trust_radius_does_not_depend_on_how_the_line_is_drawn_and_is_a_bound_where_it_is_not_resolved():
    model = QuadraticModel(2.0, [0.0], [[4.0]], 0)
    curve = lambda a: Curve(a, 2 + 2 * a**2 + 1e3 * a**3)  # noqa: E731
    for points in (21, 41, 81):
        found = landscapes.trust_radius(curve(landscapes.logarithmic_positions(1.0, points, decades=5)), model)
        assert_allclose((found.left, found.right), 2e-4, rtol=1e-5)  # a^3 1e3 = a^2 / 5
        assert np.isnan(found.below)
    coarse = landscapes.trust_radius(curve(np.linspace(-1, 1, 5)), model)
    assert (coarse.radius, coarse.below) == (0.0, 0.5)
    one_sided = Curve(np.linspace(-1, 1, 5), [2.0, 9.0, 2.0, 2.5, 4.0])
    found = landscapes.trust_radius(one_sided, model)
    assert (found.left, found.right, found.below) == (0.0, np.inf, 0.5)


def test_a_partial_result_goes_on_with_its_own_problem_only():
    model, (x, y) = classifier(batch_norm=True).eval(), examples()
    d = direction(model)

    def begun(loss="cross-entropy", data=((x, y),), model=model, resume=None, **options):
        return next(landscapes.line_steps(model, loss, list(data), d, points=5, resume=resume, **options))

    partial, moved, weighted = begun(), copy.deepcopy(model), nn.CrossEntropyLoss(weight=torch.ones(3))
    moved[1].running_mean += 1.0
    tanh = nn.Sequential(*[nn.Tanh() if isinstance(m, nn.ReLU) else m for m in model])
    assert begun(resume=partial, model=copy.deepcopy(model)).key == partial.key
    others = [
        {"data": [(x + 1.0, y)]},
        {"data": [(x, y.flip(0))]},
        {"model": moved},
        {"model": tanh},
        {"loss": nn.CrossEntropyLoss(label_smoothing=0.5)},
        {"loss": weighted},
    ]
    for other in others:
        with pytest.raises(ValueError, match="start anew"):
            begun(resume=partial, **other)
    recomputed = begun(batch_norm="recomputed")
    assert (
        begun(batch_norm="recomputed", resume=recomputed, model=moved).key == recomputed.key
    )  # they do not count there


@pytest.mark.parametrize("batch", [1, 7])
def test_a_mini_batch_of_one_is_joined_to_its_neighbour_where_batch_norm_is_recomputed(batch):
    model, (x, y) = classifier(batch_norm=True), examples(8)
    ends = {1: (2, 4, 6, 8), 7: (8,)}[batch]
    data, joined = [list(zip(x.split(size), y.split(size), strict=True)) for size in (batch, ends[0])]
    options = {"points": 5, "batch_norm": "recomputed"}
    found = landscapes.line(model, "cross-entropy", data, direction(model), **options)
    assert_allclose(
        found.loss, landscapes.line(model, "cross-entropy", joined, direction(model), **options).loss, rtol=1e-6
    )
    with pytest.raises(ValueError, match="two examples at least"):
        landscapes.line(model, "cross-entropy", [(x[:1], y[:1])], direction(model), **options)


@pytest.mark.parametrize("radius", [(1, 2, 3), "a", (1, None), ((0, 1), (2, 3)), 0.0, -1.0, np.nan, (2, 1), (1,)])
def test_a_radius_that_is_none_gets_its_sentence(radius):
    with pytest.raises(ValueError, match="radius is a number above 0, or a pair"):
        landscapes.line(classifier(), "cross-entropy", [examples()], direction(classifier()), radius=radius)


@pytest.mark.parametrize("points", [2.5, "a", None, 1, True, np.inf])
def test_points_are_a_whole_number(points):
    with pytest.raises(ValueError, match="points is a whole number"):
        landscapes.line(classifier(), "cross-entropy", [examples()], direction(classifier()), points=points)
