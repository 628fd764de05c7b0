"""The "Which model?" tab: its controls in the sidebar, its run, the curves, the overlay and the numbers."""

import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, verbatim
from pages.ui.explain import MODELS as EXPLAIN
from pages.ui.graph_source import MODELS
from pages.ui.model_job import EXACT_LIMIT, ModelSettings, model_job
from pages.ui.notebook import model_notebook
from pages.ui.plots import plot
from pages.ui.published import table_3_1
from pages.ui.spectrum_tab import choose_device, choose_isolated
from pages.ui.take_away import take_away
from spectral_core import figures, graphs

__all__ = ["model_tab"]

RIDGES = (5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
SIZES = (50, 100, 150, 300, 500, 1000, 2000)


def model_tab(graph) -> None:
    """Controls, run and pictures of `graph`, a GraphChoice or None."""
    with st.sidebar:
        models = st.pills(
            "Models to try",
            list(graphs.RANDOM_GRAPHS),
            key="models",
            bind="query-params",
            persist_state="session",
            selection_mode="multi",
            default=list(graphs.RANDOM_GRAPHS),
            format_func=MODELS.get,
        )
        isolated = choose_isolated()
        with st.expander("Computation"):
            size = bound(
                st.select_slider,
                "Nodes of a candidate, at most",
                SIZES,
                1000,
                key="model_size",
                help="Never more than the graph has.",
            )
            degree = bound(st.slider, "Moments compared", 5, 100, 30, 5, key="model_degree")
            repeats = bound(st.slider, "Candidates a point", 2, 20, 5, key="model_repeats", help="More: less noise.")
            ridge = bound(
                st.select_slider,
                "Error allowed a moment",
                RIDGES,
                2e-3,
                key="model_ridge",
                format_func=lambda v: f"{v:g}",
                help="The same for the graph and all candidates. Divergences fall as it rises.",
            )
            probes = bound(
                st.slider, "Probes a graph", 4, 64, 32, 4, key="model_probes", help="Up to 300 nodes none are needed."
            )
            seed = bound(st.number_input, "Seed of the candidates and probes", 0, 10**9, 0, key="model_seed")
            exact = bound(st.toggle, f"Exact histogram up to n = {EXACT_LIMIT:,}", True, key="model_exact")
            dtype, device = choose_device()
    if not models:
        st.info("Choose at least one model in the sidebar.")
    elif graph is not None:
        chosen = tuple(model for model in graphs.RANDOM_GRAPHS if model in models)
        settings = ModelSettings(
            graph, chosen, size, degree, repeats, probes, ridge, seed, isolated, exact, dtype, device
        )
        runs.show(
            "model",
            key=settings,
            job=lambda: model_job(settings),
            draw=lambda result: draw_models(result, settings),
            title=f"Models of {verbatim(graph.title())}",
        )
    with st.expander("Explain"):
        st.markdown(EXPLAIN)


def draw_models(result, settings) -> None:
    """Everything below the progress bar."""
    fits = result.fits
    first, then, others = fits.reading.partition(" Then ")
    st.markdown(f"**{first}**{then}{others}")
    _published(fits, settings)
    if fits.fits:
        shown = [fit for model in settings.models for fit in fits.fits if fit.model == model]
        limits = (
            0.4 * min(fit.divergence.min() for fit in shown),
            1.5 * max(fit.divergence.max() for fit in shown),
        )
        for column, fit in zip(st.columns(len(settings.models)), shown, strict=False):
            with column:
                place = "tied" if len(fits.tied) > 1 else "nearest"
                name = fit.title + (f", {place}" if fits.fraction == 1.0 and fit in fits.tied else "")
                plot(figures.model_curve_figure(fit, limits=limits, title=name), f"curve {fit.model}")
        st.caption(
            "Symmetric KL divergence between the graph's spectrum and the model's, against the model's parameter, with two "
            "standard errors; the blue diamond is the minimum, its bar the interval of the parameter. Logarithmic axes are "
            "shared by the models."
        )
    plot(figures.best_fits_figure(fits, eigenvalues=result.eigenvalues), "best fits over the graph")
    if fits.fits:
        _numbers(result, settings)


def _numbers(result, settings):
    fits = result.fits
    wide = {"model": st.column_config.Column(width=140)}
    st.dataframe(figures.fits_table(fits), hide_index=True, column_config=wide)
    for fit in fits.fits:
        if len(fit.tried) > 1:
            tried = ", ".join(f"{k:.0f} ({divergence:.2g})" for k, divergence in sorted(fit.tried.tolist()))
            st.caption(f"Neighbours k tried for {fit.title}, with the least divergence of each: {tried}.")
    own = fits.products - sum(fit.products for fit in fits.fits)
    st.markdown(
        f"Products: the graph's moments **{own:,}**, the candidates' **{fits.products - own:,}**, of {fits.fits[0].size:,} nodes."
        if fits.products
        else "No products: all eigenvalues of the graph and of every candidate were computed."
    )
    loose = [density for density in figures.best_fits(fits).values() if not density.converged]
    if loose:
        st.warning("Not every fit converged: allow a larger error a moment, or compare fewer moments.")
    st.caption(settings.caption(result.graph.n) + ".")

    def densities():
        return figures.curve_table(
            interval=(0.0, 2.0), densities=figures.best_fits(fits), eigenvalues=result.eigenvalues
        )

    tables = {"Curves": lambda: figures.model_curves_table(fits), "Densities": densities}
    take_away(
        f"models-{settings.graph.key}", tables, lambda: model_notebook(settings, result.graph.n), result.graph.notes
    )


def _published(fits, settings):
    """The thesis's numbers beside ours, where the graph is one of its tables'."""
    found = table_3_1(settings.graph)
    if found is None:
        return
    name, published, remark = found
    rows = []
    for fit in fits.fits:
        if fit.model in published:
            parameter = name.startswith("Table 3.1a")
            ours = fit.value if parameter else fit.least.value
            half = (fit.interval[1] - fit.interval[0]) / 2.0 if parameter else 2.0 * fit.least.standard_error
            what = f"{fit.title}, {fit.symbol}" if parameter else f"{fit.title}, least divergence (nats)"
            here = f"{ours:.3g}" + (f" ± {half:.2g}" if fits.fraction == 1.0 else "")
            rows.append({name: what, "thesis": published[fit.model], "here, half its 95 % interval": here})
    if rows:
        st.dataframe(rows, hide_index=True)
        st.caption(remark)
