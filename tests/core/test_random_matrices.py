"""The laws of random matrices against identities, quadrature, other formulas and published numbers."""

import pickle

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from spectral_core.random_matrices import (
    AdditiveSpikedMarchenkoPastur,
    MarchenkoPastur,
    Semicircle,
    SpikedCovariance,
    SpikedWigner,
    TracyWidom,
    free_convolution,
    orthonormal_directions,
    sample_covariance,
    spiked,
    wigner,
)

LAWS = [
    Semicircle(2.0),
    Semicircle(0.5, 3.0),
    MarchenkoPastur(0.3, 2.0),
    MarchenkoPastur(1.0),
    MarchenkoPastur(3.0, 0.5),
]
POINTS = np.array([1 + 1j, -3 + 0.1j, 0.7 + 0.02j, 20.0 + 0j, -1.5 - 0.3j])


def rule(law):
    """Midpoint nodes and masses in the angle, the atoms within."""
    theta = np.pi * (np.arange(20_000) + 0.5) / 20_000
    a, b = law.support
    x = (a + b) / 2 + (b - a) / 2 * np.cos(theta)
    mass = law.pdf(x) * np.sin(theta) * (b - a) / 2 * np.pi / len(x)
    return np.r_[x, law.atoms[:, 0]], np.r_[mass, law.atoms[:, 1]]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_stieltjes_is_the_integral_and_its_imaginary_part_the_density(law):
    x, mass = rule(law)
    assert mass.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(law.stieltjes(POINTS), (mass / (x - POINTS[:, None])).sum(1), rtol=0, atol=1e-10)
    inside = np.linspace(*law.support, 9)[1:-1]
    np.testing.assert_allclose(law.stieltjes(inside).imag / np.pi, law.pdf(inside), rtol=1e-12)
    assert law.stieltjes(1j).imag > 0


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_distribution_is_the_integral_and_the_quantile_its_inverse(law):
    x = np.linspace(*law.support, 7)
    nodes, mass = rule(law)
    expected = [mass[nodes <= point].sum() for point in x]
    np.testing.assert_allclose(law.cdf(x), expected, atol=2e-4)  # of the rule's steps
    atom = law.atoms[:, 1].sum()
    level = atom + (1 - atom) * np.array([0.01, 0.4, 0.99])
    np.testing.assert_allclose(law.cdf(law.quantile(level)), level, rtol=1e-12)
    assert law.cdf(law.interval[0] - 1.0) == 0.0
    assert law.cdf(law.interval[1] + 1.0) == 1.0


@pytest.mark.parametrize("q", [0.4, 1.0, 2.5])
def test_moments_of_marchenko_pastur_are_narayana_polynomials(q):
    moments, error = MarchenkoPastur(q, 2.0).moments(3).raw(3)
    np.testing.assert_allclose(moments, [1.0, 2.0, 4 * (1 + q), 8 * (1 + 3 * q + q * q)], rtol=1e-12)
    assert not error.any()


def test_atom_of_more_dimensions_than_samples():
    law = MarchenkoPastur(4.0)
    np.testing.assert_allclose(law.atoms, [[0.0, 0.75]])
    assert law.quantile(0.7) == 0.0
    assert law.stieltjes(1e-9j) * -1e-9j == pytest.approx(0.75, abs=1e-6)
    with pytest.raises(ValueError, match="atom"):
        law.kl(Semicircle())
    for ratio in (0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match="ratio"):
            MarchenkoPastur(ratio)


LAW = MarchenkoPastur(0.25, 2.0)


@pytest.mark.parametrize("l", [2.0, 5.0, -1.0, -4.0])
def test_additive_outliers_solve_their_equation_and_overlaps_are_slopes(l):
    g = -LAW.stieltjes(AdditiveSpikedMarchenkoPastur(l, 0.25, 2.0).outlier)
    assert g == pytest.approx(1 / l, rel=1e-12)
    assert -Semicircle(2.0).stieltjes(SpikedWigner(l, 1.0).outlier) == pytest.approx(
        1 / l if abs(l) > 1 else g, rel=1e-7
    )
    for model, noise in ((SpikedWigner, (0.9,)), (AdditiveSpikedMarchenkoPastur, (0.25, 2.0))):
        slope = (model(l + 1e-5, *noise).outlier - model(l - 1e-5, *noise).outlier) / 2e-5
        assert model(l, *noise).overlap == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("l", [3.5, 9.0, 0.5])
