"""The Influence tab: two clusters, the edges between them one by one, the truth and the bounds."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound
from pages.ui.explain import INFLUENCE
from pages.ui.influence_job import EDGES, LARGEST, InfluenceSettings, influence_job
from pages.ui.notebook import influence_notebook
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["influence_tab"]

KINDS = {"graph": "Of the graph", "er": "Erdős–Rényi", "ring": "Rings"}
ROWS = (  # field, what it says, whether it bounds
    ("rayleigh", "Rayleigh quotient", "yes, of λ₂"),
    ("weyl", "Weyl: norm of the change", "yes, of every shift"),
    ("corollary", "Corollary 3.1: E/d", "for equal degrees"),
    ("corrected", "Theorem 3, factors put back", "no"),
    ("thesis", "Theorem 3 as printed (3.13)", "no"),
)


def influence_tab(graph) -> None:
    """Controls, run and picture; `graph`, a GraphChoice or None, is cut in clusters where that is asked for."""
    kind = bound(
        st.segmented_control,
        "Two clusters",
        list(KINDS),
        key="influence_kind",
        default="graph",
        required=True,
        format_func=KINDS.get,
        help="Of the graph in the sidebar: its two largest clusters that are joined, and the edges between them.",
    )
    settings = _choose(kind, graph)
    if settings is not None:
        runs.show(
            "influence",
            key=settings,
            job=lambda: influence_job(settings),
            draw=lambda result: _draw(result, settings),
            title="Joining two clusters",
        )
    with st.expander("Explain"):
        st.markdown(INFLUENCE)


def _choose(kind, graph):
    columns = st.columns(2)
    number = st.number_input
    clusters, size, p, degree = 0, 100, None, None
    if kind == "graph":
        with columns[0]:
            clusters = bound(
                number,
                "Clusters to cut it into (0: as many as are found)",
                0,
                500,
                0,
                key="influence_clusters",
                help="Where no clear gap says how many, a tenth of the nodes and at most 11.",
            )
    else:
        with columns[0]:
            size = bound(number, "Nodes a cluster", 4, LARGEST // 2, 100, key="influence_size")
        with columns[1]:
            if kind == "er":
                p = bound(number, "Edge probability p", 0.0, 1.0, 0.3, key="influence_p", step=0.05)
            else:
                degree = bound(number, "Degree d (even)", 2, LARGEST // 2, 10, 2, key="influence_degree")
    with st.sidebar, st.expander("Computation"):
        seed = bound(number, "Seed of clusters and edges", 0, 10**9, 0, key="influence_seed")
        st.caption("Dense solves on the CPU in float64: the answers are exact, so there is no device to choose.")
    if kind == "graph" and graph is None:
        return None
    return InfluenceSettings(graph if kind == "graph" else None, clusters, size, p, degree, seed)


def _draw(result, settings) -> None:
    linked = result.linked
    asked = bound(
        st.slider, "Edges between the clusters E", 1, EDGES, 1, key="influence_edges", help="Kept solves: no product."
    )
    index = int(np.abs(linked.edges - asked)[1:].argmin()) + 1
    edges = int(linked.edges[index])
    if edges != asked:
        why = "all there are" if edges == result.total else "the nearest computed"
        st.caption(f"Shown: E = {edges}, {why}.")
    truth = linked.shift[index]
    moved = linked.largest_shift[index]
    rows = [
        f"| E = {edges} | value | times the truth | a bound? |",
        "|---|---|---|---|",
        f"| **λ₂, which was 0** | **{truth:.4g}** | 1 | the truth |",
        f"| Largest shift of any eigenvalue | {moved:.4g} | {_times(moved, truth)} | the truth |",
    ]
    for field, name, bounds in ROWS:
        value = getattr(linked, field)[index]
        rows.append(f"| {name} | {value:.4g} | {_times(value, truth)} | {bounds} |")
    plot(figures.influence_figure(linked, edges=edges), "truth and bounds")
    st.markdown("\n".join(rows))
    plot(figures.before_after_figure(linked, index), "smallest eigenvalues")
    cutting = (
        f"Cutting the graph into {result.clusters} clusters: **{result.products:,} products**. "
        if result.products
        else ""
    )
    st.markdown(
        f"{cutting}The eigenvalues: **0 products**, a dense solver for each of {len(linked.edges)} values of E, exact to "
        f"rounding (no error bar). The clusters have {result.sizes[0]:,} and {result.sizes[1]:,} nodes, mean degree "
        f"{linked.degree:.3g}."
    )
    st.caption(f"{settings.caption()}.")
    take_away(
        "influence-of-edges",
        {"Data": lambda: figures.influence_table(linked)},
        lambda: influence_notebook(settings, result.clusters),
    )


def _times(value, truth):
    ratio = value / truth if truth > 0 else float("nan")
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
