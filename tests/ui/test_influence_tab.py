"""The Influence tab without a browser: each kind of clusters, a slider that costs nothing, sentences, and its job."""

import pytest

from pages.ui import influence_job
from pages.ui.graph_source import GraphChoice
from pages.ui.influence_job import InfluenceSettings
from pages.ui.presets import PRESETS
from tests.ui.driving import finish, open_page, said

TAB = {"tab": "Influence of an edge"}


def result_of(settings):
    results = [step.result for step in influence_job.influence_job(settings) if step.result is not None]
    return results[-1]


def test_first_screen_is_finished_and_of_real_data():
    app = open_page(**TAB)
    assert not app.error
    assert not app.warning
    assert len(app.get("plotly_chart")) == 2
    assert "| E = 1 |" in said(app)
    assert "**0 products**, a dense solver" in said(app)
    assert "Cutting the graph into 11 clusters: **" in said(app)
    assert "digits" in " ".join(caption.value for caption in app.caption)


@pytest.mark.parametrize(
    "query",
    [
        {"influence_kind": "Erdős–Rényi", "influence_size": "30", "influence_p": "0.5"},
        {"influence_kind": "Rings", "influence_size": "30", "influence_degree": "4"},
        {"name": "Karate club", "influence_clusters": "2"},
    ],
)
def test_each_kind(query):
    app = open_page(**TAB, **query)
    assert not app.error
    assert len(app.get("plotly_chart")) == 2


def test_the_slider_needs_no_new_run(monkeypatch):
    app = open_page(**TAB, influence_kind="Rings", influence_size="30", influence_degree="4")
    monkeypatch.setattr("pages.ui.influence_tab.influence_job", None)  # a new run would fail
    [slider] = [widget for widget in app.slider if widget.key == "influence_edges"]
    finish(slider.set_value(9).run())
    assert not app.error
    assert "| E = 9 |" in said(app)
    assert "| Theorem 3 as printed (3.13) |" in said(app)


def test_more_edges_than_there_are_shows_all_of_them():
    app = open_page(**TAB, influence_edges="200")
    assert not app.error
    assert "all there are" in " ".join(caption.value for caption in app.caption)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"influence_kind": "Erdős–Rényi", "influence_p": "0"}, "larger p"),
        ({"influence_kind": "Rings", "influence_size": "10", "influence_degree": "12"}, "even k from 2 to"),
        ({"name": "Karate club", "graph": "Random", "model": "Erdős–Rényi", "n": "5", "p": "1"}, "graphs of 10 up to"),
        ({"influence_clusters": "2"}, "above the 1,200"),
        ({"name": "Karate club", "influence_clusters": "400"}, "from 1 to 34"),
        ({"graph": "Random", "model": "Barabási–Albert", "n": "30000", "attach": "2"}, "up to 20,000"),
    ],
)
def test_what_can_not_be_shown_gets_its_sentence(query, sentence):
    app = open_page(**TAB, **query)
    assert len(app.error) == 1
    assert sentence in app.error[0].value
    assert "Traceback" not in app.error[0].value


def test_theorem_3_of_the_preset():
    """What the Explain panel says of one edge, in numbers."""
    linked = result_of(InfluenceSettings(None, size=100, p=0.3)).linked
    assert linked.edges[1] == 1
    assert linked.thesis[1] > 2  # above the whole spectrum
    assert linked.shift[1] < linked.rayleigh[1] < 1.1 * linked.shift[1]
    assert linked.largest_shift[1] < linked.weyl[1] < linked.corollary[1]


def test_corollary_3_1_of_the_preset():
    linked = result_of(InfluenceSettings(None, size=100, degree=30)).linked
    assert linked.corrected[1] == pytest.approx(1 / 30)
    assert linked.thesis[1] == pytest.approx(2 - 2 / 30)
    assert linked.rayleigh[1] == pytest.approx(2 / 3001)


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.get("tab") == TAB["tab"]])
def test_examples(name):
    app = open_page(**TAB, influence_kind="Rings", influence_size="20", influence_degree="4", influence_edges="5")
    [button] = [button for button in app.button if button.label == name]
    finish(button.click().run())
    assert not app.error
    assert "| E = 1 |" in said(app)
    assert len(app.get("plotly_chart")) == 2


def test_one_seed_one_result_and_steps_that_rise():
    settings = InfluenceSettings(GraphChoice("catalogue", "digits"), clusters=0)
    fractions = [step.fraction for step in influence_job.influence_job(settings)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    first, again = (result_of(settings) for _ in range(2))
    assert (first.linked.eigenvalues == again.linked.eigenvalues).all()
    assert first.total == first.linked.edges[-1] > 0
