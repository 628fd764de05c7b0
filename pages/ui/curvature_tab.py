"""The tab "Curvature": its controls in the sidebar, its run, its picture."""

from functools import partial

import streamlit as st

from pages.ui import runs
from pages.ui.checkpoint_tab import is_ready
from pages.ui.controls import bound, verbatim
from pages.ui.curvature_differences import finite_differences
from pages.ui.curvature_explain import CURVATURE
from pages.ui.curvature_job import EXACT_LIMIT, CurvatureSettings, curvature_job
from pages.ui.curvature_problem import MATRICES, WHOLE, CurvatureProblem, groups, operator, threads_for
from pages.ui.curvature_view import draw_curvature
from pages.ui.data_source import choose_data
from pages.ui.finished import offer
from pages.ui.spectrum_tab import choose_device

__all__ = ["choose_problem", "curvature_tab", "runs_here"]

EXAMPLES = 500  # that the matrix is the mean over, unless more are asked for


def curvature_tab(found) -> None:
    """Controls, run and picture of `found`, an Opened or None."""
    with st.sidebar:
        problem = choose_problem(found)
        with st.expander("Computation"):
            steps = bound(st.slider, "Lanczos steps", 5, 200, 40, 5, key="curvature_steps", help="Stems a probe.")
            probes = bound(st.slider, "Probes", 1, 16, 3, key="curvature_probes", help="More probes: smaller bars.")
            pairs = bound(st.slider, "Eigenpairs at the top", 0, 20, 5, key="curvature_pairs")
            resamples = bound(
                st.slider,
                "Resamples of the data",
                0,
                20,
                4,
                key="curvature_resamples",
                help="Bootstrap: each costs as many products as Lanczos steps.",
            )
            noise = bound(
                st.number_input,
                "Examples looked at for the noise",
                0,
                10_000,
                64,
                key="curvature_noise",
                help="How the Hessian differs from example to example (Algorithm 8); 0 leaves it out.",
            )
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="curvature_seed")
            exact = bound(st.toggle, f"Exact eigenvalues up to P = {EXACT_LIMIT:,}", True, key="curvature_exact")
    if runs_here(found, problem):
        problem = problem.of(seed=seed)  # labels that a Fisher matrix draws change with the probes
        settings = CurvatureSettings(problem, steps, probes, pairs, resamples, int(noise), exact)
        run = runs.show(
            "curvature",
            key=settings,
            job=lambda: curvature_job(settings),
            draw=lambda result: draw_curvature(result, settings),
            title=f"{problem.matrix_name()} of {verbatim(found.choice.title())}",
            threads=threads_for(found, problem),
        )
        if run.state == "finished":
            offer(
                "Hessian spectra, Curvature",
                settings,
                title=problem.title(),
                caption=settings.caption(),
                make=lambda: operator(problem),
                code=problem.code,
                eigenvalues=run.latest.eigenvalues,
            )
        finite_differences(problem)
    with st.expander("Explain"):
        st.markdown(CURVATURE)


def choose_problem(found, *, matrices=True) -> CurvatureProblem | None:
    """The widgets that say which matrix, in the place where they are called; None without a model or data."""
    data = choose_data(found, key_of_size="curvature_examples", several=EXAMPLES)
    matrix, layer = "HessianOperator", WHOLE
    if matrices:
        matrix = bound(st.selectbox, "Matrix", list(MATRICES), key="curvature_matrix", format_func=MATRICES.get)
    if found is None or found.recognised is None:
        return None
    if matrices:
        names = groups(found)
        if st.session_state.get("curvature_layer", WHOLE) not in names:
            st.session_state["curvature_layer"] = WHOLE
        layer = bound(
            st.selectbox,
            "Parameters",
            list(names),
            key="curvature_layer",
            format_func=names.get,
            help="A layer or block: its part of the matrix.",
        )
    with st.expander("Examples and model"):
        part = bound(
            st.segmented_control,
            "Examples",
            ("training", "test"),
            key="curvature_part",
            default="training",
            required=True,
            help="The matrix is the mean over them; how many is chosen above.",
        )
        batch = bound(st.number_input, "Mini-batch", 1, 10_000, 250, key="curvature_batch")
        batch_norm = bound(
            st.segmented_control,
            "Batch norm",
            ("eval", "train"),
            key="curvature_batch_norm",
            default="eval",
            required=True,
            help="By stored statistics, or by those of each mini-batch (section 5.9.3).",
        )
        decay = bound(st.number_input, "Weight decay γ, adds γI", 0.0, 10.0, 0.0, format="%.4g", key="curvature_decay")
        dtype, device = choose_device("curvature_dtype", "float32")
    if data is None:
        return None
    return CurvatureProblem(found.choice, data, part, matrix, layer, batch_norm, decay, int(batch), 0, dtype, device)


runs_here = partial(is_ready, needs="Curvature needs", where="the tab “This checkpoint”", missing="curvature")
