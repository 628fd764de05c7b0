"""Figures that hold estimators against the exact spectrum."""

import numpy as np
import pytest

from spectral_core.figures import (
    estimator_error_figure,
    estimator_winners,
    estimator_winners_figure,
    estimator_winners_table,
)
from spectral_core.figures.estimators import ROLES, SYMBOLS
from spectral_core.figures.theme import ROLES as THEME

NAMES = {name: name.upper() for name in SYMBOLS}
PRODUCTS, SIGMAS = (100, 1000), (0.1, 0.01, 0.001)


def errors(seeds=4):
    """KPM best at few products, XNys at many; Lanczos as good as KPM; nobody at the smallest sigma and fewest products."""
    noise = np.random.default_rng(0).normal(1.0, 0.01, (7, seeds, 3, 2))
    level = {"xnystrom": [0.5, 0.01], "kpm": [0.1, 0.1], "lanczos": [0.1, 0.1]}
    made = {name: np.multiply(noise[k], level.get(name, [0.9, 0.9])) for k, name in enumerate(SYMBOLS)}
    for values in made.values():
        values[:, 2, 0] = np.nan
    return made


def test_every_estimator_has_a_colour_a_dash_and_a_symbol_of_its_own():
    styles = [THEME[ROLES.get(name, name)] for name in SYMBOLS]
    assert len({style.colour for style in styles}) == len(styles)
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)
    assert len({(style.dash, style.colour) for style in styles}) == len(styles)


def test_winners_tie_within_the_error_over_seeds():
    found = estimator_winners(errors())
    assert set(found[0][0]) == {"kpm", "lanczos"}
    assert found[0][1] == ("xnystrom",)
    assert found[2][0] == ()


@pytest.mark.parametrize(("ratio", "tied"), [(1.1, True), (1.3, False)])
def test_of_one_seed_a_fifth_is_a_tie(ratio, tied):
    [[cell]] = estimator_winners({"kpm": [[[0.1]]], "lanczos": [[[0.1 * ratio]]]})
    assert (len(cell) == 2) == tied


def test_an_estimator_without_a_value_never_wins():
    [[cell]] = estimator_winners({"kpm": [[[np.nan]]], "lanczos": [[[5.0]]]})
    assert cell == ("lanczos",)


def test_the_map_says_in_words_who_wins():
    figure = estimator_winners_figure(PRODUCTS, SIGMAS, errors(), names=NAMES, marked=(1000, 0.01))
    texts = [note.text for note in figure.layout.annotations]
    assert len(texts) == len(PRODUCTS) * len(SIGMAS)
    assert texts.count("nobody") == 1
    assert sum("XNYSTROM" in text for text in texts) == 3
    assert all("KPM" in text and "LANCZOS" in text for text in texts if "XNYSTROM" not in text and text != "nobody")
    drawn = {trace.marker.symbol for trace in figure.data}
    assert "star" in drawn
    assert len(drawn) >= 2
    assert len(figure.layout.shapes) == 6  # five cells with a winner, and the frame


def test_a_row_that_is_not_measured_is_nobodys_loss():
    nothing = {name: np.full((1, 2, 2), np.nan) for name in ("lanczos", "kpm")}
    figure = estimator_winners_figure((100, 200), (0.1, 0.05), nothing, names=dict.fromkeys(nothing, "A"), awaited=(1,))
    assert [one.text for one in figure.layout.annotations[-4:]] == ["nobody"] * 2 + ["not measured"] * 2


def test_the_errors_are_drawn_with_their_range():
    values = {name: one[:, 0] for name, one in errors().items()}
    figure = estimator_error_figure(PRODUCTS, values, names=NAMES, x_title="products", title="Errors", marked=100)
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines+markers"}
    assert set(lines) == set(NAMES.values())
    np.testing.assert_allclose(lines["KPM"].y, np.median(values["kpm"], axis=0))
    areas = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(areas) == len(lines)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    alone = estimator_error_figure(
        PRODUCTS, {"kpm": values["kpm"][:1], "maxent": np.full((1, 2), np.nan)}, names=NAMES, x_title="p", title="E"
    )
    assert [trace.name for trace in alone.data] == ["KPM"]  # no range of one seed, no line of none


def test_the_table_has_a_row_a_cell_and_estimator():
    table = estimator_winners_table(PRODUCTS, SIGMAS, errors(), names=NAMES)
    assert len(table) == 6 * len(NAMES)
    assert (table.place == "wins").sum() == 5
    nobody = table[(table["sigma (share)"] == 0.001) & (table.products == 100)]
    assert nobody["median L1 error"].isna().all()
    assert (nobody.seeds == 0).all()
