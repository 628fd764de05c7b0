"""The Log-determinant tab: its controls in the sidebar, its run, its pictures."""

import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, verbatim
from pages.ui.finished import offer
from pages.ui.kernel_choice import matrix_steps, threads_for
from pages.ui.kernel_explain import LOGDET
from pages.ui.kernel_source import AWAITING
from pages.ui.logdet_job import EXACT_LIMIT, NAMES, LogdetSettings, logdet_job
from pages.ui.logdet_view import draw_logdet
from pages.ui.spectrum_tab import choose_device

__all__ = ["logdet_tab"]

BUDGETS = (300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000)
TOLERANCES = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
STOPS = {"products": "A budget", "tolerance": "An error"}


def logdet_tab(choice) -> None:
    """Controls, run and pictures of `choice`, a MatrixChoice or None."""
    with st.sidebar, st.expander("Computation"):
        estimates = [name for name in NAMES if name != "exact"]
        methods = bound(
            st.pills,
            "Methods",
            estimates,
            key="kernel_methods",
            selection_mode="multi",
            default=estimates,
            format_func=NAMES.get,
        )
        stop = bound(
            st.segmented_control,
            "Each method is given",
            list(STOPS),
            key="kernel_stop",
            default="products",
            required=True,
            format_func=STOPS.get,
            help="Products of the matrix with a vector, or the relative error to reach with at most so many.",
        )
        tolerance = None
        if stop == "tolerance":
            tolerance = bound(
                st.select_slider,
                "Relative error to reach",
                TOLERANCES,
                0.01,
                key="kernel_tolerance",
                format_func=lambda value: f"{value:g}",
            )
        products = bound(
            st.select_slider,
            "Products a method, at most" if tolerance else "Products a method",
            BUDGETS,
            3000 if tolerance else 300,
            key="kernel_cap" if tolerance else "kernel_products",
            format_func=str,
        )
        seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="kernel_seed")
        exact = bound(
            st.toggle,
            f"Exact up to n = {EXACT_LIMIT:,}",
            True,
            key="kernel_exact",
            help="By Cholesky with all eigenvalues; sparse matrices by LU up to n = 100,000.",
        )
        dtype, device = choose_device()
    if not methods and not exact:
        st.info("Choose at least one method in the sidebar.")
    elif choice is not None:
        chosen = tuple(name for name in estimates if name in methods)
        settings = LogdetSettings(choice, chosen, products, tolerance, exact, seed, dtype, device)
        run = runs.show(
            "logdet",
            key=settings,
            job=lambda: logdet_job(settings),
            draw=lambda result: draw_logdet(result, settings),
            title=f"log det of {verbatim(choice.title())}",
            threads=threads_for(choice),
        )
        if run.state == "finished":
            offer(
                "Kernel log-det, Log-determinant",
                settings,
                title=choice.title(),
                caption=settings.caption(),
                make=lambda: list(matrix_steps(choice, dtype, device))[-1][1].operator,
                code=lambda: choice.code(dtype=dtype, device=device),
                eigenvalues=run.latest.eigenvalues,
            )
    else:
        st.info(AWAITING)
    with st.expander("Explain"):
        st.markdown(LOGDET)
