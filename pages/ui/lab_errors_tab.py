"""The tab "Errors": error against products and against sigma, over seeds, and which estimator wins where."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.lab_compare_tab import threads_of
from pages.ui.lab_errors_job import BUDGETS, ErrorSettings, errors_job
from pages.ui.lab_estimates import ESTIMATORS
from pages.ui.lab_explain import ERRORS
from pages.ui.lab_notebook import errors_notebook
from pages.ui.lab_source import AWAITING
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["errors_tab", "errors_words"]

SHORT = {
    "xnystrom": "XNys",
    "nystrom++": "Nys++",
    "nystrom": "Nys",
    "hutchinson": "GH",
    "lanczos": "SLQ",
    "kpm": "KPM",
    "maxent": "MaxEnt",
}
RANGES = {"usual": BUDGETS, "more": (1000, 2000, 4000, 8000, 16_000)}
WORDS = {"usual": "250 to 4,000", "more": "1,000 to 16,000"}


def errors_tab(choice) -> None:
    """Controls, run and pictures of `choice`, a LabChoice or None."""
    with st.sidebar, st.expander("Computation"):
        seeds = bound(
            st.slider, "Seeds", 1, 20, 5, key="lab_seeds", help="Each draws new probes; the picture sharpens."
        )
        reach = bound(
            st.segmented_control,
            "Products",
            list(RANGES),
            key="lab_reach",
            default="usual",
            required=True,
            format_func=WORDS.get,
        )
        seed = bound(st.number_input, "Seed of the first", 0, 10**9, 0, key="lab_seed")
    if choice is None:
        st.info(AWAITING)
    else:
        settings = ErrorSettings(choice, seeds, int(seed), RANGES[reach])
        runs.show(
            "lab-errors",
            key=settings,
            job=lambda: errors_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"Errors on {verbatim(choice.title())}",
            threads=threads_of(choice),
        )
    with st.expander("Explain"):
        st.markdown(ERRORS)


def _draw(result, settings) -> None:
    errors, budgets, sigmas = result.complete(), settings.budgets, settings.sigmas
    left, right = st.columns(2)
    with left:
        sigma = bound(
            st.select_slider, "σ, share of the interval", sigmas[::-1], sigmas[1], key="lab_at_sigma", format_func=str
        )
    with right:
        if st.session_state.get("lab_at_products", budgets[0]) not in budgets:
            st.session_state["lab_at_products"] = budgets[-1]
        budget = bound(
            st.select_slider, "Products, each estimator", budgets, budgets[-1], key="lab_at_products", format_func=str
        )
    row, column = sigmas.index(sigma), budgets.index(budget)
    st.markdown(errors_words(result, settings, row, column))
    plot(
        figures.estimator_winners_figure(
            budgets, sigmas, errors, names=SHORT, titles=ESTIMATORS, marked=(budget, sigma), awaited=result.awaited
        ),
        "which estimator wins where",
    )
    seeds = len(next(iter(errors.values())))
    spread = f"line: median of {seeds} seeds; area: least to largest" if seeds > 1 else "one seed so far"
    over_products = {name: one[:, row] for name, one in errors.items()}
    over_sigma = {name: one[:, :, column] for name, one in errors.items()}
    plot(
        figures.estimator_error_figure(
            budgets,
            over_products,
            names=ESTIMATORS,
            x_title="products, each estimator",
            title=f"Error against products at σ = {sigma:g}",
            subtitle=spread,
            marked=budget,
        ),
        "error against products",
    )
    plot(
        figures.estimator_error_figure(
            sigmas,
            over_sigma,
            names=ESTIMATORS,
            x_title="σ (share of the interval)",
            title=f"Error against σ at {budget:,} products",
            subtitle=spread,
            marked=sigma,
        ),
        "error against sigma",
    )
    st.dataframe(_costs(result, settings, row), hide_index=True)
    st.caption(
        f"Seconds on this machine, means over the seeds, at σ = {sigma:g}: of {budgets[-1]:,} products with what belongs to them "
        "(orthogonalising, inner products), and of one curve. Four estimators share a sketch, two share moments."
    )
    st.caption(f"{settings.caption()}.")
    table = {"Table": lambda: figures.estimator_winners_table(budgets, sigmas, errors, names=ESTIMATORS)}
    notes = [escaped(note) for note in result.notes]
    take_away(f"errors-{settings.matrix.source}", table, lambda: errors_notebook(settings), notes)


def errors_words(result, settings, row, column) -> str:
    """Who wins at the chosen sigma and products, and how often anywhere."""
    errors = result.complete()
    winners = figures.estimator_winners(errors)
    cell, said = winners[row][column], []
    if cell:
        mean = float(np.mean(errors[cell[0]][:, row, column]))
        tied = ", ".join(ESTIMATORS[name] for name in cell[1:])
        also = f"; within the error {tied} {'do' if len(cell) > 2 else 'does'} as well" if tied else ""
        said.append(
            f"At σ = {settings.sigmas[row]:g} and {settings.budgets[column]:,} products **{ESTIMATORS[cell[0]]}** misses "
            f"least, **{mean:.2%}** of the mass{also}."
        )
    elif row in result.awaited:
        said.append(f"σ = {settings.sigmas[row]:g} is not measured yet.")
    else:
        said.append("Two probes that resolve this σ take more products than these: nobody has a curve.")
    won = [cell[0] for cells in winners for cell in cells if cell]
    if won:
        counts = {name: won.count(name) for name in ESTIMATORS if name in won}
        most = max(counts.values())
        first = [ESTIMATORS[name] for name, count in counts.items() if count == most]
        each = ("wins", "win")[len(first) > 1], " each" * (len(first) > 1)
        said.append(f"Of {len(won)} cells of the map {' and '.join(first)} {each[0]} {most}{each[1]}.")
    return " ".join(said)


def _costs(result, settings, row):
    import pandas as pd

    return pd.DataFrame(
        {
            "estimator": label,
            f"seconds, {settings.budgets[-1]:,} products": round(float(result.seconds[name][row]), 3),
            "ms a curve": round(1e3 * float(result.evaluation[name][row]), 1),
        }
        for name, label in ESTIMATORS.items()
        if name in result.seconds
    )
