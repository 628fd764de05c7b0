"""The tab "Compare": every estimator of one spectrum at equal products."""

import streamlit as st

from pages.ui import runs, uploads
from pages.ui.controls import bound, verbatim
from pages.ui.lab_compare_view import BUDGETS, draw_compare, read_lab_sigma
from pages.ui.lab_explain import COMPARE
from pages.ui.lab_job import FINEST, LabSettings, lab_job
from pages.ui.lab_source import AWAITING

__all__ = ["compare_tab", "threads_of"]

SMALL = 5000  # rows below which a second thread holds up more than it helps
SMALL_FILE = 1 << 22  # bytes of an upload, likewise


def compare_tab(choice) -> None:
    """Controls, run and pictures of `choice`, a LabChoice or None."""
    left, right = st.columns(2)
    with left:
        products = bound(
            st.select_slider,
            "Products, each estimator",
            BUDGETS,
            2000,
            key="lab_products",
            format_func=str,
            help="Products of the matrix with a vector: what all seven are given alike.",
        )
    with right:
        finest = bound(
            st.select_slider,
            "Finest σ paid for, as a share of the interval",
            FINEST,
            0.01,
            key="lab_finest",
            format_func=lambda value: f"{value:g}",
            help="Decides the depth of each: degree 5/σ and its square for the sketch, half of that for Lanczos, π/σ for KPM. "
            "What is left of the products buys probes.",
        )
    with st.sidebar:
        seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="lab_seed")
    read_lab_sigma()
    if choice is None:
        st.info(AWAITING)
    else:
        settings = LabSettings(choice, products, finest, int(seed))
        runs.show(
            "lab",
            key=settings,
            job=lambda: lab_job(settings),
            draw=lambda result: draw_compare(result, settings),
            title=f"Estimators on {verbatim(choice.title())}",
            threads=threads_of(choice),
        )
    with st.expander("Explain"):
        st.markdown(COMPARE)


def threads_of(choice) -> int | None:
    """One for small matrices; None for as many as there are."""
    if choice.source == "upload":
        kept = uploads.fetch(choice.digest)
        return 1 if kept is not None and len(kept[1]) < SMALL_FILE else None
    if choice.source == "finished":
        values = choice.run.eigenvalues  # found of small matrices alone
        return 1 if values is not None and len(values) < SMALL else None
    rows = choice.n or choice.points**choice.dimensions
    return 1 if rows < SMALL else None
