"""The Compare tab: which graphs, their run, and what is drawn of it."""

import streamlit as st

from pages.ui import runs, uploads
from pages.ui.compare_job import CompareSettings, compare_job
from pages.ui.compare_view import draw_comparison, draw_stored
from pages.ui.controls import bound, verbatim
from pages.ui.explain import COMPARE
from pages.ui.graph_names import choice_of, name_of
from pages.ui.graph_source import TYPES, GraphChoice
from pages.ui.spectrum_tab import choose_device, choose_isolated
from spectral_core import graphs

__all__ = ["FIRST", "compare_tab"]

FIRST = (
    "digits",
    "er n=1797 p=0.00765 seed=0",
    "er n=1797 p=0.00765 seed=1",
    "ws n=1797 k=14 p=0.1 seed=0",
    "ws n=1797 k=14 p=0.1 seed=1",
    "ba n=1797 m=7 seed=0",
    "ba n=1797 m=7 seed=1",
)
WAYS = ("Graphs", "A file of moments")


def compare_tab(graph) -> None:
    """Graphs to compare; `graph`, a GraphChoice or None, is the one that can be added."""
    way = bound(st.segmented_control, "Compare", WAYS, key="compare_way", default=WAYS[0], required=True)
    if way == WAYS[0]:
        _compare_graphs(graph)
    else:
        _compare_moments()
    with st.expander("Explain"):
        st.markdown(COMPARE)


def _compare_graphs(graph):
    with st.sidebar:
        isolated = choose_isolated()
        with st.expander("Computation"):
            degree = bound(st.slider, "Moments of each graph", 10, 300, 100, 10, key="compare_degree")
            probes = bound(st.slider, "Probes a graph", 2, 64, 10, key="compare_probes")
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="compare_seed")
            dtype, device = choose_device()
    choices, unread = _choose_graphs(graph)
    notice = st.container()
    if len(choices) < 2:
        with notice:
            _left_out(unread)
        st.info("A comparison needs at least two graphs: choose another above, or upload one.")
        return
    settings = CompareSettings(choices, degree, probes, seed, isolated, dtype, device)
    run = runs.show(
        "compare",
        key=settings,
        job=lambda: compare_job(settings),
        draw=lambda result: draw_comparison(result, settings),
        title=f"{len(choices)} graphs",
    )
    failed = run.latest.failures if run.latest is not None else ()
    with notice:
        _left_out((*unread, *failed), run if failed and run.state == "finished" else None)


def _left_out(problems, run=None):
    """Why graphs take no part, with the ways out."""
    if not problems:
        return
    lines = [f"{verbatim(name)}: {sentence}" for name, sentence in problems]
    st.warning("Left out of the comparison:\n" + "\n".join(f"- {line}" for line in lines))
    with st.container(horizontal=True):
        st.button("Take them off the list", on_click=_drop, args=([name for name, _ in problems],))
        if run is not None and st.button("Try them again"):
            runs.manager().forget(run)
            st.rerun()


def _drop(names):
    st.session_state["compare"] = [name for name in st.session_state["compare"] if name not in names]


def _choose_graphs(graph):
    asked = [*st.query_params.get_all("compare"), *st.session_state.get("compare", ())]
    names = [entry.key for entry in graphs.catalogue()]
    chosen = st.multiselect(
        "Graphs to compare",
        list(dict.fromkeys([*FIRST, *names, *asked])),
        default=FIRST,
        key="compare",
        bind="query-params",
        persist_state="session",
        accept_new_options=True,
        help="Choose, or write a random graph such as `er n=1000 p=0.01 seed=1`, `ws n=1000 k=10 p=0.1`, `ba n=1000 m=5`.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Add the graph of the sidebar"
        taken = graph is None or name_of(graph) in chosen
        st.button(label, on_click=_add, args=([graph],), disabled=taken, help=None if graph is None else name_of(graph))
        with st.popover("Upload graphs"):
            st.file_uploader(
                "Edge lists, Matrix Market, GraphML, GML or SciPy npz",
                type=TYPES,
                accept_multiple_files=True,
                key="compare_files",
                on_change=_add_files,
                help=uploads.KEPT,
            )
            st.caption(uploads.KEPT)
    choices, unread = [], []
    for name in chosen:
        try:
            choices.append(choice_of(name))
        except ValueError as error:
            unread.append((name, str(error)))
    return tuple(choices), tuple(unread)


def _add(choices):
    before = st.session_state.get("compare", list(FIRST))
    st.session_state["compare"] = list(dict.fromkeys([*before, *map(name_of, choices)]))


def _add_files():
    kept = [(uploads.keep(file.name, file.getvalue()), file.name) for file in st.session_state["compare_files"]]
    options = (("directed", "union"), ("self_loops", "drop"))
    _add([GraphChoice("upload", name.strip(), options, digest=digest) for digest, name in kept])


def _compare_moments():
    file = st.file_uploader(
        "NumPy npz with an array mu_NAME of moments E[T_k(L/2)] for each graph, and alpha_NAME if there are any",
        type=["npz"],
        key="moments_file",
        help=uploads.KEPT,
    )
    if file is not None:
        st.session_state["_moments"] = uploads.keep(file.name, file.getvalue())
    digest = st.session_state.get("_moments") or st.query_params.get("moments")
    kept = uploads.fetch(digest) if digest else None
    if kept is None:
        st.info(
            "Drop a file of stored moments above. The thesis's own, behind its Figure 3.4, are in its author's public "
            "repository Python-MaxEnt; here they are compared by converged fits, with the stored fits beside them."
        )
        return
    st.query_params["moments"] = digest
    try:
        stored = graphs.read_moments(kept[1])
    except ValueError as error:
        st.error(f"{verbatim(kept[0])}: {error}")
        return
    draw_stored(stored, kept[0])
