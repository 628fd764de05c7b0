"""The graph page without a browser: every control, uploads good and bad, links, and the notebook it hands out."""

import gzip
import io
import json

import numpy as np
import pytest
from scipy import sparse

from pages.ui import presets, uploads
from pages.ui.graph_source import MODELS, GraphChoice
from pages.ui.notebook import spectrum_notebook
from pages.ui.presets import PRESETS
from pages.ui.spectrum_job import SpectrumSettings, spectrum_job
from pages.ui.spectrum_view import ASIDES, SpectrumView
from tests.ui.driving import finish, open_page, run_notebook, said

SMALL = {"graph": "Catalogue", "name": "Karate club", "steps": "10", "probes": "3", "degree": "20"}


def test_first_screen_is_a_finished_picture_of_a_real_graph():
    app = open_page()
    assert app.title[0].value == "Graph explorer"
    assert "500 products" in said(app)
    assert "all 1,797 eigenvalues" in said(app)
    assert not app.error
    assert not app.warning
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize("aside", ASIDES)
def test_every_figure_beside_it(aside):
    app = open_page(**SMALL, aside=aside, m="10")
    assert not app.error
    charts = app.get("plotly_chart")
    if aside == "Numbers":
        assert len(app.dataframe) == 2
    else:
        [chart] = charts
        layout = json.loads(chart.proto.spec)["layout"]
        axes = [layout[name] for name in layout if name.startswith(("xaxis", "yaxis"))]
        assert all(axis["title"]["text"] for axis in axes)


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("matrix", "selectbox", "laplacian"),
        ("matrix", "selectbox", "adjacency"),
        ("isolated", "button_group", 1.0),
        ("probes", "slider", 2),
        ("steps", "slider", 15),
        ("degree", "slider", 30),
        ("seed", "number_input", 3),
        ("exact", "toggle", False),
        ("dtype", "button_group", "float32"),
        ("m", "slider", 5),
        ("basis", "selectbox", "legendre"),
        ("basis", "selectbox", "power"),
        ("kernel", "selectbox", "cauchy"),
        ("bins", "slider", 20),
    ],
)
def test_each_control(key, kind, value):
    app = open_page(**SMALL)
    [widget] = [widget for widget in app.get(kind) if widget.key == key]
    finish(widget.set_value(value).run())
    assert not app.error
    assert "products" in said(app)


@pytest.mark.parametrize("model", ["er", "ws", "ba", "blocks", "clustered"])
def test_random_graphs(model):
    query = SMALL | {
        "graph": "random",
        "model": model,
        "n": "60",
        "p": "0.1",
        "attach": "2",
        "k": "4",
        "size": "20",
        "clusters": "5",
        "csize": "10",
    }
    app = open_page(**query)
    assert not app.error
    assert "products" in said(app)


def test_impossible_parameters_get_a_sentence_and_lose_nothing():
    app = open_page(**(SMALL | {"graph": "Random", "model": MODELS["ba"], "n": "10", "attach": "50"}))
    assert len(app.error) == 1
    [attach] = [widget for widget in app.number_input if widget.key == "attach"]
    assert attach.value == 50
    finish(attach.set_value(2).run())
    assert not app.error


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if "tab" not in preset])
def test_presets_set_the_widgets(name, monkeypatch):
    small = {"n": 100, "p": 0.05} if "graph" in PRESETS[name] else {}
    monkeypatch.setitem(presets.PRESETS, name, PRESETS[name] | small)
    app = open_page(**SMALL)
    [button] = [button for button in app.button if button.label == name]
    finish(button.click().run())
    assert not app.error
    assert app.get("plotly_chart")


def test_a_link_with_nonsense_shows_the_default_and_says_so():
    app = open_page(**(SMALL | {"matrix": "hessian", "probes": "many", "sigma": "wide"}))
    assert "hessian" in said(app)
    assert "many" in said(app)
    assert "wide" in said(app)


# Uploads


