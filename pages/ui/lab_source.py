"""The sidebar of the Estimator lab: which matrix, known or one's own."""

import numpy as np
import streamlit as st

from pages.ui import uploads
from pages.ui.controls import bound, unused_in_link, verbatim
from pages.ui.finished import finished_run, finished_runs
from pages.ui.kept_upload import kept_upload, leave_upload
from pages.ui.lab_matrix import SOURCES, LabChoice

__all__ = ["AWAITING", "choose_lab_matrix"]

AWAITING = "There is no matrix yet: upload one in the sidebar, or choose another one."
ORDERS = {"Compare": ("lab_n", 1000, 4000), "Errors": ("lab_error_n", 400, 2000)}  # key, usual, most
SIDES = {  # points a side by tab, source and dimensions: usual, most
    ("Compare", "lattice"): {2: (24, 60), 3: (13, 15)},
    ("Compare", "poisson"): {2: (100, 1000), 3: (20, 100)},
    ("Errors", "lattice"): {2: (20, 40), 3: (8, 12)},
    ("Errors", "poisson"): {2: (20, 100), 3: (8, 20)},
}
KEYS = {"Compare": "lab", "Errors": "lab_error"}  # of a grid's widgets: each tab has sizes of its own


def _own_keys(tab):
    grids = [f"{KEYS[tab]}_{source}_{sides}" for source in ("lattice", "poisson") for sides in (2, 3)]
    return [ORDERS[tab][0], f"{KEYS[tab]}_dimensions", *grids, "lab_ratio", "lab_strength", "lab_spikes", "lab_draw"]


RUN = "lab_run"


def choose_lab_matrix(tab: str) -> LabChoice | None:
    """The widgets, in the place where they are called; None while there is no matrix."""
    source = bound(st.selectbox, "Matrix", list(SOURCES), key="lab_from", format_func=SOURCES.get)
    if source != "upload":
        leave_upload("lab_matrix")
    if source != "finished" and RUN in st.query_params:
        del st.query_params[RUN]
    choice = _choose(source, tab)
    if choice is not None:
        unused_in_link(_own_keys(tab))  # a link may hold the other tab's sizes
    return choice


def _choose(source, tab):
    if source == "upload":
        return _choose_file()
    if source == "finished":
        return _choose_finished()
    if source in ("lattice", "poisson"):
        return _choose_grid(source, tab)
    key, usual, most = ORDERS[tab]
    n = bound(st.number_input, "Order n", 100, most, usual, 50, key=key)
    options = {}
    if source == "covariance":
        options["ratio"] = bound(
            st.slider,
            "q: variables to samples",
            0.05,
            3.0,
            0.5,
            0.05,
            key="lab_ratio",
            help="Above 1 there are more variables than samples, and a share 1 − 1/q of all eigenvalues is 0.",
        )
    if source == "spiked":
        count = bound(st.slider, "Spikes", 1, 10, 3, key="lab_spikes")
        strength = bound(
            st.slider,
            "The strongest",
            0.5,
            10.0,
            3.0,
            0.5,
            key="lab_strength",
            help="The others are evenly spaced below it. One at most as strong as 1 stays inside the semicircle on [−2, 2].",
        )
        options["spikes"] = tuple(float(spike) for spike in strength * np.arange(count, 0, -1) / count)
    seed = bound(st.number_input, "Seed of the matrix", 0, 10**9, 0, key="lab_draw")
    return LabChoice(source, int(n), seed=int(seed), **options)


def _choose_grid(source, tab):
    dimensions = bound(
        st.segmented_control,
        "Dimensions",
        (2, 3),
        key=f"{KEYS[tab]}_dimensions",
        default=3 if tab == "Compare" else 2,
        required=True,
        format_func=lambda value: f"{value}-D",
    )
    usual, most = SIDES[tab, source][dimensions]
    points = bound(
        st.number_input,
        "Points a side",
        4,
        most,
        usual,
        key=f"{KEYS[tab]}_{source}_{dimensions}",
        help="The matrix has this number to the power of the dimensions of rows."
        + (" Its eigenvalues are known in closed form, whatever its size." if source == "poisson" else ""),
    )
    st.caption(f"n = {points**dimensions:,}")
    return LabChoice(source, 0, points=int(points), dimensions=dimensions)


def _choose_file():
    kept = kept_upload(
        "Matrix: SciPy's sparse npz, NumPy's npz (one array) or npy, Matrix Market (also gzipped)",
        "lab_matrix",
        "Drop a symmetric matrix above.",
    )
    st.caption(uploads.KEPT)
    return None if kept is None else LabChoice("upload", 0, key=kept[1], digest=kept[0])


def _choose_finished():
    kept, asked = finished_runs(), st.query_params.get(RUN, "")
    if asked and finished_run(asked) is None:
        st.warning(
            f"The link shows the matrix of a run ({verbatim(asked)}) that lives in the session which made it: make it again on "
            "its page, then come back here."
        )
    if not kept:
        st.info(
            "No run has finished in this session: open “Spectrum” of the Graph explorer, “Log-determinant” of Kernel log-det "
            "or “Curvature” of Hessian spectra, let it finish, and come back. Its matrix will be here."
        )
        return None
    keys = list(kept)
    if st.session_state.get("lab_finished") not in keys:
        st.session_state["lab_finished"] = asked if asked in keys else keys[0]
    key = st.selectbox(
        "Finished run", keys, key="lab_finished", format_func=lambda key: f"{kept[key].title} ({kept[key].made_on})"
    )
    st.query_params[RUN] = key
    if kept[key].caption:
        st.caption(kept[key].caption)
    return LabChoice("finished", 0, key=kept[key].title, digest=key, run=kept[key])