def test_covariance_outliers_solve_their_equation(l):
    law = SpikedCovariance(l, 0.25, 2.0)
    t = -1.0 - law.outlier * LAW.stieltjes(law.outlier)  # int x p(x) / (rho - x) dx, Benaych-Georges and Nadakuditi
    assert t == pytest.approx(1 / (l / 2.0 - 1.0), rel=1e-12)
    slope = (SpikedCovariance(l + 1e-5, 0.25, 2.0).outlier - SpikedCovariance(l - 1e-5, 0.25, 2.0).outlier) / 2e-5
    assert law.overlap == pytest.approx(l * slope / law.outlier, abs=1e-8)


@pytest.mark.parametrize(
    ("model", "noise", "spikes", "edges"),
    [
        (SpikedWigner, (0.7,), (1.0, -1.0), (1.4, -1.4)),
        (AdditiveSpikedMarchenkoPastur, (0.25, 2.0), (1.0, -1.0), LAW.support[::-1]),
        (AdditiveSpikedMarchenkoPastur, (4.0, 1.0), (1.0, -1.0), (9.0, 0.0)),
        (SpikedCovariance, (0.25, 2.0), (3.0, 1.0), LAW.support[::-1]),
    ],
)
def test_outliers_leave_the_edge_at_the_threshold(model, noise, spikes, edges):
    law = model(spikes, *noise)
    np.testing.assert_allclose(law.edge, edges, atol=1e-12)
    side = np.array([1.0, -1.0])
    just = model(law.threshold + 1e-6 * side, *noise)
    assert just.visible.all()
    np.testing.assert_allclose(just.outlier, edges, atol=3e-6)
    below = model(law.threshold - 1e-6 * side, *noise)
    assert not below.visible[0]
    assert below.outlier[0] == law.edge[0]
    assert below.overlap[0] == 0.0
    assert np.isnan(below.standard_deviation(100)[0])


def test_spikes_broadcast_pickle_and_end_in_no_noise():
    law = pickle.loads(pickle.dumps(SpikedWigner(np.array([3.0, 0.5]), np.array([[1.0], [0.0]]))))
    np.testing.assert_allclose(law.outlier, [[10 / 3, 2.0], [3.0, 0.5]])
    np.testing.assert_allclose(law.overlap, [[8 / 9, 0.0], [1.0, 1.0]])
    assert not law.outlier.flags.writeable
    for call in (
        lambda: SpikedWigner([1.0, 2.0], [1.0, 2.0, 3.0]),
        lambda: SpikedWigner(1.0, -1.0),
        lambda: SpikedWigner(np.nan, 1.0),
        lambda: AdditiveSpikedMarchenkoPastur(1.0, 0.0, 1.0),
        lambda: SpikedCovariance(-1.0, 0.5, 1.0),
        lambda: SpikedWigner(1.0, 1.0).standard_deviation(0),
    ):
        with pytest.raises(ValueError, match=r"must|is"):
            call()


def test_tracy_widom_is_the_hastings_mcleod_solution():
    # q'' = s q + 2 q^3, q ~ Ai; F_1 = exp(-1/2 int_s (q + (x - s) q^2) dx), state (q, q', int q^2, int (x - s) q^2, int q)
    def slope(s, y):
        return [y[1], s * y[0] + 2 * y[0] ** 3, -(y[0] ** 2), -y[2], -y[0]]

    start = 8.0
    ai, dai = special.airy(start)[:2]
    tail = [integrate.quad(lambda x, k=k: special.airy(x)[0] ** 2 * (x - start) ** k, start, 16)[0] for k in (0, 1)]
    initial = [ai, dai, *tail, integrate.quad(lambda x: special.airy(x)[0], start, 16)[0]]
    points = np.array([2.0, 0.0, -2.0, -3.0])
    y = integrate.solve_ivp(slope, (start, -3.0), initial, t_eval=points, rtol=1e-12, atol=1e-16, method="DOP853").y
    np.testing.assert_allclose(TracyWidom().cdf(points), np.exp(-0.5 * (y[3] + y[4])), rtol=1e-8)


