"""The tab "Batch spectra": mini-batches of a network measured, beside what every model of their noise predicts."""

import streamlit as st

from pages.ui import runs
from pages.ui.batch_explain import SPECTRA
from pages.ui.batch_problem import choose_problem, choose_sizes, runs_here
from pages.ui.batch_spectra_job import SpectraSettings, spectra_job
from pages.ui.batch_spectra_view import draw_spectra
from pages.ui.controls import bound, verbatim
from pages.ui.curvature_problem import operator, threads_for
from pages.ui.finished import offer

__all__ = ["SIZES", "spectra_tab"]

SIZES = (16, 32, 64, 128, 256, 512)


def spectra_tab(found) -> None:
    """Controls, run and picture of `found`, an Opened or None."""
    with st.sidebar:
        problem = choose_problem(found)
        sizes = choose_sizes("batch_sizes", SIZES)
        draws = bound(
            st.slider, "Mini-batches of each size", 2, 40, 10, key="batch_draws", help="More: smaller error bars."
        )
    if runs_here(found, problem):
        if sizes:
            settings = SpectraSettings(problem, sizes, draws)
            run = runs.show(
                "batch-spectra",
                key=settings,
                job=lambda: spectra_job(settings),
                draw=lambda result: draw_spectra(result, settings),
                title=f"Mini-batches of {verbatim(found.choice.title())}",
                threads=threads_for(found, problem),
            )
            if run.state == "finished":
                offer(
                    "Batch-size scaling, Batch spectra",
                    settings,
                    title=problem.title(),
                    caption=settings.caption(),
                    make=lambda: operator(problem),
                    code=problem.code,
                )
        else:
            st.info("Choose a batch size in the sidebar.")
    with st.expander("Explain"):
        st.markdown(SPECTRA)
