"""The "Which model?" tab without a browser: first picture, controls, sentences, and the published numbers beside ours."""

import pytest

from pages.ui import presets
from pages.ui.graph_source import GraphChoice
from pages.ui.model_job import ModelSettings, model_job
from pages.ui.presets import PRESETS
from pages.ui.published import TABLE_3_1A, table_3_1
from tests.ui.driving import finish, open_page, said

TAB = "Which model?"
QUICK = {"tab": TAB, "model_size": "50", "model_degree": "10", "model_repeats": "2", "model_probes": "4"}
ER = {"graph": "Random", "model": "Erdős–Rényi"}
SMALL = QUICK | ER | {"n": "60", "p": "0.3"}


def captions(app):
    return " ".join(caption.value for caption in app.caption)


def test_first_picture_is_finished_and_told_in_words():
    app = open_page(tab=TAB)
    assert not app.error
    assert not app.warning
    assert "is nearest" in said(app)
    assert "So far" not in said(app)
    assert len(app.get("plotly_chart")) == 4
    assert "error allowed a moment 0.002" in captions(app)
    assert "Neighbours k tried" in captions(app)
    assert "the graph's moments **480**" in said(app)


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("model_size", "select_slider", 100),
        ("model_degree", "slider", 20),
        ("model_repeats", "slider", 3),
        ("model_ridge", "select_slider", 5e-3),
        ("model_seed", "number_input", 4),
        ("model_exact", "toggle", False),
        ("isolated", "button_group", 1.0),
    ],
)
def test_each_control(key, kind, value):
    app = open_page(**SMALL)
    before = [widget for widget in app.get(kind) if widget.key == key]
    finish(before[0].set_value(value).run())
    assert not app.error
    assert "roducts" in said(app)


def test_one_model_and_none():
    app = open_page(**SMALL | {"models": "Erdős–Rényi"})
    assert len(app.get("plotly_chart")) == 2
    assert "Watts–Strogatz with" not in said(app)
    [pills] = [widget for widget in app.get("button_group") if widget.key == "models"]
    finish(pills.set_value([]).run())
    assert "Choose at least one model" in said(app)
    assert not app.error


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (QUICK | ER | {"n": "60", "p": "0"}, "has no edge"),
        (QUICK | ER | {"n": "9", "p": "0.5"}, "9 nodes, too few for 10 moments"),
        (SMALL | {"n": "500"}, "too large for candidates of 50 nodes"),
        (
            QUICK | ER | {"model_degree": "50", "n": "200", "p": "0.1"},
            "choose a size above 50",
        ),
    ],
)
def test_what_can_not_be_fitted_gets_its_sentence(query, sentence):
    app = open_page(**query)
    assert len(app.error) == 1
    assert sentence in app.error[0].value


@pytest.mark.parametrize(("model", "value"), [("er", {"p": 0.6}), ("ws", {"k": 10, "p": 0.4}), ("ba", {"m": 20})])
def test_published_numbers_are_found_for_their_graphs_only(model, value):
    def choice(n, **parameters):
        return GraphChoice("random", model, tuple(({"n": n} | parameters).items()))

    name, published, remark = table_3_1(choice(50, **value))
    assert name == "Table 3.1a, n = 50"
    assert published == {model: TABLE_3_1A[model][50]}
    assert "Put in" in remark
    assert table_3_1(choice(60, **value)) is None
    assert table_3_1(GraphChoice("catalogue", "digits")) is None


def test_published_numbers_stand_beside_ours():
    app = open_page(**QUICK | ER | {"n": "50", "p": "0.6", "models": "Erdős–Rényi"})
    assert "Put in: 0.6" in captions(app)
    table = app.dataframe[0].value
    assert list(table["thesis"]) == [0.6]
    name, published, remark = table_3_1(GraphChoice("random", "ba", (("n", 5000), ("m", 3))))
    assert published["ba"] == 2.001
    assert "had not converged" in remark
    assert table_3_1(GraphChoice("catalogue", "com-youtube"))[1]["er"] == 7.728


@pytest.mark.parametrize("name", [n for n, v in PRESETS.items() if v.get("tab") == TAB and "YouTube" not in n])
def test_presets(name, monkeypatch):
    small = {"model_exact": False, "model_size": 150, "model_repeats": 2, "model_probes": 4, "model_degree": 10}
    small |= {"n": 300, "attach": 3} if PRESETS[name].get("n", 0) > 1000 else {}
    monkeypatch.setitem(presets.PRESETS, name, PRESETS[name] | small)
    app = open_page(**SMALL)
    [button] = [button for button in app.button if button.label == name]
    finish(button.click().run())
    assert not app.error
    assert app.get("plotly_chart")
    assert ("Put in" in captions(app)) == name.startswith("Table 3.1a")


def test_the_job_ends_with_everything_and_can_be_left_at_any_step():
    settings = ModelSettings(
        GraphChoice("random", "ba", (("n", 350), ("m", 2))), size=50, degree=10, repeats=2, probes=2
    )
    steps = list(model_job(settings))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    last = steps[-1].result
    assert len(last.eigenvalues) == 350
    assert len(last.fits.fits) == 3
    assert any("point" in step.note for step in steps)
    early = model_job(settings)
    next(early)
    early.close()
