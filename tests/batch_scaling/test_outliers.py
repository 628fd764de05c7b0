"""Outliers of mini-batches: measured against dense spectra, predictions in their exact limits and against sampling."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_core import batch_scaling, curvature
from spectral_core.batch_scaling import predictions
from spectral_core.batch_scaling.projections import ExampleProjections
from spectral_core.results import last

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
SIZES = (4, 15, 60)


@pytest.fixture(scope="module")
def result(hessian):
    generator = torch.Generator().manual_seed(0)
    steps = batch_scaling.outlier_steps(hessian, SIZES, draws=12, outliers=3, directions=12, generator=generator)
    items = [item for _, _, item in steps if item is not None]
    assert [int(item.draws.sum()) for item in items] == list(range(37))  # draw by draw
    assert np.isnan(items[0].measured).all()
    assert items[0].wigner.shape == (3, 3)
    return items[-1]


def projections(rows):
    """Of rank-one examples ``a_i a_i.T`` with parts inside one direction u and, orthogonal to all others', outside."""
    a, b = np.asarray(rows, dtype=float).T
    return ExampleProjections(
        inside=(a**2)[:, None, None],
        outside=(a * b)[:, None, None] ** 2,
        strength=(a * b)[:, None],
        along=b**2,
        eigenvalues=np.array([(a**2).mean()]),
    )


def test_measured_outliers_are_the_dense_ones(result, examples):
    dense = np.linalg.eigvalsh(examples.mean(0))[::-1]
    assert_allclose(result.full, dense[:3], rtol=1e-5)
    assert_allclose(result.measured[-1], dense[:3], rtol=1e-3)  # the mini-batch of all examples
    assert_allclose(result.edge[-1], dense[3], rtol=2e-2)
    assert_allclose(result.overlap[-1], 1.0, rtol=1e-3)
    rng = np.random.default_rng(5)
    for row, B in enumerate(SIZES[:2]):
        sampled = np.array([np.linalg.eigvalsh(examples[rng.permutation(60)[:B]].mean(0))[-1] for _ in range(300)])
        error = np.hypot(sampled.std() / np.sqrt(300), result.standard_error[row, 0])
        assert abs(result.measured[row, 0] - sampled.mean()) < 4 * error


def test_all_predictions_are_exact_for_the_batch_of_all_data(result):
    for name in ("wigner", "multiplicative", "second_order", "local", "refined", "refined_same", "free"):
        assert_allclose(getattr(result, name)[-1], result.full, rtol=1e-3, err_msg=name)
    for name in ("wigner_overlap", "local_overlap", "refined_overlap"):
        assert_allclose(getattr(result, name)[-1], 1.0, rtol=1e-3, err_msg=name)


def test_refined_and_local_against_sampling(result, examples):
    rng = np.random.default_rng(6)
    for row, B in enumerate(SIZES[:2]):
        sampled = np.array([np.linalg.eigvalsh(examples[rng.permutation(60)[:B]].mean(0))[-1] for _ in range(600)])
        error = np.hypot(sampled.std() / np.sqrt(600), result.refined_error[row, 0])
        assert abs(result.refined[row, 0] - sampled.mean()) < 4 * error + 0.02 * sampled.mean()
        assert abs(result.refined_same[row, 0] / result.measured[row, 0] - 1) < 0.02
        mean, spread = (part[row, 0] for part in result.adjusted)
        assert abs(mean - sampled.mean()) < 4 * np.hypot(spread, sampled.std() / np.sqrt(600))
        assert spread < result.standard_error[row, 0]
        assert abs(result.local[row, 0] / sampled.mean() - 1) < 0.2
    assert abs(result.wigner[0, 0] / result.measured[0, 0] - 1) > 0.2  # the noise is not isotropic


@pytest.mark.parametrize("model", ["local", "refined"])
def test_rank_one_examples_exactly(model):
    rows = np.abs(np.random.default_rng(0).standard_normal((30, 2))) + 0.1
    rows[0] = (6.0, 3.0)  # an outlier of its own wherever it is drawn
    p, B = projections(rows), 8
    rng = np.random.default_rng(3)
    exact = []
    for _ in range(200):
        drawn = rng.choice(30, size=B, replace=False)
        keep = np.sqrt(1 - B / 30)  # how the predictions count what is outside
        vectors = np.zeros((B, B + 1))
        vectors[:, 0], vectors[range(B), range(1, B + 1)] = rows[drawn].T
        H = vectors.T @ vectors / B
        H[0, 1:] *= keep
        H[1:, 0] *= keep
        exact.append(np.linalg.eigvalsh(H)[-1])
    options = {"draws": 200, "generator": np.random.default_rng(3)}
    found = getattr(predictions, model)(p, [B], 1, **options)
    assert_allclose(found.value[0, 0], np.mean(exact), rtol=1e-6)
    second, _ = predictions.second_order(p, [B * 29 * 30 / (30 * (30 - B))], 1)
    assert second[0, 0] > 1.3 * np.mean(exact)  # it counts the rare example in every mini-batch


