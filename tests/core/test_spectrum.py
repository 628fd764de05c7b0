"""The spectrum at a width: what is chosen and why, error bars, counts, cost."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc
from spectral_core.estimators import spectrum as module
from tests.core import registry

pytestmark = pytest.mark.usefixtures("one_thread")


def _seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def _hidden(values, device="cpu"):
    """A diagonal matrix seen through its products alone."""
    entries = torch.as_tensor(np.asarray(values), device=device)[:, None]
    return sc.CountingOperator(sc.as_operator(lambda V: entries * V, n=len(values), device=device))


UNIFORM = np.linspace(-1.0, 3.0, 2000)


@pytest.mark.parametrize("method", ["lanczos", "kpm", "chebyshev-nystrom++"])
def test_every_method_finds_the_density(method, device):
    A, x = _hidden(UNIFORM, device), np.linspace(-1.2, 3.2, 45)
    found = sc.spectrum(A, sigma=0.3, method=method, products=1200, generator=_seeded())
    truth = sc.smoothed_spectrum(UNIFORM, x, 0.3)
    assert found.method == method
    assert found.reason == "asked for."
    assert found.products <= 1200
    assert A.products == found.products
    # each of the 45 points within five of its bars and the 1 % that the expansion may leave
    assert (np.abs(found.pdf(x) - truth) <= 5 * found.standard_error(x) + 0.01 * truth.max()).all()
    assert np.abs(found.pdf(x) - truth).mean() * 4.4 < 0.1
    assert 0 < found.error < 0.3
    assert found.bar == ("error scale" if method == "chebyshev-nystrom++" else "standard error")
    copy = pickle.loads(pickle.dumps(found))
    assert_allclose(copy.pdf(x), found.pdf(x))


@pytest.mark.parametrize("method", ["lanczos", "kpm", "chebyshev-nystrom++"])
def test_wider_is_free_and_narrower_says_its_price(method):
    A = _hidden(UNIFORM)
    found = sc.spectrum(A, sigma=0.4, method=method, products=600, generator=_seeded())
    spent, x = A.products, np.linspace(-1, 3, 9)
    wide = found.with_sigma(0.8)
    assert wide.sigma == 0.8
    assert_allclose(wide.pdf(x)[2:-2], sc.smoothed_spectrum(UNIFORM, x, 0.8)[2:-2], rtol=0.2)
    assert found.with_sigma(0.4).sigma == 0.4
    with pytest.raises(ValueError, match=r"about \d+ products"):
        found.with_sigma(0.01)
    assert A.products == spent


def test_the_choice():
    choose = module._choose
    assert choose(10_000, 0.05, 400)[0] == "lanczos"
    assert choose(10_000, 0.005, 4000)[0] == "kpm"
    assert choose(10_000, 0.0035, 200_000)[0] == "chebyshev-nystrom++"
    assert choose(10_000, 0.01, 200_000)[0] == "kpm"  # hundreds of eigenvalues under a kernel
    assert choose(10_000, 0.0001, 200_000)[0] == "kpm"  # a few columns only
    for arguments in ((10_000, 0.05, 400), (10_000, 0.005, 4000), (10_000, 0.0035, 200_000), (10_000, 0.0001, 200_000)):
        assert choose(*arguments)[1].endswith(".")


def test_as_many_products_as_rows_are_exact():
    A = _hidden(UNIFORM[:300])
    found = sc.spectrum(A, sigma=0.1, products=300, generator=_seeded())
    assert (found.method, found.bar, found.products) == ("exact", "exact", 300)
    x = np.linspace(-1, 0, 11)
    assert_allclose(found.pdf(x), sc.smoothed_spectrum(UNIFORM[:300], x, 0.1))
    assert not found.standard_error(x).any()
    assert found.error == 0.0
    assert found.with_sigma(1e-3).sigma == 1e-3
    count = found.count(UNIFORM[10], UNIFORM[19])
    assert (count.value, count.standard_error, count.bar) == (10.0, 0.0, "exact")
    assert sc.eigenvalue_count(A, UNIFORM[10], UNIFORM[19], products=300, generator=_seeded()).value == 10.0


@pytest.mark.parametrize("name", ["zero", "identity", "one by one", "two by two", "repeated", "wide"])
def test_small_matrices(name):
    found = sc.spectrum(registry.tensor(name), products=50, generator=_seeded())
    assert found.method == "exact"
    x = registry.eigenvalues(name)
    assert_allclose(found.pdf(x), sc.smoothed_spectrum(x, x, found.sigma), rtol=1e-6)


@pytest.mark.parametrize("method", ["lanczos", "kpm", "chebyshev-nystrom++"])
@pytest.mark.parametrize("spectrum", ["uniform", "two levels"])
def test_counts_hold_the_truth(method, spectrum):
    """The bar holds both the sampling and the doubt at the ends: 95 % intervals miss in at most one run of twelve."""
    values = UNIFORM if spectrum == "uniform" else np.r_[np.zeros(1500), np.linspace(1.0, 1.2, 500)]
    lower, upper = (0.37, 1.71) if spectrum == "uniform" else (0.6, 1.5)
    truth = int(((values >= lower) & (values <= upper)).sum())
    missed, widths = 0, []
    for seed in range(12):
        found = sc.spectrum(
            _hidden(values), sigma=0.2, method=method, products=500, generator=_seeded(seed), interval=(-1.05, 3.05)
        )
        count = found.count(lower, upper)
        low, high = count.interval()
        missed += not low <= truth <= high
        widths.append(count.standard_error)
    assert missed <= 1
    assert 0 < np.median(widths) < 0.2 * len(values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("products", [300, 60])
def test_eigenvalues_within_rounding_of_an_end_are_inside(products, dtype):
    """A projection in a random basis: its zeros lie on either side of 0 by rounding, here as its ones of 1."""
    G = torch.randn(200, 200, generator=_seeded(), dtype=torch.float64)
    Q = torch.linalg.qr(G)[0][:, :80]
    A = (Q @ Q.T).to(dtype)
    values = np.linalg.eigvalsh(A.double())
    assert ((values < 0) & (values > -1e-5)).any()
    below = sc.eigenvalue_count(A, 0.0, 0.5, products=products, generator=_seeded())
    above = sc.eigenvalue_count(A, 0.5, 1.0, products=products, generator=_seeded())
    if products >= 200:
        assert (below.value, below.standard_error, above.value, above.standard_error) == (120.0, 0.0, 80.0, 0.0)
    else:  # both at once by the same probes
        assert below.value + above.value == pytest.approx(200, abs=1e-3)
        assert sc.spectrum(A, products=60, generator=_seeded(), method="lanczos").count(
            0.0, 1.0
        ).value == pytest.approx(200)


@pytest.mark.parametrize("method", ["lanczos", "kpm", "chebyshev-nystrom++", "exact"])
def test_ends_of_a_count_may_be_infinite(method):
    found = sc.spectrum(_hidden(UNIFORM), sigma=0.4, method=method, products=600, generator=_seeded())
    for lower, upper, truth in ((-np.inf, np.inf, 2000), (-1e9, 1e9, 2000), (-np.inf, 1.0, 1000), (1.0, np.inf, 1000)):
        count = found.count(lower, upper)
        assert count.standard_error >= 0.0
        assert abs(count.value - truth) <= 3 * count.standard_error + 1.0
        assert count.bar == ("exact" if method == "exact" else "bounds")
    everything = sc.eigenvalue_count(_hidden(UNIFORM), -np.inf, np.inf, products=100, generator=_seeded())
    assert (everything.value, everything.standard_error) == (2000.0, 0.0)
    assert everything.bar == "bounds"


def test_a_matrix_of_one_eigenvalue_has_a_width():
    """The default sigma follows the spectrum's length; of a point its size, and 1 for the zero matrix."""
    zero, three = torch.zeros(300, 300, dtype=torch.float64), 3.0 * torch.eye(300, dtype=torch.float64)
    for products in (100, 300):
        for A, size in ((zero, 1.0), (three, 3.0), (1e-20 * three, 3e-20)):
            found = sc.spectrum(A, products=products, generator=_seeded())
            assert 0.01 * size < found.sigma < size
            at = float(A[0, 0])
            assert found.pdf(at) == pytest.approx(1.0 / (np.sqrt(2.0 * np.pi) * found.sigma), rel=0.01)


