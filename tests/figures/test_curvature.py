"""Figures of curvature: masses, common axes, frames, and names that are no markup."""

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core import curvature, figures


def quadrature(seed=0, probes=2, n=50):
    A = torch.diag(torch.linspace(-1.0, 3.0, n, dtype=torch.float64))
    return sc.lanczos_quadrature(A, steps=12, probes=probes, generator=torch.Generator().manual_seed(seed))


def test_panels_hold_all_mass_on_one_axis():
    spectra = {"<b>first</b>": quadrature(), "diagonal": np.linspace(-0.5, 1.0, 200)}
    figure = figures.stem_panels_figure(spectra, threshold=0.1)
    assert len(figure.data) == 2
    for trace in figure.data:
        assert np.isclose(np.sum(trace.y), 1.0)
    assert "<b>" not in figure.to_json()
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    floor = 10 ** figure.layout.yaxis.range[0]
    assert all(trace.y.min() > floor for trace in figure.data)


def test_a_spectrum_of_one_value_is_drawn():
    figure = figures.stem_panels_figure({"flat": np.zeros(5)})
    assert figure.data[0].y.tolist() == [1.0]


def test_smoothed_curves_have_unit_mass_and_a_band():
    figure = figures.smoothed_figure({"a": quadrature(), "b": quadrature(1)}, sigma=0.1)
    curves = [trace for trace in figure.data if trace.fill is None]
    assert [trace.name for trace in curves] == ["a", "b"]
    for trace in curves:
        assert np.isclose(np.trapezoid(trace.y, trace.x), 1.0, atol=1e-3)
    assert len(figure.data) == 4
    one = figures.smoothed_figure({"a": quadrature(probes=1)}, sigma=0.1)
    assert len(one.data) == 1  # one probe has no band


def test_resampled_data_lie_over_the_band():
    q = quadrature()
    figure = figures.resampled_figure(q, [quadrature(1, 1), quadrature(2, 1)], sigma=0.1, interval=(-1.5, 3.5))
    assert len(figure.data) == 4
    assert [trace.showlegend for trace in figure.data[2:]] == [True, False]


def test_shares_of_an_eigenvector_add_up():
    pairs = sc.eigenpairs(torch.diag(torch.arange(10.0)), k=2, generator=torch.Generator().manual_seed(0))
    figure = figures.eigenvector_figure(pairs, {"weight": (2, 3), "bias": (4,)})
    z = np.asarray(figure.data[0].z)
    np.testing.assert_allclose(z.sum(axis=0), 1.0, atol=1e-6)
    np.testing.assert_allclose(z[:, -1], [0.6, 0.4])
    np.testing.assert_allclose(z[1, 0], 1.0, atol=1e-6)  # the largest eigenvalues belong to the last entries


def test_every_epoch_has_a_frame_on_axes_that_stay():
    figure = figures.epochs_figure({0: quadrature(), 5: quadrature(1)}, threshold=0.05)
    assert [frame.name for frame in figure.frames] == ["0", "5"]
    low, high = figure.layout.xaxis.range
    assert all(low < frame.data[0].x.min() <= frame.data[0].x.max() < high for frame in figure.frames)
    assert [step.label for step in figure.layout.sliders[0].steps] == ["0", "5"]


def test_a_panel_for_each_quantity():
    table = {"loss": ([0, 1], [2.0, 1.0], None), "trace": ([0, 1], [3.0, 4.0], [0.1, 0.2])}
    figure = figures.training_figure(table)
    assert [list(trace.y) for trace in figure.data] == [[2.0, 1.0], [3.0, 4.0]]
    np.testing.assert_allclose(figure.data[1].error_y.array, [0.2, 0.4])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_differences(dtype):
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=dtype)
    H = curvature.HessianOperator(torch.nn.Linear(2, 1).to(dtype), "squared error", [(x, x[:, :1])])
    errors = curvature.finite_difference_errors(H, generator=torch.Generator().manual_seed(0))
    figure = figures.differences_figure({"one": errors})
    assert [trace.name for trace in figure.data] == ["one, central", "one, one-sided"]
    np.testing.assert_allclose(figure.data[0].y, errors.central)
