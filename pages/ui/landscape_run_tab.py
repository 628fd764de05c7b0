"""The tab "Along a run": the path of training on the plane that holds most of it."""

import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.curvature_training_tab import several_epochs
from pages.ui.landscape_explain import RUN
from pages.ui.landscape_notebook import path_notebook
from pages.ui.landscape_problem import choose_problem, runs_here
from pages.ui.landscape_run_job import RunSettings, run_job
from pages.ui.landscape_view import draw_plane, plane_arrays, plane_caption
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["run_tab"]

EXAMPLES = 300  # of each part, unless more are asked for: a convolutional network at each point


def run_tab(found) -> None:
    """Controls, run and pictures of the run that `found`, an Opened or None, is of."""
    with st.sidebar:
        problem = choose_problem(found, key_of_size="path_examples", several=EXAMPLES)
        points = bound(st.slider, "Points along each", 5, 81, 15, 2, key="path_points")
    if runs_here(found, problem) and (epochs := several_epochs(found, 3, "A plane needs three checkpoints of one run")):
        settings = RunSettings(problem, epochs, points)
        runs.show(
            "landscape-run",
            key=settings,
            job=lambda: run_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"The path of {verbatim(found.choice.title())}",
            threads=threads_for(found, problem),
        )
    with st.expander("Explain"):
        st.markdown(RUN)


def _draw(result, settings):
    path = result.path
    _tell(result, settings)
    labels = {
        f"epoch {epoch}": tuple(at) for (epoch, _), at in zip(settings.epochs[:1], path.coordinates, strict=False)
    }
    draw_plane(result.plane, "path", "The path of training", trajectory=path.coordinates, points=labels)
    st.dataframe(_table(result, settings), hide_index=True)
    st.caption(
        "Each checkpoint is drawn where its projection lies; the loss there is not its own as far as it lies off the plane."
    )
    st.caption(f"{escaped(settings.caption())}. {plane_caption(result.plane)}")
    take_away(
        f"path {settings.epochs[-1][1].name}",
        {"Grid": lambda: figures.plane_table(result.plane), "Path": lambda: _table(result, settings)},
        lambda: path_notebook(settings),
        arrays=lambda: plane_arrays({"plane": result.plane}),
    )


def _tell(result, settings):
    first, second = result.path.explained
    count = len(settings.epochs)
    st.markdown(
        f"**The plane holds {first + second:.1%} of the variance of the {count} checkpoints** ({first:.1%} and {second:.1%}). "
        "That is less than it sounds: a random walk of many steps in many dimensions has 76 % on its best plane, and a few "
        "points always have much."
    )


def _table(result, settings):
    import pandas as pd

    x, y = result.path.coordinates.T
    return pd.DataFrame(
        {
            "epoch": [epoch for epoch, _ in settings.epochs],
            "x": x.round(4),
            "y": y.round(4),
            "distance from the plane": [f"{d:.3g}" for d in result.path.distances],
            "its loss": [f"{loss:.4g}" for loss in result.own],
            "loss of its projection": [f"{loss:.4g}" for loss in result.projected],
        }
    )
