"""The tab "Surface": the loss on a plane of two directions, and optimisers that walk on it."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.landscape_directions import KINDS, RANDOM
from pages.ui.landscape_explain import SURFACE
from pages.ui.landscape_notebook import surface_notebook
from pages.ui.landscape_problem import choose_problem, runs_here
from pages.ui.landscape_surface_job import PlaneSettings, SurfaceSettings, Walks, surface_job
from pages.ui.landscape_view import draw_plane, plane_arrays, plane_caption
from pages.ui.take_away import take_away
from pages.ui.wording import counted
from spectral_core import figures, optimisers

__all__ = ["surface_tab"]

USUAL = list(Walks().methods)


def surface_tab(found) -> None:
    """Controls, run and picture of `found`, an Opened or None."""
    with st.sidebar:
        problem = choose_problem(found)
        names = tuple(
            bound(st.selectbox, f"{order} direction", list(KINDS), key=f"surface_{place}", format_func=KINDS.get)
            for place, order in enumerate(("First", "Second"), 1)
        )
        radius = bound(
            st.number_input, "Radius", 1e-6, 1e15, 1.0, format="%.4g", key="surface_radius",
            help="In lengths of each direction: eigenvectors are 1 long, normalised ones as long as the weights.",
        )  # fmt: skip
        points = bound(st.slider, "Points along each", 5, 81, 31, 2, key="surface_points")
        seed = bound(
            st.number_input, "Seed", 0, 10**9, 0, key="surface_seed", help="Of random directions, probes, batches."
        )
        walks = _choose_walks()
    if names[0] == names[1] and names[0] not in RANDOM:
        st.info("Both directions are the same, which makes a line, not a plane: choose another second direction.")
    elif runs_here(found, problem):
        settings = SurfaceSettings(PlaneSettings(problem, names, radius, points, seed), walks)
        runs.show(
            "landscape-surface",
            key=settings,
            job=lambda: surface_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"A plane through {verbatim(found.choice.title())}",
            threads=threads_for(found, problem),
        )
    with st.expander("Explain"):
        st.markdown(SURFACE)


def _choose_walks():
    st.markdown("**Optimisers on it** (a teaching toy)")
    methods = bound(st.multiselect, "Walking", list(optimisers.METHODS), USUAL, key="walk_methods")
    start = tuple(
        bound(st.slider, f"Start, {side}", -1.0, 1.0, value, 0.05, key=f"walk_{side}", help="In radii.")
        for side, value in zip(("x", "y"), Walks().start, strict=True)
    )
    with st.expander("How they walk"):
        automatic = "0: chosen for this plane."
        return Walks(
            tuple(methods),
            start,
            bound(st.slider, "Steps", 5, 200, 40, 5, key="walk_steps"),
            bound(
                st.number_input, "Learning rate of SGD and momentum", 0.0, 1e6, 0.0, format="%.4g", key="walk_rate",
                help=f"{automatic} One by the sharpest curvature, at the start or at the checkpoint.",
            ),
            bound(
                st.number_input, "Learning rate of Adam and Gadam", 0.0, 1e6, 0.0, format="%.4g", key="walk_adaptive_rate",
                help=f"{automatic} A twentieth of the radius.",
            ),
            bound(st.slider, "Momentum", 0.0, 0.99, 0.9, 0.01, key="walk_momentum"),
            bound(st.number_input, "Newton's damping", 0.0, 1e6, 0.0, format="%.4g", key="walk_damping"),
            bound(st.toggle, "Steps by single mini-batches", False, key="walk_batches"),
        )  # fmt: skip


def _draw(result, settings):
    plane = result.plane
    quadratic = bound(st.toggle, "Quadratic model (dotted contours)", False, key="surface_quadratic")
    model = result.model if quadratic else None
    draw_plane(plane, "surface", "Loss on a plane", model=model, averages=result.averages, walks=result.walks)
    if result.walks:
        _tell(result, settings)
        st.dataframe(_table(result), hide_index=True)
        st.caption(
            "**A teaching toy:** each optimiser moves in the two coordinates of this plane alone, by the true gradient there "
            "(and the 2 × 2 Hessian, for Newton's). A real run has all its weights to move and leaves the plane at once; what "
            "is the best here says nothing about training."
        )
    st.caption(f"{settings.caption()}. {plane_caption(plane)} Beside the grid: {counted(result.products, 'product')}.")
    settings.plane.problem.two_losses(
        "the losses of the grid", "the quadratic model, eigenvectors, gradients and walks"
    )
    take_away(
        f"plane {settings.plane.problem.checkpoint.name}",
        {"Grid": lambda: figures.plane_table(plane), "Walks": lambda: _paths(result)},
        lambda: surface_notebook(settings, result),
        arrays=lambda: plane_arrays({"plane": plane}),
    )


def _tell(result, settings):
    """Where the walks ended."""
    lost = [name for name, walk in result.walks.items() if walk.diverged]
    ends = result.answers()
    start = float(next(iter(result.walks.values())).losses[0])
    if not np.isfinite(start):
        st.markdown(
            "**No optimiser takes a step:** the loss at the start is NaN or infinite. Take a smaller radius, or start nearer "
            "to the checkpoint."
        )
        return
    if not ends:
        st.markdown("**Every walk diverged:** take a smaller learning rate, or start nearer to the checkpoint.")
        return
    best = min(ends, key=ends.get)
    if ends[best] < start:
        said = f"**From a loss of {start:.3g}, {best} comes down furthest: to {ends[best]:.3g}.**"
    elif any(walk.stopped == "steps are left" for walk in result.walks.values()):
        said = f"The walks start from a loss of {start:.3g}."
    else:
        said = f"**From a loss of {start:.3g} no optimiser comes down:** {best} ends lowest, at {ends[best]:.3g}."
    centre, error = result.model.loss, float(next(iter(result.plane.centre.values())).loss_error)
    known = f"{centre:.3g}" + (f", known to ± {error:.1g}" if error > 0 else "")
    said += f" The checkpoint itself has {known}"
    if settings.plane.problem.recomputes():
        said += " (both with batch norm by the stored statistics; the surface recomputes it)"
    lower = centre - ends[best] > max(0.01 * abs(centre), error if error > 0 else 0.0)
    said += ": on this plane there is a lower point." if lower else "."
    if lost:
        said += f" {', '.join(lost)} diverged."
    st.markdown(said)


def _table(result):
    import pandas as pd

    return pd.DataFrame(
        {
            "optimiser": name,
            "learning rate": f"{walk.settings['learning_rate']:.3g}",
            "steps": len(walk.losses) - 1,
            "loss at the end": f"{walk.losses[-1]:.4g}",
            "loss of the average": f"{result.averages[name]:.4g}" if name in result.averages else "",
            "lowest": f"{min(walk.losses[np.isfinite(walk.losses)], default=np.nan):.4g}",
            "gradients": walk.gradients,
            "Hessians": walk.hessians,
            "ended": walk.stopped,
        }
        for name, walk in result.walks.items()
    )


def _paths(result):
    import pandas as pd

    parts = [
        pd.DataFrame(
            {"optimiser": name, "step": range(len(walk.losses)), "x": walk.positions[:, 0], "y": walk.positions[:, 1],
             "loss": walk.losses, "average_x": walk.averages[:, 0], "average_y": walk.averages[:, 1]}
        )
        for name, walk in result.walks.items()
    ]  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()
