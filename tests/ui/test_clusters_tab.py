"""The Clusters tab without a browser: what it says of known graphs, every control, presets, membership, Table 3.2."""

import numpy as np
import pytest

from pages.ui import presets
from pages.ui.clusters_job import ClusterSettings, MembershipSettings, clusters_job, membership_job, table_3_2_job
from pages.ui.clusters_view import ASIDES, METHODS
from pages.ui.graph_source import GraphChoice
from pages.ui.presets import PRESETS
from tests.ui.driving import finish, open_page, said

CLUSTERED = GraphChoice("random", "clustered", (("clusters", 9), ("size", 30), ("p", 0.5), ("links", 1)))
SMALL = {
    "tab": "Clusters", "graph": "Random", "model": "Clustered network", "clusters": "9", "cluster_probes": "8",
    "cluster_degree": "40",
}  # fmt: skip
OWN = {name: values for name, values in PRESETS.items() if values.get("tab") == "Clusters"}


def test_the_default_graph_has_a_finished_picture():
    app = open_page(tab="Clusters")
    assert app.subheader[0].value == "No clear gap."
    assert "1,600 products" in said(app)
    assert "all eigenvalues by a dense solver" in said(app)
    assert len(app.get("plotly_chart")) == 2
    assert not app.error


def test_planted_clusters_are_counted_told_apart_and_checked():
    app = open_page(**SMALL)
    headline = app.subheader[0].value
    assert "weakly linked, in 1 connected component" in headline
    assert "Exactly, from all eigenvalues; from products alone" in said(app)
    assert "Planted: 9." in said(app)


@pytest.mark.parametrize("aside", ASIDES)
def test_every_view_beside_it(aside):
    app = open_page(**SMALL, cluster_aside=aside)
    assert not app.error
    if aside in ("All methods", "Numbers"):
        assert len(app.dataframe) == 1
    else:
        assert len(app.get("plotly_chart")) >= 2


@pytest.mark.parametrize("method", METHODS)
def test_every_method(method):
    app = open_page(**SMALL)
    [widget] = [widget for widget in app.selectbox if widget.key == "cluster_method"]
    app = finish(widget.set_value(method).run())
    assert not app.error
    assert app.subheader[0].value


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("cluster_m", "select_slider", 20),
        ("cluster_sigma", "select_slider", 0.1),
        ("cluster_probes", "slider", 4),
        ("cluster_degree", "slider", 60),
        ("cluster_seed", "number_input", 3),
        ("cluster_lanczos", "button_group", "off"),
        ("cluster_exact", "toggle", False),
        ("isolated", "button_group", 1.0),
        ("cmodel", "selectbox", "mixed"),
        ("csize_high", "number_input", 40),
    ],
)
def test_each_control(key, kind, value):
    app = open_page(**SMALL)
    [widget] = [widget for widget in app.get(kind) if widget.key == key]
    app = finish(widget.set_value(value).run())
    assert not app.error
    assert "products" in said(app)


def test_without_lanczos_its_method_says_why_it_has_nothing():
    app = open_page(**SMALL, cluster_lanczos="off", cluster_method="Smoothed Lanczos")
    assert "switched off" in said(app)


def test_lone_edges_need_no_product():
    app = open_page(tab="Clusters", graph="Random", n="4", p="0.0", model="Erdős–Rényi")
    assert "no edge" in said(app)


@pytest.mark.parametrize("name", list(OWN))
def test_presets(name, monkeypatch):
    small = {"clusters": 6, "csize": 12, "csize_high": 20, "cp": 0.6} if "clusters" in OWN[name] else {}
    if "download" in name:
        small |= {"name": "karate_club"}
    if "Table 3.2" in name:
        small |= {"cluster_table_size": 9, "cluster_table_seeds": 1}
    monkeypatch.setitem(presets.PRESETS, name, PRESETS[name] | small)
    app = open_page(tab="Clusters", name="Karate club")
    [button] = [button for button in app.button if button.label == name]
    app = finish(button.click().run())
    assert not app.error
    assert app.get("plotly_chart") or app.dataframe


def test_a_published_graph_stands_beside_table_3_3(monkeypatch):
    from pages.ui import clusters_view

    monkeypatch.setitem(clusters_view.TABLE_3_3, "karate_club", {40: 2.215e4, 100: 8.3e3})
    app = open_page(tab="Clusters", name="Karate club")
    [table] = app.dataframe
    assert list(table.value["Table 3.3"]) == [2.215e4, 8.3e3]
    assert np.isfinite(table.value["ours, Algorithm 5"]).all()


def test_membership_on_demand():
    app = open_page(**SMALL)
    [button] = [button for button in app.button if button.label == "Assign every node"]
    app = finish(button.click().run())
    assert "9 clusters" in said(app)
    assert "largest of 30 nodes" in said(app)


def test_an_impossible_model_gets_its_sentence():
    app = open_page(**(SMALL | {"csize": "3"}))
    assert len(app.error) == 1
    assert "clusters, size and links" in app.error[0].value


# The jobs


def test_the_job_yields_often_and_every_result_is_complete():
    last = 0.0
    for step in clusters_job(ClusterSettings(CLUSTERED, degree=40, probes=6)):
        assert step.fraction >= last
        last = step.fraction
        if step.result is not None:
            assert step.result.count.sentence
    result = step.result
    assert last == 1.0
    assert result.count.exact == result.exact_below(result.count.threshold)[0] == 9
    assert [m for m, _ in result.lanczos] == [10, 20, 30, 40]
    assert result.lanczos[-1][1].products == result.moments.products


def test_membership_job_splits_the_planted_clusters():
    *_, last = membership_job(MembershipSettings(CLUSTERED, 9))
    labels = last.result.membership.labels.reshape(9, 30)
    assert (labels == labels[:, :1]).all()
    assert len(np.unique(labels)) == 9


def test_table_3_2_job_fills_its_rows():
    *_, last = table_3_2_job((9,), 2)
    [(size, errors)] = last.result
    assert (size, last.fraction) == (9, 1.0)
    assert {len(found) for found in errors.values()} == {2}
    # half of what lies at 0 is lost without reflection
    assert np.mean(errors["smoothed Lanczos"]) > 0.3 > np.mean(errors["plateau"])
