"""The Spectrum tab: its controls in the sidebar, its run, its picture."""

import streamlit as st
import torch

from pages.ui import runs
from pages.ui.controls import bound, verbatim
from pages.ui.explain import SPECTRUM
from pages.ui.finished import offer
from pages.ui.spectrum_job import EXACT_LIMIT, SpectrumSettings, matrix_of, spectrum_job
from pages.ui.spectrum_view import draw_spectrum, read_sigma
from spectral_core.graphs import MATRICES

__all__ = ["choose_device", "choose_isolated", "spectrum_tab"]


def spectrum_tab(graph) -> None:
    """Controls, run and picture of `graph`, a GraphChoice or None."""
    with st.sidebar:
        matrix = bound(
            st.selectbox,
            "Matrix",
            list(MATRICES),
            key="matrix",
            format_func={
                "normalised_laplacian": "Normalised Laplacian",
                "laplacian": "Laplacian",
                "adjacency": "Adjacency",
            }.get,
        )
        isolated = choose_isolated() if matrix == "normalised_laplacian" else 0.0
        with st.expander("Computation"):
            probes = bound(st.slider, "Probes", 1, 64, 10, key="probes", help="More probes: smaller error bars.")
            steps = bound(st.slider, "Lanczos steps", 5, 200, 50, 5, key="steps", help="Stems a probe.")
            degree = bound(st.slider, "Moments", 10, 500, 100, 10, key="degree", help="Two moments a product.")
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="seed")
            exact = bound(st.toggle, f"Exact histogram up to n = {EXACT_LIMIT:,}", True, key="exact")
            dtype, device = choose_device()
    read_sigma()
    if graph is not None:
        settings = SpectrumSettings(graph, matrix, isolated, steps, probes, degree, seed, exact, dtype, device)
        run = runs.show(
            "spectrum",
            key=settings,
            job=lambda: spectrum_job(settings),
            draw=lambda result: draw_spectrum(result, settings),
            title=f"Spectrum of {verbatim(graph.title())}",
        )
        if run.state == "finished":
            offer(
                "Graph explorer, Spectrum",
                settings,
                title=f"{settings.matrix.replace('_', ' ').capitalize()} of {graph.title()}",
                caption=settings.caption(),
                make=lambda: matrix_of(settings),
                code=settings.matrix_code,
                eigenvalues=run.latest.eigenvalues,
            )
    with st.expander("Explain"):
        st.markdown(SPECTRUM)


def choose_isolated() -> float:
    """The diagonal entry of isolated nodes in the normalised Laplacian, one choice for all tabs."""
    return bound(
        st.segmented_control,
        "Eigenvalue of an isolated node",
        (0.0, 1.0),
        key="isolated",
        default=0.0,
        required=True,
        format_func=lambda v: f"{v:g}",
        help="A convention: 0 as in networkx makes it a component of its own.",
    )


def choose_device(key="dtype", default="float64") -> tuple[str, str]:
    """Precision and device of the products, one choice for all tabs of a page."""
    dtype = bound(st.segmented_control, "Precision", ("float64", "float32"), key=key, default=default, required=True)
    device = "cpu"
    if torch.cuda.is_available():
        device = bound(st.segmented_control, "Device", ("cpu", "cuda"), key="device", default="cpu", required=True)
    return dtype, device
