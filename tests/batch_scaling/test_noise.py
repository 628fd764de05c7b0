"""Mini-batch matrices, noise scales and projections against every example's Hessian, entry by entry."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import spectral_core as sc
from spectral_core import batch_scaling, curvature
from spectral_core.batch_scaling.mini_batches import MiniBatchOperator

# torch's own, of the forward mode that the reference takes
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(each, U):
    return np.square(each @ U).sum(1).mean(0) - np.square(each.mean(0) @ U).sum(0)


def test_a_mini_batch_is_the_mean_of_its_examples(hessian, examples):
    indices = [3, 19, 20, 41, 59]
    A = MiniBatchOperator(hessian, indices)
    assert_allclose(sc.materialise(A), examples[indices].mean(0), atol=1e-12)
    whole = MiniBatchOperator(hessian, range(60))
    V = torch.randn(59, 2, generator=generator(), dtype=torch.float64)
    assert_allclose((whole @ V).numpy(), (hessian @ V).numpy(), atol=1e-12)


def test_pieces_and_weight_decay_change_nothing(network, examples, monkeypatch):
    model, data = network
    H = curvature.HessianOperator(model, "cross-entropy", data, weight_decay=0.25)
    monkeypatch.setattr("spectral_core.batch_scaling.mini_batches.PIECE", max(size.bytes for size in H._sizes) // 20)
    A = MiniBatchOperator(H, range(0, 60, 2))
    assert len(A._parts) > 3
    assert_allclose(sc.materialise(A), examples[::2].mean(0) + 0.25 * np.eye(59), atol=1e-12)


def test_mini_batches_are_drawn_without_replacement(hessian):
    A = batch_scaling.mini_batch(hessian, 60, generator=generator())
    assert sorted(A.indices) == list(range(60))
    drawn = [batch_scaling.mini_batch(hessian, 6, generator=generator(seed)).indices for seed in range(300)]
    counts = np.bincount(np.concatenate(drawn), minlength=60)
    assert np.abs(counts - 30).max() < 5 * np.sqrt(30 * 0.9)


def test_variance_of_mini_batches_is_that_of_the_effective_batch_size(examples):
    u = np.random.default_rng(0).standard_normal(59)
    u /= np.linalg.norm(u)
    x = examples @ u
    exact = noise(examples, u[:, None])[0]
    rng, B = np.random.default_rng(1), 20
    draws = np.array([np.square(x[rng.permutation(60)[:B]].mean(0) - x.mean(0)).sum() for _ in range(2000)])
    predicted = exact / batch_scaling.effective_batch_size(B, 60)
    assert abs(draws.mean() - predicted) < 4 * draws.std() / np.sqrt(2000)
    assert abs(predicted * 59 / 60 - draws.mean()) > 0.5 * (predicted / 60)  # the factor N/(N - 1) is seen, if faintly


def test_noise_scale_by_random_halves(hessian, examples):
    U = np.linalg.qr(np.random.default_rng(0).standard_normal((59, 3)))[0]
    exact = noise(examples, U)
    found = batch_scaling.noise_scale(hessian, directions=U, probes=60, generator=generator())
    assert (np.abs(found.value - exact) < 4 * found.standard_error).all()
    assert (found.standard_error < 0.5 * exact).all()
    random = batch_scaling.noise_scale(hessian, probes=100, generator=generator(1))
    mean = noise(examples, np.eye(59)).mean()
    assert abs(random.value - mean) < 4 * random.standard_error < 2 * mean


def test_a_noise_estimate_costs_at_most_two_products_a_probe(network, monkeypatch):
    model, data = network
    H = curvature.HessianOperator(model, "cross-entropy", data)
    seen = []
    graph = curvature.HessianOperator._graph

    def counted(self, batch):
        apply = graph(self, batch)

        def product(v, batched):
            seen.append(batch.examples * (len(v[0]) if batched else 1))
            return apply(v, batched)

        return product

    monkeypatch.setattr(curvature.HessianOperator, "_graph", counted)
    H.prepare(way="retained")
    found = batch_scaling.noise_scale(H, probes=6, generator=generator())
    assert sum(seen) == 6 * (60 + 30)  # examples that a product went through: 1.5 passes a probe
    assert found.products == 9


@pytest.mark.parametrize("matrix", [curvature.HessianOperator, curvature.GGNOperator])
def test_projections_of_every_example(network, examples, matrix):
    model, data = network
    H = matrix(model, "cross-entropy", data)
    values, vectors = np.linalg.eigh(sc.materialise(H))
    U = np.ascontiguousarray(vectors[:, ::-1][:, :5])
    each = np.stack([sc.materialise(MiniBatchOperator(H, [i])) for i in range(60)])
    if matrix is curvature.HessianOperator:
        assert_allclose(each, examples, atol=1e-12)
    p = batch_scaling.example_projections(H, U)
    out = each @ U - U @ (U.T @ each @ U)
    assert_allclose(p.inside, U.T @ each @ U, atol=1e-10)
    assert_allclose(p.outside, out.transpose(0, 2, 1) @ out, atol=1e-10)
    assert_allclose(p.eigenvalues, values[::-1][:5], atol=1e-10)
    assert_allclose(p.noise[0], noise(each, U), rtol=1e-8)
    strongest = int(np.argmax(np.square(p.strength).sum(1)))
    left, _, _ = np.linalg.svd(out[strongest])
    q = left[:, 0]
    assert_allclose(p.along[strongest], q @ each[strongest] @ q, rtol=1e-6)
    assert (p.largest <= np.linalg.eigvalsh(each)[:, -1] + 1e-10).all()


def test_examples_without_a_loss_of_their_own_are_refused():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    data = [(torch.randn(8, 2, generator=generator()), torch.arange(8) % 2)]
    H = curvature.HessianOperator(model, "cross-entropy", data, batch_norm="train")
    for call in (
        lambda: batch_scaling.noise_scale(H, generator=generator()),
        lambda: batch_scaling.mini_batch(H, 4, generator=generator()),
        lambda: batch_scaling.example_projections(H, torch.eye(H.shape[0])[:, :1]),
    ):
        with pytest.raises(ValueError, match="an example has no loss of its own"):
            call()


@pytest.mark.parametrize("size", [0, 61, 2.5])
def test_batch_sizes_out_of_range(hessian, size):
    with pytest.raises(ValueError, match="from 1 to the 60 examples"):
        batch_scaling.mini_batch(hessian, size, generator=generator())
