"""The Clusters tab: its controls in the sidebar, its run, its picture, each node's cluster, and Table 3.2 anew."""

from functools import partial

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.clusters_job import (
    EXACT_LIMIT,
    WORK,
    ClusterSettings,
    MembershipSettings,
    clusters_job,
    membership_job,
    table_3_2_job,
)
from pages.ui.clusters_view import draw_clusters, draw_table_3_2
from pages.ui.controls import bound, verbatim
from pages.ui.explain import CLUSTERS
from pages.ui.published import TABLE_3_2
from pages.ui.spectrum_tab import choose_device, choose_isolated

__all__ = ["clusters_tab"]

WAYS = ("This graph", "Table 3.2 anew")
ASKED = "_membership"  # in the session: what was asked to be assigned


def clusters_tab(graph) -> None:
    """Controls, run and picture of `graph`, a GraphChoice or None."""
    way = bound(st.segmented_control, "Count in", WAYS, key="cluster_way", default=WAYS[0], required=True)
    if way == WAYS[1]:
        _table_3_2()
    else:
        _count_in(graph)
    with st.expander("Explain"):
        st.markdown(CLUSTERS)


def _count_in(graph):
    with st.sidebar:
        isolated = choose_isolated()
        with st.expander("Computation"):
            degree = bound(st.slider, "Moments", 20, 400, 100, 10, key="cluster_degree", help="Two moments a product.")
            probes = bound(
                st.slider, "Probes", 2, 128, 32, 2, key="cluster_probes", help="The error falls with their root."
            )
            lanczos = bound(
                st.segmented_control,
                "Lanczos beside it",
                ("off", *WORK),
                key="cluster_lanczos",
                default="quick",
                required=True,
                help="Its vectors are kept orthogonal, which on a large graph costs more than the products. Full: minutes.",
            )
            exact = bound(
                st.toggle, f"Exact count (all eigenvalues up to n = {EXACT_LIMIT:,})", True, key="cluster_exact"
            )
            seconds = bound(st.slider, "Give the exact count up after (s)", 2, 120, 10, 2, key="cluster_seconds")
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="cluster_seed")
            dtype, device = choose_device()
    if graph is None:
        return
    settings = ClusterSettings(graph, isolated, degree, probes, lanczos, exact, seconds, seed, dtype, device)
    run = runs.show(
        "clusters",
        key=settings,
        job=lambda: clusters_job(settings),
        draw=lambda result: draw_clusters(result, settings),
        title=f"Clusters of {verbatim(graph.title())}",
    )
    if run.state == "finished":
        with st.expander("Which node is in which cluster?"):
            _membership(run.latest, settings)


def _membership(result, settings):
    count = result.count
    likely = count.exact if count.exact is not None else count.components if not count.clear else round(count.value)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # a key of its own for each graph, so that one graph's number is not another's
        k = st.number_input(
            "Clusters",
            count.components,
            max(result.n - 1, count.components),
            likely,
            key=f"cluster_k-{result.name}-{likely}",
        )
        asked = MembershipSettings(
            settings.graph, int(k), settings.isolated, settings.seed, settings.dtype, settings.device
        )
        if st.button("Assign every node"):
            st.session_state[ASKED] = asked
    st.caption(
        "By the low eigenvectors of the normalised Laplacian and a pivoted QR factorisation."
        + ("" if count.clear else " There is no clear gap here: beyond the components, any number is a choice.")
    )
    if st.session_state.get(ASKED) == asked:
        runs.show(
            "membership",
            key=asked,
            job=lambda: membership_job(asked),
            draw=partial(_draw_membership, settings=settings),
            title=f"{asked.count:,} clusters of {verbatim(settings.graph.title())}",
        )


def _draw_membership(result, settings):
    found = result.membership
    sizes = np.bincount(found.labels[found.labels >= 0])
    st.markdown(
        f"**{found.count:,} clusters**, the largest of {sizes.max():,} nodes, the median of {np.median(sizes):,.0f}; "
        f"{found.cut_share:.2%} of the edges' weight joins different clusters. {found.products:,} products, residual of the "
        f"eigenvectors {found.residual:.1e}; {found.stopped}."
    )

    def table():
        import pandas as pd  # half a second, and only a download needs it

        nodes = np.arange(len(found.labels)) if result.nodes is None else result.nodes
        return pd.DataFrame({"node": nodes, "cluster": found.labels}).to_csv(index=False)

    name = f"membership-{settings.graph.key}".replace(" ", "-").replace("/", "-")
    st.download_button("Each node's cluster (CSV)", table, f"{name}.csv", "text/csv", on_click="ignore")


def _table_3_2():
    sizes = tuple(next(iter(TABLE_3_2.values())))
    with st.sidebar, st.expander("Computation", expanded=True):
        largest = bound(st.select_slider, "Up to n_c =", sizes, 90, key="cluster_table_size")
        seeds = bound(st.slider, "Networks of each size", 1, 20, 3, key="cluster_table_seeds")
    sizes = tuple(size for size in sizes if size <= largest)
    runs.show(
        "table-3-2",
        key=("table 3.2", sizes, seeds),
        job=lambda: table_3_2_job(sizes, seeds),
        draw=draw_table_3_2,
        title="Table 3.2, from networks drawn anew",
    )
