"""Examples one click away: each sets the widgets, so that its link is a link like any other."""

import streamlit as st

from pages.ui.sigma import reset_sigma

__all__ = ["PRESETS", "apply"]

DEFAULTS = {
    "graph": "catalogue",
    "name": "digits",
    "matrix": "normalised_laplacian",
    "probes": 10,
    "steps": 50,
    "degree": 100,
    "seed": 0,
    "exact": True,
    "dtype": "float64",
    "isolated": 0.0,
    "m": 60,
    "basis": "chebyshev",
    "kernel": "gaussian",
    "bins": 100,
    "law": False,
    "aside": "Why smoothing misleads",
    "ladder_bins": 500,
}
PRESETS = {
    "Handwritten digits, joined to their nearest": {},
    "Figure 3.1: Erdős–Rényi, m = 3 to 100": {
        "graph": "random",
        "model": "er",
        "n": 5000,
        "p": 0.001,
        "graph_seed": 0,
        "bins": 500,
        "m": 100,
        "aside": "How many moments?",
    },
    "Figure 3.2: the semicircle": {"aside": "How many moments?", "law": True},
    "Figure 3.3: Barabási–Albert": {
        "graph": "random",
        "model": "ba",
        "n": 5000,
        "attach": 3,
        "graph_seed": 0,
        "bins": 500,
        "m": 100,
        "aside": "How many moments?",
    },
}


def apply(name: str) -> None:
    """Set every widget to the example, as a button's callback."""
    for key, value in (DEFAULTS | PRESETS[name]).items():
        st.session_state[key] = value
    reset_sigma("spectrum")