def test_tracy_widom_has_the_published_moments_and_quantiles():
    law = TracyWidom()
    assert law.mean == pytest.approx(-1.2065335745820, abs=1e-9)  # Bornemann 2010
    assert law.standard_deviation**2 == pytest.approx(1.607781034581, abs=1e-8)
    np.testing.assert_allclose(law.quantile([0.9, 0.95, 0.99]), [0.4501, 0.9793, 2.0234], atol=5e-5)
    x = np.linspace(-9, 10, 4001)
    assert integrate.simpson(law.pdf(x), x=x) == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose((law.cdf(x + 1e-4) - law.cdf(x - 1e-4))[1:-1] / 2e-4, law.pdf(x)[1:-1], atol=1e-7)
    moved = TracyWidom(3.0, 0.5)
    assert moved.cdf(moved.quantile(0.3)) == pytest.approx(0.3, rel=1e-12)
    assert moved.mean == pytest.approx(3.0 + 0.5 * law.mean)
    with pytest.raises(ValueError, match="scale"):
        TracyWidom(0.0, 0.0)


def angles(edges, points=2000):
    """Midpoint nodes and steps in the angle over every part."""
    theta = np.pi * (np.arange(points) + 0.5) / points
    a, b = edges[:, :1], edges[:, 1:]
    return (a + b) / 2 + (b - a) / 2 * np.cos(theta), np.sin(theta) * (b - a) / 2 * np.pi / points


def test_convolution_of_a_point_is_the_semicircle():
    law = free_convolution([0.5], [1.0], 0.75)
    circle = Semicircle(1.5, 0.5)
    assert law.converged
    np.testing.assert_allclose(law.edges, [circle.support], rtol=1e-14)
    x = np.linspace(-1.2, 2.2, 101)
    np.testing.assert_allclose(law.pdf(x), circle.pdf(x), atol=1e-7)  # the root of a rounding at the edge
    z = np.r_[POINTS, 2.0 + 1e-10j, 0.5 + 0j, 2.0 + 1e-3j]
    np.testing.assert_allclose(law.stieltjes(z), circle.stieltjes(z), rtol=1e-5)
    np.testing.assert_allclose(law.stieltjes(POINTS), circle.stieltjes(POINTS), rtol=1e-12)


def test_convolution_of_semicircles_is_one_of_the_sum_of_variances():
    k = 1000
    nodes = Semicircle(2.0).quantile((np.arange(k) + 0.5) / k)
    law = free_convolution(nodes, np.full(k, 1 / k), 1.5)
    whole = Semicircle(2 * np.hypot(1.0, 1.5))
    np.testing.assert_allclose(law.edges, [whole.support], atol=1e-3)
    x = np.linspace(-3, 3, 50)
    np.testing.assert_allclose(law.pdf(x), whole.pdf(x), atol=1e-4)  # of order k^(-5/3) in the variance of the nodes


@pytest.mark.parametrize("s", [0.05, 0.4, 0.999, 1.2])
def test_parts_have_the_mass_of_their_nodes_and_m_solves_the_equation(s):
    nodes, weights = np.array([-1.0, 1.0, 4.0]), np.array([0.5, 0.49, 0.01])
    law = free_convolution(nodes, weights, s)
    assert law.converged
    x, step = angles(law.edges)
    masses = (law.pdf(x) * step).sum(1)
    np.testing.assert_allclose(masses, law.masses, atol=2e-5)  # the rule at an inner cusp of exponent 1/3
    assert masses.sum() == pytest.approx(1.0, abs=2e-5)
    z = (np.r_[law.edges.ravel(), 0.0, 1.7][:, None] + 1j * np.r_[1e-12, 1e-6, 0.1, 100.0]).ravel()
    m = law.stieltjes(z)
    np.testing.assert_allclose((weights / (nodes - z[:, None] - s * s * m[:, None])).sum(1), m, rtol=1e-9)
    assert (m.imag > 0).all()
    assert (law.pdf(law.edges[-1, 1] + np.array([1e-9, 1.0])) == 0).all()