def test_density_nowhere_is_nowhere_known():
    for method in ("lanczos", "kpm", "chebyshev-nystrom++"):
        found = sc.spectrum(_hidden(UNIFORM), sigma=0.4, method=method, products=600, generator=_seeded())
        for values in (found.pdf([np.nan, 0.5]), found.standard_error([np.nan, 0.5])):
            assert np.isnan(values).tolist() == [True, False]


def test_count_without_a_density():
    counts = [
        sc.eigenvalue_count(_hidden(UNIFORM), 0.37, 1.71, products=600, generator=_seeded(seed)) for seed in range(6)
    ]
    truth = ((UNIFORM >= 0.37) & (UNIFORM <= 1.71)).sum()
    assert sum(low <= truth <= high for low, high in (count.interval() for count in counts)) >= 5
    assert all(count.products <= 600 for count in counts)
    assert np.mean([count.standard_error for count in counts]) < 150
    with pytest.raises(ValueError, match="lower end first"):
        sc.eigenvalue_count(_hidden(UNIFORM), 2.0, 1.0, products=100, generator=_seeded())


def test_tolerance_stops_early_or_says_so():
    A = _hidden(UNIFORM)
    loose = sc.spectrum(A, sigma=0.4, tolerance=0.2, products=1900, generator=_seeded())
    assert loose.products < 950
    assert loose.error <= 0.2
    assert loose.stopped == "reached the tolerance"
    tight = sc.spectrum(_hidden(UNIFORM), sigma=0.4, tolerance=1e-6, products=300, generator=_seeded())
    assert "above 1e-06" in tight.stopped
    finer = sc.spectrum(A, sigma=0.4, tolerance=0.01, method="kpm", products=1900, generator=_seeded())
    assert finer.products > loose.products
    assert finer.error < loose.error


