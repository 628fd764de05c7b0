"""The Marginal likelihood tab: its controls in the sidebar, its run, the curve over length scales."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.kernel_choice import threads_for
from pages.ui.kernel_explain import LIKELIHOOD
from pages.ui.kernel_notebook import likelihood_notebook
from pages.ui.kernel_source import AWAITING
from pages.ui.likelihood_job import EXACT_LIMIT, LikelihoodSettings, likelihood_job
from pages.ui.plots import plot
from pages.ui.spectrum_tab import choose_device
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["likelihood_tab"]

BUDGETS = (100, 200, 300, 500, 1000, 1500, 3000)


def likelihood_tab(choice) -> None:
    """Controls, run and pictures of `choice`, a MatrixChoice or None."""
    with st.sidebar, st.expander("Computation"):
        left, right = st.columns(2)
        options = {"step": 0.1, "format": "%.4g"}
        with left:
            lowest = bound(st.number_input, "ℓ from", 1e-4, 1e4, 0.3, key="kernel_lowest", **options)
        with right:
            highest = bound(st.number_input, "ℓ to", 1e-4, 1e4, 30.0, key="kernel_highest", **options)
        points = bound(st.slider, "Length scales", 5, 40, 15, key="kernel_points")
        products = bound(
            st.select_slider, "Products a length scale", BUDGETS, 500, key="kernel_curve_products", format_func=str
        )
        seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="kernel_seed")
        exact = bound(st.toggle, f"Exact curve up to n = {EXACT_LIMIT:,}", True, key="kernel_curve_exact")
        dtype, device = choose_device()
    if refusal := _refused(choice, lowest, highest):
        st.info(refusal)
    elif choice is not None:
        settings = LikelihoodSettings(choice, lowest, highest, points, products, exact, seed, dtype, device)
        runs.show(
            "likelihood",
            key=settings,
            job=lambda: likelihood_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"Length scales of {verbatim(choice.name())}",
            threads=threads_for(choice),
        )
    else:
        st.info(AWAITING)
    with st.expander("Explain"):
        st.markdown(LIKELIHOOD)


def _refused(choice, lowest, highest):
    """Why there is no curve, or ""."""
    if choice is None:
        return ""
    if choice.kernel is None:
        return "A marginal likelihood needs points and a target: choose a table in the sidebar, or Gaussian points."
    if choice.kernel.name == "linear":
        return "A linear covariance has no length scale to move: choose another one in the sidebar."
    if choice.source != "gaussian" and not choice.target:
        return "A marginal likelihood needs a target: choose a target column in the sidebar."
    return (
        ""
        if lowest < highest
        else "The length scales must run from a smaller to a larger one: change them in the sidebar."
    )


def _draw(result, settings):
    st.markdown(_answer(result))
    limits = (settings.lowest, settings.highest)
    curves = (result.estimate, result.exact)
    plot(figures.likelihood_figure(*curves, truth=result.truth, limits=limits), "log marginal likelihood")
    if result.exact is not None and len(result.exact.value) and len(result.estimate.value):
        plot(figures.likelihood_error_figure(*curves, limits=limits), "error of the log-determinant")
    table = figures.likelihood_table(result.estimate, result.exact)
    st.dataframe(table, hide_index=True, column_config=_columns(), placeholder="–")
    st.caption(
        f"{settings.caption()}. Target: {verbatim(result.target)}, n = {result.n:,}. {result.estimate.products:,} products in "
        "all. Bars of the likelihood are its bounds, of 99 %; those of the log-determinant are 95 % intervals."
    )
    notes = [escaped(note) for note in result.notes]
    take_away(
        f"likelihood-{settings.matrix.key}", {"Curve": lambda: table}, lambda: likelihood_notebook(settings), notes
    )


def _columns():
    """Headings and formats that leave room for every digit, whatever the first rows hold."""
    bar = "The standard error: the spread over probes, and what the quadrature leaves open."
    ends = "The bounds that theory gives for these probes, widened by 99 % of the spread over probes."
    shown = {  # column: (heading, what it is)
        "length scale": ("ℓ", "The length scale, in units of the inputs."),
        "log marginal likelihood": ("log p", "The log marginal likelihood, in nats."),
        "standard error": ("log p ±", bar),
        "lower": ("lower, 99 %", ends),
        "upper": ("upper, 99 %", ends),
        "log det K": ("log det K", "The log-determinant, noise included, in nats."),
        "its standard error": ("log det ±", bar),
        "y.K^-1 y": ("yᵀK⁻¹y", "By conjugate gradients."),
        "log marginal likelihood, exact": ("log p, exact", "By a Cholesky factorisation."),
        "log det K, exact": ("log det, exact", "By a Cholesky factorisation."),
    }
    number, formats = st.column_config.NumberColumn, {"length scale": "%.4g"}
    formats |= {"standard error": "%.2g", "its standard error": "%.2g"}
    return {
        name: number(label, help=said, format=formats.get(name, "%.8g"), width=70 if name in formats else 98)
        for name, (label, said) in shown.items()
    }


def _answer(result):
    estimate, exact = result.estimate, result.exact
    if estimate is None or not len(estimate.value):
        return "No length scale has its answer yet."
    # an estimate that may be far too high does not count for one: two standard errors off
    top = int(np.argmax(estimate.value - 2.0 * np.nan_to_num(estimate.standard_error, posinf=0.0)))
    low, high = estimate.lower[top], estimate.upper[top]
    within = f"99 %: {low:,.1f} to {high:,.1f}" if np.isfinite([low, high]).all() else "nothing bounds it"
    said = [
        f"**The likelihood is largest at ℓ = {estimate.lengthscale[top]:.3g}**: log p = "
        f"{estimate.value[top]:,.1f} ({within})."
    ]
    if exact is not None and len(exact.value) == len(estimate.value):
        place = int(np.argmax(exact.value))
        agrees = "the same length scale" if place == top else f"ℓ = {exact.lengthscale[place]:.3g}"
        said.append(f"Exact: {exact.value[place]:,.1f}, at {agrees}.")
    if result.truth is not None:
        said.append(f"The target was drawn at ℓ = {result.truth:g}.")
    if top in (0, estimate.total - 1) and len(estimate.value) == estimate.total:
        said.append("That is an end of the range: widen it.")
    said.append(result.exact_note)
    return " ".join(said).replace("-", "−")