def test_two_points_merge_at_unit_variance():
    assert len(free_convolution([-1, 1], [0.5, 0.5], 1 - 1e-6).edges) == 2
    law = free_convolution([-1, 1], [0.5, 0.5], 1 + 1e-6)
    np.testing.assert_allclose(law.edges, [np.array([-1.5, 1.5]) * 3**0.5], rtol=1e-5)


def test_light_parts_beyond_the_bulk_are_outliers():
    law = free_convolution([-3.0, 0.0, 0.0, 2.0, 2.0 + 1e-9], [1e-7, 0.5, 0.5 - 3e-7, 1e-7, 1e-7], 1.0)
    spikes = SpikedWigner([-3.0, 2.0, 2.0], 1.0)
    np.testing.assert_allclose(law.outliers, spikes.outlier, atol=1e-6)
    np.testing.assert_allclose(law.overlaps, spikes.overlap, atol=1e-6)
    np.testing.assert_allclose(law.bulk, [-2.0, 2.0], atol=1e-6)
    tiny = free_convolution([0.0, 2.0], [1 - 1e-33, 1e-33], 1.0)  # its part has no inside in floating point
    assert tiny.outliers == pytest.approx([2.5])
    assert not len(free_convolution([0.0, 0.9], [0.999, 0.001], 1.0).outliers)


def test_convolution_refuses_what_is_no_spectrum():
    for nodes, weights, s in (
        ([0.0], [0.5], 1.0),
        ([0.0, 1.0], [1.5, -0.5], 1.0),
        ([0.0, 1.0], [1.0], 1.0),
        ([np.nan], [1.0], 1.0),
        ([0.0], [1.0], 0.0),
        ([1.0, 2.0], [0.5, 0.5], 1e-16),
    ):
        with pytest.raises(ValueError, match=r"weights|positive|rounding"):
            free_convolution(nodes, weights, s)


def test_laws_refuse_what_is_no_law():
    for radius, centre in ((0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan)):
        with pytest.raises(ValueError, match="radius > 0"):
            Semicircle(radius, centre)
    for law in LAWS:
        assert np.isnan(law.pdf([np.nan, 1.0])).tolist() == [True, False]