@pytest.mark.parametrize("method", ["lanczos", "kpm", "chebyshev-nystrom++"])
def test_partial_results_are_valid(method):
    A, x = _hidden(UNIFORM), np.linspace(-1, 3, 9)
    partial = list(sc.spectrum_steps(A, sigma=0.3, method=method, products=600, generator=_seeded()))
    assert len(partial) > 3
    assert [p.products for p in partial] == sorted(p.products for p in partial)
    assert partial[0].sigma > partial[-1].sigma == 0.3
    for result in partial[1 :: len(partial) // 3]:
        assert np.isfinite(result.pdf(x)).all()
        assert result.sigma >= 0.3


def test_refusals():
    A = _hidden(UNIFORM)
    for arguments, words in (
        (dict(method="guess"), "method"),
        (dict(products=3), "at least 8"),
        (dict(products=400.5), "whole number of products"),
        (dict(tolerance=0), "tolerance is"),
        (dict(tolerance=-1.0), "tolerance is"),
        (dict(tolerance=np.nan), "tolerance is"),
        (dict(interval=(1.0, 1.0)), "lower < upper"),
        (dict(sigma=-1.0), "positive"),
        (dict(method="chebyshev-nystrom++", sigma=0.01, products=100), "sketch of two columns"),
    ):
        with pytest.raises(ValueError, match=words):
            sc.spectrum(A, generator=_seeded(), **arguments)
    big = sc.as_operator(lambda V: V, n=5000)
    with pytest.raises(ValueError, match="4096"):
        sc.spectrum(big, method="exact", generator=_seeded())
    with pytest.raises(ValueError, match="lower end first"):
        sc.spectrum(A, products=100, generator=_seeded()).count(1.0, 0.0)
    spent = A.products
    for products in (0, 3, 10.5):
        with pytest.raises(ValueError, match="at least 4"):
            sc.eigenvalue_count(A, 0.0, 1.0, products=products, generator=_seeded())
    with pytest.raises(ValueError, match="lower end first"):
        sc.eigenvalue_count(A, 0.0, np.nan, products=100, generator=_seeded())
    assert A.products == spent
