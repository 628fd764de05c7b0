"""Examples one click away: each sets the widgets, so that its link is a link like any other."""

import streamlit as st

from pages.ui.compare_tab import FIRST
from pages.ui.sigma import reset_sigma

__all__ = ["PRESETS", "apply", "examples"]

DEFAULTS = {
    "tab": "Spectrum",
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
TAB_DEFAULTS = {  # beside DEFAULTS, for the examples of a tab
    "Clusters": {
        "cluster_way": "This graph",
        "cluster_method": "plateau",
        "cluster_degree": 100,
        "cluster_probes": 32,
        "cluster_m": "all",
        "cluster_sigma": 0.02,
        "cluster_lanczos": "quick",
        "cluster_exact": True,
        "cluster_seconds": 10,
        "cluster_seed": 0,
        "cluster_window": 0.25,
        "cluster_aside": "How many moments?",
        "graph_seed": 0,
        "clusters": 30,
        "csize": 30,
        "csize_high": 0,
        "cp": 0.5,
        "links": 1,
        "cmodel": "er",
    },
    "Compare": {"compare_way": "Graphs", "compare": list(FIRST), "ridge": 2e-3, "distance": "Symmetric KL"},
    "Influence of an edge": {
        "influence_kind": "graph",
        "influence_clusters": 0,
        "influence_size": 100,
        "influence_seed": 0,
        "influence_edges": 1,
    },
    "Which model?": {
        "models": ["er", "ws", "ba"],
        "model_size": 1000,
        "model_degree": 30,
        "model_repeats": 5,
        "model_ridge": 2e-3,
        "model_probes": 32,
        "model_seed": 0,
        "model_exact": True,
    },
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
    "Digits among random graphs, two of each": {"tab": "Compare"},
    "Figure 3.4: the author's stored moments": {"tab": "Compare", "compare_way": "A file of moments"},
    "Figure 3.4: from the graphs (long downloads)": {
        "tab": "Compare",
        "compare": ["ca-GrQc", "ca-HepTh", "ca-HepPh", "roadNet-PA", "roadNet-CA"],
    },
    "Digits: two clusters and their own edges": {"tab": "Influence of an edge"},
    "Theorem 3: one edge": {"tab": "Influence of an edge", "influence_kind": "er", "influence_p": 0.3},
    "Corollary 3.1: equal degree d": {
        "tab": "Influence of an edge",
        "influence_kind": "ring",
        "influence_degree": 30,
    },
    "Handwritten digits: which model?": {
        "tab": "Which model?",
    },
    "Table 3.1a: ER, n = 150, p = 0.6": {
        "tab": "Which model?",
        "graph": "random",
        "model": "er",
        "n": 150,
        "p": 0.6,
        "graph_seed": 0,
    },
    "Table 3.1a: WS, n = 150, p = 0.4": {
        "tab": "Which model?",
        "graph": "random",
        "model": "ws",
        "n": 150,
        "k": 10,
        "rewire": 0.4,
        "graph_seed": 0,
    },
    "Table 3.1a: BA, n = 150, r = 60": {
        "tab": "Which model?",
        "graph": "random",
        "model": "ba",
        "n": 150,
        "attach": 60,
        "graph_seed": 0,
    },
    "Table 3.1b: a large BA graph": {
        "tab": "Which model?",
        "graph": "random",
        "model": "ba",
        "n": 5000,
        "attach": 3,
        "graph_seed": 0,
    },
    "A tie: a BA graph with r = 10": {
        "tab": "Which model?",
        "graph": "random",
        "model": "ba",
        "n": 5000,
        "attach": 10,
        "graph_seed": 0,
    },
    "Table 3.1b: YouTube (a long download)": {
        "tab": "Which model?",
        "name": "com-youtube",
    },
    "30 clusters of 30 nodes, a link each": {"tab": "Clusters", "graph": "random", "model": "clustered"},
    "Handwritten digits: no clear gap": {"tab": "Clusters"},
    "Figure 3.5 (a): 305 clusters of 500 to 1000": {
        "tab": "Clusters",
        "graph": "random",
        "model": "clustered",
        "clusters": 305,
        "csize": 500,
        "csize_high": 1000,
        "cp": 0.05,
        "cmodel": "mixed",
        "cluster_lanczos": "full",
        "cluster_exact": False,
    },
    "Figure 3.5 (b): 1355 clusters of 200 to 400": {
        "tab": "Clusters",
        "graph": "random",
        "model": "clustered",
        "clusters": 1355,
        "csize": 200,
        "csize_high": 400,
        "cp": 0.1,
        "cmodel": "mixed",
        "cluster_lanczos": "full",
        "cluster_exact": False,
    },
    "Figures 3.5 (c) and 3.6: Email (a download)": {
        "tab": "Clusters",
        "name": "email-Eu-core",
        "cluster_aside": "Density near 0",
    },
    "Table 3.2: networks drawn anew": {
        "tab": "Clusters",
        "cluster_way": "Table 3.2 anew",
        "cluster_table_size": 90,
        "cluster_table_seeds": 3,
    },
    **{
        f"Figure 3.7, Table 3.3: {title} (a download)": {
            "tab": "Clusters",
            "name": key,
            "cluster_method": "first minimum",
            "cluster_probes": 10,
            "dtype": "float32",
        }
        for title, key in (("DBLP", "com-dblp"), ("Amazon", "com-amazon"), ("YouTube", "com-youtube"))
    },
}


def examples(tab: str) -> None:
    """A button for each example of a tab."""
    st.markdown("**Examples**")
    for name, values in PRESETS.items():
        if values.get("tab", "Spectrum") == tab:
            st.button(name, on_click=apply, args=(name,), width="stretch")


def apply(name: str) -> None:
    """Set every widget to the example, as a button's callback."""
    preset = PRESETS[name]
    for key, value in (DEFAULTS | TAB_DEFAULTS.get(preset.get("tab"), {}) | preset).items():
        st.session_state[key] = value
    reset_sigma("spectrum")
