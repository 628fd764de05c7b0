"""A lesson beside the tab "Curvature": the product from differences of gradients, against the exact one, in both precisions."""

from collections.abc import Iterator

import streamlit as st
import torch

from pages.ui import runs
from pages.ui.controls import bound
from pages.ui.curvature_problem import CurvatureProblem, operator
from pages.ui.jobs import Step
from pages.ui.plots import plot
from spectral_core import curvature, figures
from spectral_core.probes import draw_probes

__all__ = ["differences_job", "finite_differences"]

PRECISIONS = ("float32", "float64")


def finite_differences(problem: CurvatureProblem) -> None:
    """A switch, and below it the errors of finite differences over their step."""
    if problem.matrix != "HessianOperator":
        return
    if bound(
        st.toggle,
        "Would differences of gradients do?",
        key="curvature_differences",
        help="(g(w + h v) − g(w − h v)) / 2h against the exact product, for one random v: some 80 gradients.",
    ):
        runs.show(
            "differences",
            key=("differences", problem),
            job=lambda: differences_job(problem),
            draw=_draw,
            title="Finite differences",
        )


def differences_job(problem: CurvatureProblem) -> Iterator[Step]:
    """Results are dicts of precision: `FiniteDifferenceErrors`."""
    double = operator(problem, dtype=torch.float64)
    v = draw_probes(double.shape[0], 1, generator=torch.Generator().manual_seed(problem.seed), dtype=torch.float64)
    v = v[:, 0].to(double.device)
    exact, found = double @ v, {}
    for place, name in enumerate(PRECISIONS):
        H = operator(problem, dtype=torch.float32) if name == "float32" else double
        for errors in curvature.finite_difference_error_steps(H, v.to(H.dtype), exact=exact):
            found = found | {name: errors}
            yield Step((place + min(1.0, len(errors.steps) / 20)) / 2.0, found, f"{name}: {errors.stopped}")
    yield Step(1.0, found)


def _draw(found):
    plot(figures.differences_figure(found), "errors of finite differences")
    for name, errors in found.items():
        step, error = errors.best
        st.markdown(f"In {name} the best central difference, h = {step:.1g}, is off by **{error:.1g}** of the product.")
    st.caption(
        "In float32 a step of 1e-8 is lost in the rounding of the weights. The exact product costs about as much."
    )
