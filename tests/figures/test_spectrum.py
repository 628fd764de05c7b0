"""Figures of spectra: areas and masses add up, every axis has its units, nothing is drawn that is not a number."""

import base64
import json

import numpy as np
import plotly.io
import pytest
import torch

from spectral_core.estimators.kernel_polynomial import chebyshev_moments, kernel_polynomial
from spectral_core.estimators.maxent import maxent
from spectral_core.estimators.quadrature import lanczos_quadrature
from spectral_core.figures import (
    curve_table,
    grid,
    histogram,
    known_atoms,
    merged_stems,
    moments_figure,
    moments_table,
    spectrum_figure,
    stem_figure,
    zoom_figure,
)
from spectral_core.figures.moments import deviations
from spectral_core.figures.theme import BACKGROUNDS, DASHES, ROLES, contrast_ratio, role_of, styles
from spectral_core.results import Eigenspace, Moments

SIZE, ZEROS, INTERVAL = 200, 10, (0.0, 2.0)
EIGENVALUES = np.r_[np.zeros(ZEROS), np.linspace(0.2, 1.8, SIZE - ZEROS)]


def measured(probes=5, interval=INTERVAL, shift=0.0):
    """Everything a page shows, of a diagonal matrix with ten zero eigenvalues that are known."""
    A = torch.diag(torch.as_tensor(EIGENVALUES - shift))
    known = Eigenspace(np.full(ZEROS, -shift), np.eye(SIZE)[:, :ZEROS])
    settings = {"probes": probes, "known": known}
    stems = lanczos_quadrature(A, steps=20, generator=torch.Generator().manual_seed(1), **settings)
    moments = chebyshev_moments(A, 30, interval=interval, generator=torch.Generator().manual_seed(2), **settings)
    densities = {
        "MaxEnt": maxent(moments),
        "smoothed": stems.density(0.05),
        "kernel polynomial": kernel_polynomial(moments),
    }
    return stems, moments, densities


@pytest.fixture(scope="module")
def results():
    return measured()


def arrays(figure):
    """All numbers of a figure's JSON, decoded: plotly writes arrays as base64."""

    def walk(item):
        if isinstance(item, dict) and "bdata" in item:
            yield np.frombuffer(base64.b64decode(item["bdata"]), dtype=item["dtype"]).astype(float)
        elif isinstance(item, dict):
            for value in item.values():
                yield from walk(value)
        elif isinstance(item, list):
            for value in item:
                yield from walk(value)
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield np.array([float(item)])

    text = plotly.io.to_json(figure)
    assert "NaN" not in text
    assert "Infinity" not in text
    return np.concatenate(list(walk(json.loads(text)["data"])))


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def figures(results):
    stems, moments, densities = results
    everything = {"stems": stems, "densities": densities, "eigenvalues": EIGENVALUES, "interval": INTERVAL}
    return {
        "spectrum": spectrum_figure(**everything),
        "zoom": zoom_figure(share=0.2, **everything),
        "stems": stem_figure(stems),
        "moments": moments_figure(moments, densities),
        "stems only": spectrum_figure(stems=stems, interval=INTERVAL),
        "nothing": spectrum_figure(interval=INTERVAL),
    }


def test_every_axis_and_trace_has_a_name_and_every_number_is_finite(results):
    for figure in figures(results).values():
        layout = figure.to_dict()["layout"]
        axes = [value for key, value in layout.items() if key[:5] in ("xaxis", "yaxis")]
        assert len(axes) >= 2
        assert all(axis["title"]["text"] for axis in axes)
        assert all(trace.name for trace in figure.data)
        assert layout["title"]["text"]
        assert layout["paper_bgcolor"] == "rgba(0,0,0,0)"
        assert "color" not in layout["font"]  # the page's theme gives it
        if figure.data:
            assert np.isfinite(arrays(figure)).all()


def test_units_are_said(results):
    layout = figures(results)["spectrum"].layout
    assert layout.xaxis.title.text == "eigenvalue λ"
    assert layout.yaxis.title.text == "density (share of eigenvalues per unit λ)"
    assert layout.yaxis2.title.text == "weight (share of all eigenvalues)"


