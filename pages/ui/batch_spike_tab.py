"""The tab "Bulk and spike": the animated picture, no network needed."""

import streamlit as st

from pages.ui import runs
from pages.ui.batch_explain import SPIKE
from pages.ui.batch_notebook import spike_notebook
from pages.ui.batch_spike_job import SpikeSettings, spike_job
from pages.ui.controls import bound
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures
from spectral_core.batch_scaling import SPIKE_MODELS, BulkAndSpike

__all__ = ["spike_tab"]

NAMES = {"wigner": "Wigner", "additive": "additive", "multiplicative": "multiplicative"}
SAID = {
    "wigner": "symmetric noise",
    "additive": "noise that is a sum of squares",
    "multiplicative": "the sampling of a population of curvatures",
}


def spike_tab(_) -> None:
    """Controls, run and picture."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = bound(
            st.segmented_control,
            "Noise",
            SPIKE_MODELS,
            key="spike_model",
            default="wigner",
            required=True,
            format_func=NAMES.get,
        )
        noise = bound(
            st.slider,
            "Strength of the noise, s",
            1.0,
            20.0,
            8.0,
            0.5,
            key="spike_noise",
            width=260,
            help="The spread of one example's eigenvalues; B of them have s/√B.",
        )
        spike = bound(
            st.slider,
            "The spike λ, of all data",
            0.2,
            4.0,
            1.0,
            0.1,
            key="spike_strength",
            width=260,
        )
    with st.sidebar, st.expander("Sampled matrices"):
        size = bound(st.slider, "Rows P", 50, 800, 400, 50, key="spike_size")
        seed = bound(st.number_input, "Seed of the matrices", 0, 10**9, 0, key="spike_seed")
    settings = SpikeSettings(BulkAndSpike(model, spike, noise, size), int(seed))
    runs.show(
        "batch-spike",
        key=settings,
        job=lambda: spike_job(settings),
        draw=lambda result: _draw(result, settings),
        title="Sampled matrices",
        threads=1,
    )
    with st.expander("Explain"):
        st.markdown(SPIKE)


def _draw(result, settings):
    picture, sizes, samples = result.picture, result.batch_sizes, result.samples
    st.markdown(_sentence(picture))
    plot(figures.bulk_and_spike_figure(picture, sizes, samples), "bulk and spike")
    st.caption(f"Drag the slider, or press Play. {settings.caption()}.")
    st.markdown(_sampled(picture, sizes, samples))
    plot(figures.spike_path_figure(picture, sizes, samples), "where the spike goes")
    take_away(
        "bulk and spike",
        {"Laws and samples": lambda: _table(picture, sizes, samples)},
        lambda: spike_notebook(settings),
    )


def _sentence(picture):
    """Where the spike is swallowed."""
    threshold = picture.swallowed_below
    if threshold == float("inf"):
        return (
            f"**At no batch size does this spike leave the bulk:** it is below the {picture.variance:.3g} of the population's "
            "other eigenvalues."
        )
    if threshold < 1:
        return "**The spike stands out of the noise of a single example already.**"
    edge = float(picture.edge(threshold))
    return (
        f"**Below B ≈ {threshold:.3g} {SAID[picture.model]} swallows the spike:** the largest eigenvalue is the edge of the bulk "
        f"({edge:.3g} there), and its eigenvector says nothing of the spike's. At B = {4 * threshold:,.0f} it is "
        f"{float(picture.outlier(4 * threshold)):.3g} for λ = {picture.spike:g}, with overlap "
        f"{float(picture.overlap(4 * threshold)):.2f}: mini-batches look sharper than all data are."
    )


def _sampled(picture, sizes, samples):
    """How far samples lie from the laws."""
    if not samples:
        return "Sampling a matrix at every batch size."
    gaps = [
        abs(sample.eigenvalues[0] / float(picture.outlier(B)) - 1) for B, sample in zip(sizes, samples, strict=False)
    ]
    return (
        f"Largest eigenvalues of {len(gaps)} sampled {picture.size} × {picture.size} matrices lie within {max(gaps):.1%} of "
        "their law. Its errors at the edge are of relative order "
        f"$P^{{-2/3}}$ = {picture.size ** (-2 / 3):.1%}, of a spike beyond it $P^{{-1/2}}$ = {picture.size**-0.5:.1%}."
    )


def _table(picture, sizes, samples):
    import pandas as pd

    return pd.DataFrame(figures.bulk_and_spike_table(picture, sizes, samples))
