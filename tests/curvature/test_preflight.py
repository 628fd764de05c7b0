"""What a run will take, known before it."""

import pickle
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from spectral_core.curvature import curvature_operator

curvature = sc.curvature


def operator(kind=curvature.HessianOperator, width=60, examples=120, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, width), nn.Dropout(), nn.Tanh(), nn.Linear(width, 5))
    data = [(torch.rand(examples, 40), torch.randint(5, (examples,))) for _ in range(3)]
    return kind(model, F.cross_entropy, data, **options)


def test_what_it_says():
    H = operator(weight_decay=0.1)
    ahead = H.preflight(20)
    assert (ahead.parameters, ahead.examples, ahead.batches, ahead.products) == (H.shape[0], 360, 3, 20)
    assert ahead.loss_value == H.loss_value
    assert ahead.gradient_norm == pytest.approx(float(H.gradient().norm()))
    assert any("Dropout" in note for note in ahead.notes)
    assert 0 < ahead.memory == ahead.plan.memory <= H.memory
    assert H.plan is None  # nothing is prepared
    assert pickle.loads(pickle.dumps(ahead)).seconds == ahead.seconds > 0
    assert ahead.plan.way == H.prepare(20).way
    with pytest.raises(ValueError, match="at least one product"):
        H.preflight(0)


def test_pieces_are_no_mini_batches(monkeypatch):
    whole = operator()
    monkeypatch.setattr(curvature_operator, "PIECE", whole._sizes[0].bytes // 2)
    cut = operator()
    assert len(cut.batches) > 3 == cut.preflight(5).batches
    assert cut.preflight(5).examples == 360


def test_more_products_take_longer_and_less_memory_takes_less():
    H = operator()
    costs = [H.preflight(products).plan.gradients for products in (1, 10**7)]
    assert costs[0] > costs[1]
    small = operator(memory=int(2.6 * H._sizes[0].bytes)).preflight(50)
    assert small.plan.kept < 9
    assert small.plan.gradients > H.preflight(50).plan.gradients
    assert small.memory < H.preflight(50).memory


def test_seconds_are_about_right():
    H = operator(width=400, examples=2000)
    H.gradient()  # torch's own first steps
    ahead = min((H.preflight(15) for _ in range(3)), key=lambda each: each.gradient_seconds)
    v = torch.randn(H.shape[0], generator=torch.Generator().manual_seed(0))
    begun = time.perf_counter()
    for _ in range(15):
        H @ v
    taken = time.perf_counter() - begun
    assert taken / 6 < ahead.seconds < 6 * taken  # a busy machine; off by a factor of two on a quiet one