def test_bars_stems_and_atoms_share_the_mass(results):
    drawn = traces(figures(results)["spectrum"])
    bars = drawn[f"exact histogram (n = {SIZE})"]
    assert np.sum(bars.y * np.asarray(bars.width)) == pytest.approx(1 - ZEROS / SIZE, abs=1e-12)
    atoms = drawn["known atoms (right axis)"]
    assert atoms.yaxis == "y2"
    assert (atoms.x, atoms.y) == (pytest.approx([0.0]), pytest.approx([ZEROS / SIZE]))
    assert np.sum(drawn["Lanczos stems (right axis)"].y) + ZEROS / SIZE == pytest.approx(1.0, abs=1e-9)


def test_without_known_atoms_the_bars_have_area_one():
    assert histogram(EIGENVALUES, interval=INTERVAL, bins=7).density.sum() * 2 / 7 == pytest.approx(1.0)


def test_an_atom_takes_no_more_eigenvalues_than_its_mass_and_none_far_away():
    near = histogram([0.0, 0.0, 0.0, 1.0], interval=(0, 1), bins=2, atoms=[(0.0, 0.5)])
    assert near.counts.tolist() == [1, 1]
    far = histogram([0.3, 1.0], interval=(0, 1), bins=2, atoms=[(0.0, 0.5)])
    assert far.counts.tolist() == [1, 1]


def test_an_eigenvalue_rounded_beyond_the_end_is_counted():
    assert histogram([-1e-16, 2.0 + 4e-16], interval=(0, 2), bins=4).counts.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("values", [[], [0.0, np.nan]])
def test_a_histogram_of_nothing_is_refused(values):
    with pytest.raises(ValueError, match="finite"):
        histogram(values, interval=(0, 1))


def test_a_zoom_keeps_the_heights(results):
    stems, _, densities = results
    everything = {"stems": stems, "densities": densities, "eigenvalues": EIGENVALUES, "interval": INTERVAL}
    zoom = traces(zoom_figure(share=0.5, bins=50, **everything))
    bars = zoom[f"exact histogram (n = {SIZE})"]
    inside = (EIGENVALUES > 0) & (EIGENVALUES <= 1)
    assert np.sum(bars.y * np.asarray(bars.width)) == pytest.approx(inside.sum() / SIZE, abs=1e-12)
    curve = zoom["MaxEnt"]
    assert curve.x.max() < 1.0
    np.testing.assert_allclose(curve.y, densities["MaxEnt"].pdf(curve.x))
    with pytest.raises(ValueError, match="share"):
        zoom_figure(share=0.0, interval=INTERVAL)


def test_bands_are_two_standard_errors_and_missing_ones_are_said(results):
    drawn = traces(figures(results)["spectrum"])
    curve, band = drawn["MaxEnt"], drawn["MaxEnt ± 2 standard errors"]
    half = len(curve.x)
    np.testing.assert_allclose(band.y[:half] - curve.y, 2 * results[2]["MaxEnt"].standard_error(curve.x))
    stems, _, densities = measured(probes=1)
    single = traces(spectrum_figure(stems=stems, densities=densities, interval=INTERVAL))
    assert "MaxEnt (one probe: no error band)" in single
    assert not any("±" in name for name in single)
    assert np.isfinite(arrays(stem_figure(stems))).all()


def test_zoom_of_the_browser_survives_new_data_of_the_same_range(results):
    stems, _, densities = results
    first = spectrum_figure(densities=densities, interval=INTERVAL)
    second = spectrum_figure(stems=stems, interval=INTERVAL)
    assert first.layout.uirevision == second.layout.uirevision
    assert first.layout.uirevision != spectrum_figure(interval=(0, 3)).layout.uirevision


def test_merged_stems_keep_mass_and_mean(results):
    stems = results[0]
    for bins in (1, 10, 200):
        merged = merged_stems(stems, bins=bins)
        assert merged.weights.sum() == pytest.approx(1 - ZEROS / SIZE, abs=1e-12)
        assert merged.weights @ merged.positions == pytest.approx((stems.weights * stems.nodes).sum() / stems.probes)
        assert (np.diff(merged.positions) > 0).all()
    assert merged_stems(stems, bins=1).standard_error.max() < 0.1