def test_kolmogorov_distance_of_quantiles_is_that_of_the_grid():
    level = (np.arange(200) + 0.5) / 200
    for law in (Semicircle(1.0, 2.0), MarchenkoPastur(0.5)):
        assert stats.kstest(law.quantile(level), law.cdf).statistic == pytest.approx(0.5 / 200, rel=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("law", [*LAWS, free_convolution([0.0, 3.0], [0.6, 0.4], 1.0)], ids=type)
def test_laws_vanish_at_infinity_and_keep_nan(law):
    x = np.array([[np.inf, -np.inf], [np.nan, 1.25]])
    for function, ends in ((law.pdf, [0, 0]), (law.stieltjes, [0, 0]), (getattr(law, "cdf", None), [1, 0])):
        if function is not None:
            expected = np.array([ends, [np.nan, function(1.25)]])
            np.testing.assert_allclose(function(x), expected, rtol=1e-12)
            for point, value in zip(x.flat, expected.flat, strict=True):
                assert isinstance(function(point), np.number)
                np.testing.assert_allclose(function(point), value, rtol=1e-12)
    assert law.stieltjes(complex(1.0, np.inf)) == 0


def drawn(function, *arguments, **options):
    return function(*arguments, generator=torch.Generator().manual_seed(0), **options)


ORDERS = {
    "wigner": lambda n: drawn(wigner, n),
    "dimensions": lambda n: drawn(sample_covariance, n, 4),
    "samples": lambda n: drawn(sample_covariance, 4, n),
    "directions": lambda n: drawn(orthonormal_directions, n, 1),
    "count": lambda n: drawn(orthonormal_directions, 200, n),
    "edge": TracyWidom.wigner,
    "covariance edge": lambda n: TracyWidom.sample_covariance(n, 4),
    "edge of samples": lambda n: TracyWidom.sample_covariance(4, n),
    "deviation": SpikedWigner(3.0, 1.0).standard_deviation,
    "moments": lambda n: MarchenkoPastur().moments(n).samples,
}


@pytest.mark.parametrize("call", ORDERS.values(), ids=ORDERS)
def test_orders_are_whole_numbers_of_python_or_numpy(call):
    for number in (np.int64(100), np.int8(100)):
        assert repr(call(number)) == repr(call(100))
    for order in (0, -1, 2.5, np.nan, np.inf, -np.inf, True, np.True_, "3", None):
        with pytest.raises(ValueError, match="must be a whole number, at least 1"):
            call(order)


@pytest.mark.parametrize("variance", [-1.0, np.nan, np.inf, -np.inf, 0.0])
def test_edges_refuse_what_is_no_variance(variance):
    for call in (
        lambda: TracyWidom.wigner(10, variance=variance),
        lambda: TracyWidom.sample_covariance(9, 9, variance=variance),
    ):
        with pytest.raises(ValueError, match="variance must be positive"):
            call()


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex128, float, 0, None])
def test_samples_refuse_a_dtype_that_is_not_floating_point(dtype):
    for function, orders in ((wigner, [3]), (sample_covariance, [3, 4]), (orthonormal_directions, [3, 1])):
        with pytest.raises(ValueError, match="dtype must be a floating-point"):
            drawn(function, *orders, dtype=dtype)


@pytest.mark.parametrize("matrix", [np.eye(3), torch.eye(3, dtype=torch.int64), torch.eye(3) * 1j, 1.0], ids=type)
def test_spiked_refuses_what_is_no_matrix_of_floating_point(matrix):
    with pytest.raises(ValueError, match=r"noise must be a torch\.Tensor of floating point"):
        drawn(spiked, [1.5], matrix)
    with pytest.raises(ValueError, match=r"directions must be a torch\.Tensor of floating point"):
        spiked([1.5] * 3, torch.zeros(3, 3), directions=matrix)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_spiked_refuses_directions_that_are_not_orthonormal(dtype):
    U = drawn(orthonormal_directions, 300, 300, dtype=dtype)
    for noise in (torch.zeros(300, 300, dtype=dtype), torch.zeros(300, 300, dtype=torch.float64)):
        assert spiked([1.0] * 300, noise, directions=U).dtype == noise.dtype
    for directions in (2 * U[:, :2], U[:, [0, 0]], U[:, :2] + 1e-3, U[:, :2] * np.nan):
        with pytest.raises(ValueError, match="directions must be orthonormal"):
            spiked([1.0, 2.0], torch.zeros(300, 300, dtype=dtype), directions=directions)


@pytest.mark.parametrize("mass", [np.nan, np.inf, -np.inf, -0.1, 1.1])
def test_convolution_refuses_what_is_no_mass_of_outliers(mass):
    with pytest.raises(ValueError, match="outlier_mass must be a mass"):
        free_convolution([0.0], [1.0], 1.0, outlier_mass=mass)


@pytest.mark.parametrize("interval", [(np.nan, 1.0), (-np.inf, 1.0), (1.0, 1.0)])
def test_moments_refuse_what_is_no_interval(interval):
    with pytest.raises(ValueError, match="an interval needs finite ends"):
        Semicircle().moments(3, interval=interval)


def test_the_stieltjes_transform_of_a_free_convolution_far_out():
    law = free_convolution([-1.0, 2.0], [0.25, 0.75], 0.5)
    z = np.array([1e3, -1e9, 1e12 + 1e9j, 1e6 - 1j])
    mean, second = 1.25, 0.25 + 3.0 + 0.25  # of the law: int x^2 p is that of the atoms and s^2
    np.testing.assert_allclose(law.stieltjes(z), -1 / z - mean / z**2 - second / z**3, rtol=1e-8)
