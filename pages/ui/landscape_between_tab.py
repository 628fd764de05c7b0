"""The tab "Between checkpoints": is there a barrier, and do two networks have alike surroundings?"""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.checkpoint_source import choose_checkpoint
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.landscape_between_job import MODES, BetweenSettings, Other, between_job
from pages.ui.landscape_directions import KINDS, RANDOM
from pages.ui.landscape_explain import BETWEEN
from pages.ui.landscape_notebook import between_notebook
from pages.ui.landscape_problem import choose_problem, runs_here
from pages.ui.landscape_view import draw_compared, draw_plane, line_arrays, plane_arrays, plane_caption, tell_divergence
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from pages.ui.wording import counted, with_error
from spectral_core import figures, landscapes

__all__ = ["between_tab"]

SOURCES = ("trained again", "another")


def between_tab(found) -> None:
    """Controls, run and pictures of `found`, an Opened or None, and others."""
    mode = bound(
        st.segmented_control,
        "Show",
        list(MODES),
        key="between_mode",
        default="line",
        required=True,
        format_func=MODES.get,
    )
    with st.sidebar:
        second = _choose_other(found, "second", 1)
        third = _choose_other(found, "third", 2) if mode == "plane" else None
        problem = choose_problem(found)
        normalisation, radius, seed = "filter", 1.0, 0
        if mode == "beside":
            normalisation = bound(
                st.selectbox, "Directions", list(RANDOM), key="between_directions", format_func=KINDS.get,
                help="Drawn anew for each network.",
            )  # fmt: skip
            radius = bound(st.number_input, "Radius", 1e-6, 1e15, 1.0, format="%.4g", key="between_radius")
            seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="between_seed")
        points = bound(
            st.slider, "Points", 5, 81, 21, 2, key="between_points", help="From one checkpoint to the other, or along each side."
        )  # fmt: skip
    others = tuple(other for other in (second, third) if other is not None)
    if runs_here(found, problem):
        if len(others) < (2 if mode == "plane" else 1):
            st.info("Choose or upload the other checkpoint in the sidebar.")
        else:
            settings = BetweenSettings(problem, mode, others, points, normalisation, radius, seed)
            runs.show(
                "landscape-between",
                key=settings,
                job=lambda: between_job(settings),
                draw=lambda result: _draw(result, settings),
                title=f"{MODES[mode]}, from {verbatim(found.choice.title())}",
                threads=threads_for(found, problem),
            )
    with st.expander("Explain"):
        st.markdown(BETWEEN)


def _choose_other(found, which, seed):
    """An `Other`, or None while there is none."""
    key, again = f"landscape_{which}_source", found is None or found.entry is not None
    if not again and key in st.session_state:
        st.session_state[key] = SOURCES[1]  # nobody knows how a file was trained
    source = bound(
        st.segmented_control,
        f"{which.capitalize()} checkpoint",
        SOURCES if again else SOURCES[1:],
        key=key,
        default=SOURCES[0 if again else 1],
        required=True,
        format_func=str.capitalize,
        width="stretch",
    )
    if source == SOURCES[0]:
        if found is None:
            return None
        with st.expander("Training again"):
            seed = bound(st.number_input, "Seed of weights and order", 0, 10**9, seed, key=f"landscape_{which}_seed")
            epochs = bound(
                st.slider,
                "Epochs",
                1,
                40,
                10,
                key=f"landscape_{which}_epochs",
                help="By the recipe of the shipped one.",
            )
        return Other(None, int(seed), epochs)
    chosen = choose_checkpoint(f"landscape_{which}", "From", ("shipped", "upload"), hints=False, first=None)
    return Other(chosen.choice) if chosen is not None else None


def _draw(result, settings):
    name = f"between {settings.problem.checkpoint.name}"
    if result.line is not None:
        _draw_line(result.line, settings, name)
        return
    if not result.planes:
        return
    if settings.mode == "plane":
        plane = next(iter(result.planes.values()))
        points = {label: where for label, where in list(result.coordinates.items())[1:]}
        draw_plane(plane, "through", "The plane through three checkpoints", points=points)
    else:
        draw_compared(result.planes, "beside", "Two landscapes")
    for label, plane in result.planes.items():
        which = f"{escaped(label)}: " if len(result.planes) > 1 else ""
        st.caption(f"{which}{plane_caption(plane)}")
    st.caption(f"{escaped(settings.caption())}.")
    planes = result.planes
    take_away(
        name,
        {"Grid": lambda: _grids(planes)},
        lambda: between_notebook(settings),
        arrays=lambda: plane_arrays(planes),
    )


def _draw_line(line, settings, name):
    barriers = {}
    if line.done.all():
        barriers = {part: landscapes.barrier(line, name=part) for part in line.values}
        _tell(barriers, settings)
    quantity = "loss"
    if line.error is not None:
        quantity = bound(
            st.segmented_control, "Quantity", ("loss", "error"), key="between_quantity", default="loss", required=True
        )
    if quantity == "loss":
        plot(figures.barrier_figure(line, barriers), "loss between checkpoints")
    else:
        title = "{} (0) to {} (1)".format(*settings.names())
        plot(figures.line_panels_figure({title: line}, quantity="error", title="Share misclassified"), "error between")
    tell_divergence([line])
    notes = escaped(" ".join(line.notes))
    passes = counted(line.passes, "forward pass")
    st.caption(f"{escaped(settings.caption())}. {passes}; the checkpoints are {line.norm:.4g} apart. {notes}")
    take_away(
        name,
        {"Curve": lambda: figures.line_table({"between": line})},
        lambda: between_notebook(settings),
        arrays=lambda: line_arrays({"between": line}),
    )


def _tell(barriers, settings):
    a, b = map(verbatim, settings.names())
    part, one = next(iter(barriers.items()))
    if not np.isfinite(one.height):
        st.markdown(
            f"**Between {a} and {b} the {part} loss is not finite**: at {one.position:.2g} of the way it overflows."
        )
        return
    if one.height > 2 * one.standard_error and one.height > 0:
        said = (
            f"**Between {a} and {b} there is a barrier:** {one.position:.2g} of the way along the straight line the {part} "
            f"loss lies {with_error(one.height, one.standard_error)} above the line of its ends ({one.first:.3g} and "
            f"{one.second:.3g})."
        )
    else:
        said = (
            f"**Between {a} and {b} there is no barrier:** on the straight line the {part} loss is nowhere above the line of "
            f"its ends ({one.first:.3g} and {one.second:.3g}) by more than its error."
        )
    for other, further in list(barriers.items())[1:]:
        said += f" On the {other} examples: {with_error(further.height, further.standard_error)}."
    st.markdown(said)


def _grids(planes):
    import pandas as pd

    return pd.concat([figures.plane_table(plane).assign(landscape=name) for name, plane in planes.items()])
