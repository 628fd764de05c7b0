"""The tab "Which minimum?": checkpoints of one network, as sharp as they are and as good as they are."""

import streamlit as st

from pages.ui import runs, uploads
from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.controls import bound, verbatim
from pages.ui.curvature_problem import MATRICES, threads_for
from pages.ui.curvature_tab import choose_problem, runs_here
from pages.ui.curvature_training_job import epochs_of
from pages.ui.sharpness_explain import SHARPNESS
from pages.ui.sharpness_job import SharpnessSettings, sharpness_job
from pages.ui.sharpness_view import draw_minima
from sample_models import shipped

__all__ = ["sharpness_tab"]

CHOSEN = "sharpness_checkpoints"
MARK = " sha="  # between the name of an upload and its digest
MOST = 12  # weights of one file that are compared, unless others are asked for


def sharpness_tab(found) -> None:
    """Controls, run and pictures of checkpoints of the network that `found`, an Opened or None, is."""
    checkpoints = _choose_checkpoints(found) if found is not None and found.recognised is not None else ()
    with st.sidebar:
        matrix = bound(
            st.segmented_control,
            "Matrix",
            list(MATRICES)[:2],
            key="sharpness_matrix",
            default="HessianOperator",
            required=True,
            format_func=lambda name: MATRICES[name].split(" (")[0],
        )
        problem = choose_problem(found, matrices=False)
        with st.expander("Computation"):
            steps = bound(st.slider, "Lanczos steps", 5, 200, 15, 5, key="sharpness_steps")
            probes = bound(st.slider, "Probes", 2, 16, 2, key="sharpness_probes", help="More probes: narrower bands.")
            pairs = bound(
                st.slider,
                "Eigenpairs at the top",
                1,
                20,
                3,
                key="sharpness_pairs",
                help="Taken out of the probes and counted exactly.",
            )
            evaluated = bound(
                st.number_input,
                "Examples for loss and accuracy, of each part at most",
                10,
                100_000,
                5000,
                key="sharpness_evaluated",
            )
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="sharpness_seed")
    if runs_here(found, problem):
        if not checkpoints:
            st.info("Choose checkpoints above, or drop files.")
        else:
            if len(checkpoints) == 1 and checkpoints[0].source == "shipped":
                st.info(
                    "One checkpoint is no comparison: choose “LeNet, watched” in the sidebar, or drop files of this network."
                )
            settings = SharpnessSettings(
                problem.of(matrix=matrix), checkpoints, steps, probes, pairs, int(evaluated), int(seed)
            )
            runs.show(
                "sharpness",
                key=settings,
                job=lambda: sharpness_job(settings),
                draw=lambda result: draw_minima(result, settings),
                title=f"Checkpoints like {verbatim(found.choice.title())}",
                threads=threads_for(found, problem),
            )
    with st.expander("Explain"):
        st.markdown(SHARPNESS)


def _choose_checkpoints(found):
    """Shipped ones of the same architecture and data, or the several weights of a file, and any number of files."""
    own, first = _alike(found)
    of = found.entry.run if found.entry is not None else found.choice.digest
    before = st.session_state.get(CHOSEN)
    if before is not None:
        kept = [name for name in before if name in own or MARK in name]
        another = st.session_state.get("_sharpness_of", of) != of
        st.session_state[CHOSEN] = [*first, *filter(_is_file, kept)] if another else kept
    st.session_state["_sharpness_of"] = of
    asked = [*st.query_params.get_all(CHOSEN), *st.session_state.get(CHOSEN, ())]
    chosen = bound(
        st.multiselect, "Checkpoints", list(dict.fromkeys([*own, *filter(_is_file, asked)])), first, key=CHOSEN
    )
    with st.popover("Drop files of the same network"):
        st.file_uploader(
            "Torch files or safetensors, several at once",
            accept_multiple_files=True,
            key="sharpness_files",
            on_change=_add_files,
            args=(first,),
            help=uploads.KEPT,
        )
        st.caption("A file that holds several weights stands for all of them. Nothing in a file is run.")
    hints = found.choice.hints
    return tuple(own[name] if name in own else _file(name, hints) for name in chosen)


def _alike(found):
    """Choices by name, and the names of those chosen at first."""
    if found.entry is None:
        several = [choice for _, choice in epochs_of(found)]
        own = {choice.title(): choice for choice in several if len(several) > 1} or {found.choice.title(): found.choice}
        return own, list(own)[:MOST]
    entry = found.entry
    alike = [e for e in shipped() if (e.architecture, e.data) == (entry.architecture, entry.data)]
    run = [e.name for e in alike if e.run == entry.run]
    last = [e.name for e in alike if e.epoch == e.epochs]
    return {e.name: CheckpointChoice("shipped", e.name) for e in alike}, run if len(run) > 1 else last


def _is_file(name):
    return MARK in name


def _file(name, hints):
    called, _, digest = name.rpartition(MARK)
    return CheckpointChoice("upload", called, digest, hints=hints)


def _add_files(first):
    kept = [
        f"{file.name}{MARK}{uploads.keep(file.name, file.getvalue())}" for file in st.session_state["sharpness_files"]
    ]
    st.session_state[CHOSEN] = list(dict.fromkeys([*st.session_state.get(CHOSEN, first), *kept]))