def test_atoms_are_listed_once(results):
    stems, _, densities = results
    assert known_atoms(stems, densities).tolist() == [[0.0, ZEROS / SIZE]]
    assert known_atoms().shape == (0, 2)


def test_a_grid_stays_inside_and_ascends():
    x = grid((-1.0, 3.0), 100)
    assert (np.diff(x) > 0).all()
    assert -1.0 < x[0] < x[-1] < 3.0


def test_deviations_of_an_exact_density_vanish():
    semicircle = Moments.exact(np.r_[1.0, 0.0, -0.5, np.zeros(38)], interval=(-1, 1))
    density = kernel_polynomial(semicircle, damping="none")
    orders, relative, error, missing = deviations(semicircle, {"series": density}, 20)
    assert orders[-1] == 20
    assert relative["series"].max() < 1e-9
    assert not error.any()
    assert missing == []


def test_moments_of_a_smoothed_curve_are_off_by_the_bias_of_theorem_2():
    stems, _, _ = measured(shift=1.0, interval=(-1.0, 1.0))
    moments = stems.moments(12, interval=(-1.0, 1.0))
    orders, relative, _, _ = deviations(moments, {"smoothed": stems.density(0.2)}, 10)
    values, _ = moments.raw(11)
    bias = stems.smoothing_bias(10, 0.2)[1:]
    even = orders % 2 == 0
    np.testing.assert_allclose(relative["smoothed"][even], (bias / values[1:11])[even], rtol=1e-6)
    scale = np.sqrt(values[orders[~even] - 1] * values[orders[~even] + 1])
    np.testing.assert_allclose(relative["smoothed"][~even], np.abs(bias[~even]) / scale, rtol=1e-6, atol=1e-9)


def test_the_moments_figure_says_what_it_leaves_out(results):
    stems, moments, densities = results
    densities = densities | {"Cauchy": stems.density(0.05, kernel="cauchy")}
    figure = moments_figure(moments, densities)
    assert "Cauchy" not in traces(figure)
    assert "no moments: left out Cauchy" in figure.layout.title.subtitle.text
    assert "E[x^k]" in figure.layout.yaxis.title.text
    assert "within ± 2 standard errors of the measured moments" in traces(figure)
    single = moments_figure(measured(probes=1)[1], {})
    assert "one probe" in single.layout.title.subtitle.text
    with pytest.raises(ValueError, match="at least one measured moment"):
        moments_figure(Moments.exact([1.0, 0.0], interval=(-1, 1)), {})


def test_the_table_holds_what_the_figure_shows(results):
    stems, moments, densities = results
    table = curve_table(stems=stems, densities=densities, eigenvalues=EIGENVALUES, interval=INTERVAL)
    masses = table[table.kind.isin(["stem", "atom"])].value.sum()
    bars = table[table.kind == "histogram"]
    assert masses == pytest.approx(1.0, abs=1e-9)
    assert ((bars.x_end - bars.x) * bars.value).sum() == pytest.approx(1 - ZEROS / SIZE)
    curve = table[table.series == "MaxEnt"]
    np.testing.assert_allclose(curve.value, densities["MaxEnt"].pdf(curve.x.to_numpy()))
    assert not np.isinf(curve_table(densities=measured(probes=1)[2], interval=INTERVAL).standard_error).any()
    assert curve_table(interval=INTERVAL).empty
    assert list(moments_table(moments, densities, 5).order) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("background", BACKGROUNDS.values())
def test_every_colour_is_seen_on_every_background(role, background):
    assert contrast_ratio(ROLES[role].colour, background) >= 3.0


def test_colours_and_dashes_come_from_the_theme(results):
    stems, _, densities = results
    many = {"a": densities["MaxEnt"], "b": densities["MaxEnt"], "c": densities["smoothed"]}
    chosen = styles(many)
    assert chosen["a"].colour == chosen["b"].colour == ROLES["maxent"].colour
    assert len({style.dash for style in chosen.values()} & set(DASHES)) >= 2
    assert chosen["a"].dash != chosen["b"].dash
    lines = {ROLES[role_of(density)].dash for density in densities.values()}
    assert len(lines) == len(densities)
    drawn = traces(spectrum_figure(stems=stems, densities=densities, interval=INTERVAL))
    for name, density in densities.items():
        assert drawn[name].line.color == ROLES[role_of(density)].colour
