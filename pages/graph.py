"""Graph explorer: what the spectrum of a graph says, seen while it is being computed."""

from pages.ui.nav import route

route()

import streamlit as st  # noqa: E402
import torch  # noqa: E402

from pages.ui import runs  # noqa: E402
from pages.ui.controls import bound, tell_misread, verbatim  # noqa: E402
from pages.ui.explain import SPECTRUM  # noqa: E402
from pages.ui.graph_source import choose_graph  # noqa: E402
from pages.ui.presets import PRESETS, apply  # noqa: E402
from pages.ui.spectrum_job import EXACT_LIMIT, SpectrumSettings, spectrum_job  # noqa: E402
from pages.ui.spectrum_view import draw_spectrum, read_sigma  # noqa: E402
from spectral_core.graphs import MATRICES  # noqa: E402

st.title("Graph explorer")
st.markdown(
    "**What does a graph's spectrum look like, when the matrix is too large to diagonalise?** A few hundred products of "
    "the matrix with random vectors draw it, with error bars: purple **stems**, a blue density of **maximum entropy**, and "
    "the usual orange **smoothing**, whose width σ you can drag. Grey is the truth, where it is affordable. Eigenvalues near "
    "0 are groups of nodes that hardly touch, mass near 1 is randomness, and mass near 2 is two sides that avoid themselves."
)

with st.sidebar:
    st.markdown("**Examples**")
    for name in PRESETS:
        st.button(name, on_click=apply, args=(name,), width="stretch")
    graph = choose_graph()
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
    isolated = 0.0
    if matrix == "normalised_laplacian":
        isolated = bound(
            st.segmented_control,
            "Eigenvalue of an isolated node",
            (0.0, 1.0),
            key="isolated",
            default=0.0,
            required=True,
            format_func=lambda v: f"{v:g}",
            help="A convention: 0 as in networkx makes it a component of its own.",
        )
    with st.expander("Computation"):
        probes = bound(st.slider, "Probes", 1, 64, 10, key="probes", help="More probes: smaller error bars.")
        steps = bound(st.slider, "Lanczos steps", 5, 200, 50, 5, key="steps", help="Stems a probe.")
        degree = bound(st.slider, "Moments", 10, 500, 100, 10, key="degree", help="Two moments a product.")
        seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="seed")
        exact = bound(st.toggle, f"Exact histogram up to n = {EXACT_LIMIT:,}", True, key="exact")
        dtype = bound(
            st.segmented_control, "Precision", ("float64", "float32"), key="dtype", default="float64", required=True
        )
        device = "cpu"
        if torch.cuda.is_available():
            device = bound(st.segmented_control, "Device", ("cpu", "cuda"), key="device", default="cpu", required=True)

read_sigma()
notice = st.container()
(tab,) = st.tabs(["Spectrum"])
with tab:
    if graph is not None:
        settings = SpectrumSettings(graph, matrix, isolated, steps, probes, degree, seed, exact, dtype, device)
        runs.show(
            "spectrum",
            key=settings,
            job=lambda: spectrum_job(settings),
            draw=lambda result: draw_spectrum(result, settings),
            title=f"Spectrum of {verbatim(graph.title())}",
        )
    with st.expander("Explain"):
        st.markdown(SPECTRUM)
with notice:
    tell_misread()  # at the end, when every widget has seen its part of the link
