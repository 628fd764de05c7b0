"""The tab "Entropy and moments" (thesis Figure 2.1): why a maximum entropy that rises was never reached."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.kernel_choice import threads_for
from pages.ui.kernel_entropy_job import FLOORS, EntropySettings, entropy_job, thesis_matrix
from pages.ui.kernel_entropy_notebook import entropy_notebook
from pages.ui.kernel_explain import ENTROPY
from pages.ui.kernel_source import AWAITING
from pages.ui.plots import plot
from pages.ui.published import TABLE_2_1
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["entropy_tab"]

OF = {"thesis": "A kernel of Table 2.1", "sidebar": "The matrix of the sidebar"}
MEASURES = {"flat": "Flat in λ (the thesis)", "logarithmic": "Flat in log λ", "grid": "The thesis's grid of step 1e-4"}
FLOOR_CHOICES = (1e-2, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12)


def entropy_tab(choice) -> None:
    """Controls, run and pictures of `choice`, a MatrixChoice or None, or of the thesis's synthetic kernel."""
    left, right = st.columns(2)
    with left:
        of = bound(
            st.segmented_control,
            "Moments of",
            list(OF),
            key="kernel_entropy_of",
            default="thesis",
            required=True,
            format_func=OF.get,
        )
    if of == "thesis":
        with right:
            scales = [row.lengthscale for row in TABLE_2_1]
            scale = bound(
                st.select_slider, "Its length scale ℓ", scales, 0.15, key="kernel_entropy_row", format_func=str
            )
        choice = thesis_matrix(TABLE_2_1[scales.index(scale)])
    with st.sidebar, st.expander("Computation"):
        most = bound(st.slider, "Moments, at most", 4, 40, 30, key="kernel_entropy_moments")
        measure = bound(
            st.selectbox,
            "MEMe's entropy is relative to",
            list(MEASURES),
            key="kernel_entropy_measure",
            format_func=MEASURES.get,
        )
        floor = bound(
            st.select_slider,
            "Floor of the density, as a share of the largest eigenvalue",
            FLOOR_CHOICES,
            1e-10,
            key="kernel_entropy_floor",
            format_func=lambda value: f"{value:.0e}",
        )
        rounds = bound(
            st.select_slider,
            "Rounds of BMxnt's scaling",
            (100, 300, 1000, 3000, 10_000),
            1000,
            key="kernel_entropy_rounds",
            format_func=str,
        )
        seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="kernel_seed")
    if choice is not None:
        settings = EntropySettings(choice, most, measure, floor, rounds, seed)
        runs.show(
            "entropy",
            key=settings,
            job=lambda: entropy_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"Entropy of {verbatim(choice.title())}",
            threads=threads_for(choice),
        )
    else:
        st.info(AWAITING)
    with st.expander("Explain"):
        st.markdown(ENTROPY)


def _draw(result, settings) -> None:
    curves = result.curves
    st.markdown(_answer(result))
    plot(figures.entropy_figure(curves), "entropy against the number of moments")
    if np.isfinite(curves.truth):
        plot(figures.entropy_error_figure(curves), "relative error against the number of moments")
    if result.by_floor:
        plot(
            figures.floor_figure(np.array(FLOORS), result.by_floor, truth=curves.truth, degree=settings.most),
            "log-determinant against the floor",
        )
    cost = (
        f"All {result.n:,} eigenvalues by a dense solver: the moments are exact, **0 products**, no error bar."
        if result.exact
        else f"Moments of random probes: **{curves.products:,} products**; MEMe may miss each by its standard error."
    )
    st.markdown(cost)
    st.caption(f"{settings.caption()}.")
    tables = {"Data": lambda: figures.entropy_table(curves)}
    notes = [escaped(note) for note in result.notes]
    take_away(f"entropy-{settings.matrix.key}", tables, lambda: entropy_notebook(settings), notes)


def _answer(result):
    curves, said = result.curves, []
    if len(curves.degrees) < 3:
        return "There is no fit of three moments yet."
    meme, bmxnt = curves.rises["meme"], curves.rises["bmxnt"]
    first, last = curves.entropy[0, 0], curves.entropy[-1, 0]
    said.append(
        f"MEMe's entropy {'never rises' if not meme else f'**rises at m = {meme}**'}: {first:.4g} nats with "
        f"{curves.degrees[0]:.0f} moments, {last:.4g} with {curves.degrees[-1]:.0f}."
    )
    said.append(
        f"**BMxnt's rises from m = {bmxnt} on**, which no maximum can: its optimisation had not arrived after "
        f"{curves.iterations:,} rounds, and misses a moment by {curves.gap[-1, 1]:.1g}."
        if bmxnt
        else "BMxnt's does not rise either, so far."
    )
    if np.isfinite(curves.truth):
        said.append(
            f"Relative errors with {curves.degrees[-1]:.0f} moments: MEMe **{curves.error[-1, 0]:.2g}**, BMxnt "
            f"**{curves.error[-1, 1]:.2g}**; exact log det A = {curves.truth:,.7g}."
        )
    return " ".join(said).replace("-", "−")