def upload(name, content, **query):
    app = open_page(**(SMALL | {"graph": "Upload"} | query))
    app.file_uploader[0].set_value((name, content, "application/octet-stream"))
    app.run()
    return finish(app)


EDGES = b"# a comment\n1 2\n2 3\n3 1\n3 4\n4 5\n"


def _npz(matrix):
    file = io.BytesIO()
    sparse.save_npz(file, matrix)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", EDGES),
        ("packed.txt.gz", gzip.compress(EDGES)),
        ("words.csv", b"source,target,weight\nann,bob,1.5\nbob,cid,2\ncid,dan,1\n"),
        ("matrix.mtx", b"%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n"),
        ("matrix.npz", _npz(sparse.csr_array(np.ones((4, 4)) - np.eye(4)))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_uploads(name, content):
    app = upload(name, content)
    assert not app.error
    assert "products" in said(app)
    assert app.query_params["upload"] == uploads.digest_of(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("binary.txt", bytes(range(256)) * 20),
        ("empty.txt", b""),
        ("words.txt", b"dear all\nplease find attached the graph\nbest wishes\n"),
        ("nan.csv", b"1,2,1.0\n2,3,nan\n"),
        ("negative.csv", b"1,2,1.0\n2,3,-4\n"),
        ("one.txt", b"1 1\n"),
        ("no_edge.mtx", b"%%MatrixMarket matrix coordinate pattern symmetric\n3 3 0\n"),
        ("bomb.txt.gz", gzip.compress(b"1 2\n" * (2**28 + 1), compresslevel=1)),
        ("cut.txt.gz", gzip.compress(EDGES * 1000)[:60]),
        ("cut.mtx", b"%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_uploads_get_one_sentence_each(name, content):
    app = upload(name, content, seed="7")
    assert len(app.error) == 1
    sentence = app.error[0].value
    assert "Traceback" not in sentence
    assert "not foreseen" not in sentence
    assert len(sentence) < 400
    assert [widget.value for widget in app.number_input if widget.key == "seed"] == [7]


def test_a_link_whose_upload_is_gone_asks_for_it_by_name_and_hash():
    app = open_page(**SMALL | {"graph": "Upload", "upload": "00112233aabbccdd", "file": "friends.txt"})
    assert "friends.txt" in said(app)
    assert "00112233aabbccdd" in said(app)
    assert "kept" in " ".join(caption.value for caption in app.caption)


# The notebook


@pytest.mark.parametrize("choice", ["karate", "random", "upload"])
def test_the_notebook_reproduces_the_numbers(choice, tmp_path, monkeypatch):
    graph = {
        "karate": GraphChoice("catalogue", "karate_club"),
        "random": GraphChoice("random", "er", (("n", 80), ("p", 0.1)), seed=3),
        "upload": GraphChoice(
            "upload",
            "edges.txt",
            (("directed", "union"), ("self_loops", "drop")),
            digest=uploads.keep("edges.txt", EDGES),
        ),
    }[choice]
    settings = SpectrumSettings(graph, steps=4, probes=3, degree=8, seed=5)
    *_, last = spectrum_job(settings)
    view = SpectrumView(sigma=0.07, kernel="gaussian", shown=6, basis="legendre", bins=40)
    (tmp_path / "edges.txt").write_bytes(EDGES)
    monkeypatch.chdir(tmp_path)
    names = run_notebook(spectrum_notebook(settings, view))
    result = last.result
    assert names["result"].products == result.spectrum.products
    np.testing.assert_array_equal(names["result"].quadrature.nodes, result.spectrum.quadrature.nodes)
    np.testing.assert_array_equal(names["result"].moments.values, result.spectrum.moments.values)
    np.testing.assert_allclose(names["eigenvalues"], result.eigenvalues, atol=1e-12)
    x = np.linspace(0.1, 1.9, 7)
    np.testing.assert_array_equal(
        names["densities"]["smoothed"].pdf(x), result.spectrum.quadrature.smoothed(x, view.sigma)
    )
    assert names["densities"]["maximum entropy"].degree == view.shown
