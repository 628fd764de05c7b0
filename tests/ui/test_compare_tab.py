"""The Compare tab without a browser: lists of graphs, bad ones, knobs, and the file of moments."""

import io
import json

import numpy as np
import pytest

from pages.ui import compare_job, uploads
from pages.ui.compare_job import CompareSettings
from pages.ui.compare_tab import FIRST
from pages.ui.graph_names import choice_of, name_of
from pages.ui.graph_source import GraphChoice
from pages.ui.notebook import comparison_notebook
from spectral_core.graphs import similarity_of_moments
from tests.ui.driving import finish, open_page, run_notebook, said

FEW = ["er n=200 p=0.05 seed=0", "ba n=200 m=5 seed=0", "digits"]
QUICK = {"tab": "Compare", "compare_degree": "20", "compare_probes": "2"}


@pytest.mark.parametrize(
    "choice",
    [
        GraphChoice("catalogue", "digits"),
        GraphChoice("random", "ws", (("n", 100), ("k", 4), ("p", 0.25)), 7),
        GraphChoice("random", "blocks", (("sizes", (5, 5)), ("probabilities", ((0.5, 0.1), (0.1, 0.5)))), 1),
        GraphChoice("random", "clustered", (("clusters", 3), ("size", (20, 30)), ("model", "mixed")), 1),
        GraphChoice(
            "upload", "my graph.txt", (("directed", "reciprocal"), ("self_loops", "keep")), digest="0123456789abcdef"
        ),
        GraphChoice("upload", "a.mtx", (("directed", "union"), ("self_loops", "drop")), digest="0123456789abcdef"),
    ],
)
def test_names_lead_back_to_the_choice(choice):
    assert choice_of(name_of(choice)) == choice


@pytest.mark.parametrize(
    "name", ["", "foo", "er x", "er n=__import__('os')", "er n=[", "er n=1e9999x", "ba m", "er n=9 p=0.5 seed=1.5"]
)
def test_what_names_no_graph_gets_its_sentence(name):
    with pytest.raises(ValueError, match="names no graph"):
        choice_of(name)


def test_first_comparison_is_finished_and_told_in_words():
    app = open_page(tab="Compare")
    assert not app.error
    assert not app.warning
    assert "Nearest:" in said(app)
    assert f"{len(FIRST) * 500:,} products" in " ".join(caption.value for caption in app.caption)
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"compare": FEW[:1]}, "needs at least two graphs"),
        ({"compare": [*FEW, "nonsense"]}, "names no graph"),
        ({"compare": [*FEW, "karate_club"], "compare_degree": "50"}, "34 nodes, too few for 50 moments"),
        ({"compare": [*FEW, "er n=200 p=0.05"]}, "the same graph as"),
        ({"compare": [*FEW, "er n=200"]}, "missing a required argument"),
        ({"compare": [*FEW, "er n=200 p=7 seed=1"]}, "must be a probability"),
        ({"compare": [*FEW, "er n=20.5 p=0.1"]}, "a whole number of nodes"),
        ({"compare": [*FEW, "er n=1000000 p=0.5"]}, "at most 2e+08 are drawn"),
        ({"compare": [*FEW, "er n=200 p=0.1 q=0.5"]}, "unexpected keyword"),
        ({"compare": [*FEW, "x.txt @0123456789abcdef"]}, "no longer kept on this server"),
    ],
)
def test_what_can_not_be_compared_is_left_out_with_its_sentence(query, sentence):
    app = open_page(**(QUICK | query))
    assert sentence in said(app)
    if len(query["compare"]) > 1:
        assert len(app.get("plotly_chart")) == 2  # the others are compared all the same


def test_knobs_cost_no_product_and_graphs_are_kept(monkeypatch):
    app = open_page(**QUICK, compare=FEW)
    monkeypatch.setattr(compare_job, "graph_steps", None)  # nothing may be read or measured any more
    before = app.get("plotly_chart")[0].proto.spec
    for key, value in (("compare_m100", 5), ("ridge", 0.01)):
        [widget] = [one for one in [*app.slider, *app.select_slider] if one.key == key]
        finish(widget.set_value(value).run())
        assert app.get("plotly_chart")[0].proto.spec != before
        before = app.get("plotly_chart")[0].proto.spec
    finish(app.multiselect(key="compare").set_value(FEW[:2]).run())
    assert not app.error
    assert not app.warning


@pytest.mark.parametrize("aside", ["Densities", "Pairs", "Each graph"])
@pytest.mark.parametrize("distance", ["Symmetric KL", "Wasserstein"])
def test_every_view(aside, distance):
    app = open_page(**QUICK, compare=FEW, compare_aside=aside, distance=distance)
    assert not app.error
    title = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["title"]["text"]
    assert title.lower().startswith(distance.lower())
    assert len(app.get("plotly_chart")) + len(app.dataframe) == 2


def moments_file(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_a_file_of_moments_with_and_without_coefficients():
    row = np.array([1.0, 0.5, -0.3, -0.6])
    content = moments_file(mu_a=row, mu_b=row * [1, 0.9, 1, 1], alpha_a=[0.1, 0.2], alpha_b=[0.1, 0.1])
    app = open_page(tab="Compare", compare_way="A file of moments", moments=uploads.keep("m.npz", content))
    assert not app.error
    assert "As stored" in " ".join(one.value for one in app.subheader)
    assert len(app.get("plotly_chart")) == 3
    content = moments_file(mu_a=row, mu_b=row * [1, 0.9, 1, 1])
    app = open_page(tab="Compare", compare_way="A file of moments", moments=uploads.keep("m.npz", content))
    assert len(app.get("plotly_chart")) == 2


def test_a_bad_file_of_moments_gets_its_sentence():
    digest = uploads.keep("m.npz", b"nothing")
    app = open_page(tab="Compare", compare_way="A file of moments", moments=digest)
    assert "this is none" in said(app)


def test_settings_know_the_graphs():
    settings = CompareSettings(tuple(map(choice_of, FEW)))
    assert "10 probes a graph" in settings.caption()


def test_the_notebook_reproduces_the_numbers():
    settings = CompareSettings(tuple(map(choice_of, FEW)), degree=20, probes=3, seed=4)
    *_, last = compare_job.compare_job(settings)
    compared = last.result.compared
    names = tuple(one.name for one in compared)
    similarity = similarity_of_moments([one.moments for one in compared], names, degree=15, ridge=1e-3)
    made = run_notebook(comparison_notebook(settings, similarity, names))
    assert made["similarity"].names == names
    np.testing.assert_array_equal(made["similarity"].divergence, similarity.divergence)
