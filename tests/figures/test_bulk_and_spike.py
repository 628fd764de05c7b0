"""Figures of bulk and spike, and of damping: they hold what the laws and the samples hold."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_core import figures, random_matrices
from spectral_core.batch_scaling import SPIKE_MODELS, BulkAndSpike, Damping
from spectral_core.results import frozen

SIZES = (16, 64, 256, 1024)


def samples(picture, count=4):
    generator = torch.Generator().manual_seed(0)
    return [picture.sample(B, generator=generator) for B in SIZES[:count]]


@pytest.mark.parametrize("model", SPIKE_MODELS)
@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_frame_holds_law_and_sample(model, count):
    picture = BulkAndSpike(model, size=60)
    drawn = samples(picture, count)
    figure = figures.bulk_and_spike_figure(picture, SIZES, drawn)
    assert [frame.name for frame in figure.frames] == [str(B) for B in SIZES]
    for place, (B, frame) in enumerate(zip(SIZES, figure.frames, strict=True)):
        bars, law, atom, whole, largest, sampled = frame.data
        assert_allclose(law.x[[0, -1]], picture.support(B))
        assert list(whole.x) == [1.0, 1.0]
        assert_allclose(largest.x, picture.outlier(B))
        assert (largest.text[1] == "swallowed") == (float(picture.overlap(B)) == 0.0)
        assert len(atom.x) == (2 if picture.atom(B)[1] else 0)
        assert len(sampled.x) == (place < count)
        if place < count:
            assert_allclose(sampled.x[0], drawn[place].eigenvalues[0])
            assert len(bars.x) == len(bars.width)


def test_bars_have_the_height_of_the_law():
    """The sampled share of a bar is that of the law to some standard errors: rigid spectra scatter by about one eigenvalue."""
    picture = BulkAndSpike("wigner", spike=0.1, noise=8.0, size=400)
    (frame, *_) = figures.bulk_and_spike_figure(picture, SIZES, samples(picture)).frames
    bars, law = frame.data[:2]
    edge = picture.support(SIZES[0])[1]
    height = float(random_matrices.Semicircle(edge).pdf(0.0))
    assert_allclose((bars.y * bars.width).sum() * height, 1.0, rtol=1e-3)  # the law's height is taken on a grid
    expected = picture.pdf(bars.x, SIZES[0]) / height
    assert np.abs(bars.y - expected).max() < 4 / (400 * bars.width[0] * height)


def test_paths_and_table():
    picture = BulkAndSpike("wigner", size=60)
    drawn = samples(picture, 2)
    figure = figures.spike_path_figure(picture, SIZES, drawn)
    assert [list(trace.x) for trace in figure.data if trace.name == "sampled"] == [[16, 64], [16, 64]]
    rows = figures.bulk_and_spike_table(picture, SIZES, drawn)
    assert rows[2]["largest eigenvalue"] == 1.25
    assert rows[2]["squared overlap"] == 0.75
    assert ["sampled" in row for row in rows] == [True, True, False, False]


def test_no_damping_is_not_drawn_on_a_logarithmic_axis():
    damping = Damping(*(frozen(x) for x in ([4, 8], [0.1, 0.0], [1.0, 0.0], [3.0, np.inf])))
    for trace in figures.damping_figure(damping).data:
        assert list(trace.x) == [4]


@pytest.mark.parametrize("model", SPIKE_MODELS)
def test_sizes_that_can_not_be(model):
    picture = BulkAndSpike(model, size=20)
    for ask in (picture.outlier, picture.edge, picture.overlap, picture.bulk, picture.atom):
        for B in (0, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="batch sizes are finite numbers above 0"):
                ask(B)
    for B in (0, 2.5, float("inf")):
        with pytest.raises(ValueError, match="a whole number"):
            picture.sample(B, generator=torch.Generator())
    with pytest.raises(ValueError, match="a whole number from 2"):
        BulkAndSpike(model, size=2.5)
    with pytest.raises(ValueError, match="a whole number from 2"):
        BulkAndSpike(model, size=float("inf"))