def test_second_order_is_the_limit_of_mean_square_stability():
    rows = np.abs(np.random.default_rng(1).standard_normal((40, 2)))
    p, b = projections(rows), 10.0
    second, _ = predictions.second_order(p, [b], 1)
    rate, l = 2 / second[0, 0], p.eigenvalues[0]
    step = 1 - 2 * rate * l + rate**2 * (l**2 + p.noise[0][0] / b)
    assert_allclose(step, 1.0, rtol=1e-12)


def test_critical_batch_size_doubles_the_sharpness(result):
    known = result.full_batch
    critical = known.critical_batch_size(draws=400)
    assert critical.lower <= critical.value <= critical.upper
    B = round(critical.value)
    found = predictions.refined(known.projections, [B], 1, draws=1000, generator=np.random.default_rng(0))
    assert abs(found.value[0, 0] / (2 * result.full[0]) - 1) < 0.15
    b = known.projections.noise[0][0] / result.full[0] ** 2
    assert_allclose(batch_scaling.effective_batch_size(critical.second_order, 60), b, rtol=1e-6)


def test_a_later_run_takes_what_is_known(hessian, result):
    again = last(
        batch_scaling.outlier_steps(hessian, [5], draws=1, known=result.full_batch, generator=torch.Generator())
    )[2]
    assert again.full_batch is result.full_batch
    assert again.draws.tolist() == [1]
    copy = pickle.loads(pickle.dumps(result))
    assert_allclose(copy.measured, result.measured)
    with pytest.raises(ValueError, match="read-only"):
        result.measured[0, 0] = 0.0


def test_gauss_newton_and_bad_input(network):
    model, data = network
    generator = torch.Generator().manual_seed(0)
    b = batch_scaling.outliers(
        model,
        "cross-entropy",
        data,
        [10],
        matrix="gauss-newton",
        draws=2,
        outliers=1,
        directions=6,
        generator=generator,
    )
    assert b.lowest[0] > -1e-6
    assert b.measured[0, 0] > 0
    for sizes in ([], [0], [61], [2.5], [[2, 4], [8, 16]]):
        with pytest.raises(ValueError, match="batch sizes are whole numbers from 1 to the 60"):
            batch_scaling.outliers(model, "cross-entropy", data, sizes, generator=generator)
    with pytest.raises(ValueError, match='"hessian" or "gauss-newton"'):
        batch_scaling.outliers(model, "cross-entropy", data, [5], matrix="fisher", generator=generator)
    H = curvature.HessianOperator(model, "cross-entropy", data)
    nothing = [(torch.zeros(10, 4), torch.ones(10, 1))]
    for draws in (0, 1.5, np.nan):
        with pytest.raises(ValueError, match="a whole number from 1"):
            batch_scaling.outliers(model, "cross-entropy", data, [5], draws=draws, generator=generator)
    with pytest.raises(ValueError, match="finite numbers a column"):
        batch_scaling.example_projections(H, torch.ones(3, 1))
    with pytest.raises(ValueError, match="by their places"):
        batch_scaling.MiniBatchOperator(H, [1.7])
    for sizes, N in ((61, 60), (0, 60), (1, 0), (1e300, 60)):
        with pytest.raises(ValueError, match="at most the number of examples"):
            batch_scaling.effective_batch_size(sizes, N)
    flat = torch.nn.Linear(4, 1, bias=False)
    with pytest.raises(ValueError, match="no example has any curvature"):
        batch_scaling.outliers(flat, "squared error", nothing, [5], outliers=1, weight_decay=0.1, generator=generator)
    with pytest.raises(ValueError, match="directions hold the outliers"):
        last(batch_scaling.full_batch_steps(H, outliers=5, directions=3, generator=generator))


def test_fewer_positive_eigenvalues_than_outliers():
    """A saddle at zero: both layers vanish, and of six eigenvalues two are above 0 at most."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 1, bias=False)).double()
    for weight in model.parameters():
        torch.nn.init.zeros_(weight)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 2, dtype=torch.float64, generator=generator)
    b = batch_scaling.outliers(model, "squared error", [(x, x[:, :1])], [5, 20], draws=2, generator=generator)
    assert (b.full[2:] <= 1e-9).all()
    assert_allclose(b.multiplicative[:, b.full <= 0], np.broadcast_to(b.full[b.full <= 0], (2, (b.full <= 0).sum())))
    assert_allclose(b.measured[1], b.full, atol=1e-3 * b.full[0])
