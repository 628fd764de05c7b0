"""What the sigma view sends to the browser, and what it refuses."""

import json

import pytest
from streamlit.testing.v1 import AppTest


def app():
    import streamlit as st

    from pages.ui.sigma import set_sigma, sigma_view

    given = {"key": "view", "interval": (0.0, 2.0), "nodes": [1.0, 0.5], "weights": [0.5, 0.5]}
    given |= st.session_state.get("settings", {})
    if "move" in st.session_state:
        set_sigma("view", st.session_state["move"])
    try:
        st.write(f"sigma {sigma_view(**given)}")
    except ValueError as problem:
        st.error(str(problem))


def opened(settings=None, **state):
    test = AppTest.from_function(app)
    test.session_state["settings"] = settings or {}
    for name, value in state.items():
        test.session_state[name] = value
    test.run()
    assert not test.exception
    return test


def sent(test):
    return json.loads(test.get("bidi_component")[0].proto.json)


def test_nodes_are_sorted_and_merged_with_their_mass():
    data = sent(opened({"nodes": [1.0, 0.5, 0.5 + 1e-7, 2.0], "weights": [0.5, 0.25, 0.25, 0.0]}))
    assert data["nodes"] == pytest.approx([0.5, 1.0])
    assert data["weights"] == pytest.approx([0.5, 0.5])


def test_a_stem_at_an_atom_is_left_to_the_atom():
    data = sent(opened({"atoms": [(0.5, 0.5)]}))
    assert data["stems"] == {"x": [1.0], "y": [0.5]}
    assert data["atoms"] == [[0.5, 0.5]]


def test_an_unknown_error_is_sent_as_none():
    curve = {"name": "c", "x": [0.0, 1.0], "y": [1.0, 1 / 3], "se": [float("inf")] * 2, "role": "maxent"}
    [data] = sent(opened({"curves": [curve]}))["curves"]
    assert data["se"] is None
    assert data["y"] == [1.0, 0.33333]


def test_sigma_is_remembered_moved_and_kept_in_range():
    test = opened({"sigma": 0.1})
    assert test.markdown[0].value == "sigma 0.1"
    test.session_state["settings"] = {"sigma": 0.3}  # only the first one counts
    assert test.run().markdown[0].value == "sigma 0.1"
    test.session_state["move"] = 0.2
    assert test.run().markdown[0].value == "sigma 0.2"
    assert sent(test)["sigma"] == 0.2
    assert opened(move=7.0).markdown[0].value == "sigma 0.5"


def test_a_ladder_travels_with_its_exact_curve():
    ladder = {
        "name": "sketch",
        "role": "xnystrom",
        "x": [0.0, 2.0],
        "sigmas": [0.1, 0.2],
        "y": [[1.0, 1 / 3], [0.5, 0.5]],
    }
    exact = {"sigma": 0.15, "x": [0.0, 1.0, 2.0], "y": [0.7, 0.6, 0.5], "se": [0.1, 0.1, 0.1]}
    data = sent(opened({"ladders": [ladder, ladder | {"exact": exact}], "truth": True, "big": True}))
    first, second = data["ladders"]
    assert first["sigmas"] == [0.1, 0.2]
    assert first["y"] == [[1.0, 0.3333], [0.5, 0.5]]
    assert first["exact"] is None
    assert second["exact"] == exact
    assert data["truth"]
    assert data["big"]
    assert "xnystrom" in data["styles"]


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"nodes": [0.0, float("nan")]}, "nodes must be finite"),
        ({"weights": [1.0]}, "as many values as positions"),
        ({"interval": (1.0, 1.0)}, "lower < upper"),
        ({"kernel": "box"}, "kernel must be one of"),
        ({"sigma_range": (0.0, 1.0)}, "sigma_range needs"),
        ({"curves": [{"name": "c", "x": [0.0], "y": [1.0], "role": "pink"}]}, "role must be one of"),
        ({"curves": [{"name": "c", "x": [0.0], "y": [1.0], "se": [1.0, 2.0]}]}, "as many standard errors"),
        ({"histogram": {"edges": [0.0, 1.0], "density": [1.0, 2.0]}}, "one edge more than bars"),
        ({"atoms": [(float("inf"), 0.1)]}, "atoms must be finite"),
        ({"ladders": [{"name": "l", "x": [0.0], "sigmas": [0.1], "y": [[1.0, 2.0]]}]}, "finite values of shape"),
        ({"ladders": [{"name": "l", "x": [0.0], "sigmas": [0.2, 0.1], "y": [[1.0], [2.0]]}]}, "positive and ascending"),
    ],
)
def test_bad_numbers_are_refused_with_the_rule(settings, rule):
    [error] = opened(settings).error
    assert rule in error.value
