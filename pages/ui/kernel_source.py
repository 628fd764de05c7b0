"""The sidebar of the page "Kernel log-det": where the matrix comes from, and its covariance function."""

import streamlit as st

from pages.ui import uploads
from pages.ui.controls import bound, escaped, unused_in_link
from pages.ui.kept_upload import kept_upload, leave_upload
from pages.ui.kernel_choice import COVARIANCES, NEIGHBOURS, KernelChoice, MatrixChoice, table_of
from pages.ui.wording import counted
from spectral_core import kernels

__all__ = ["AWAITING", "SOURCES", "choose_matrix"]

AWAITING = "There is no matrix yet: upload one in the sidebar, or choose another source."

SOURCES = {
    "table": "A packaged table",
    "upload": "Upload a table",
    "gaussian": "Gaussian points (6-D)",
    "weights": "Spatial weights",
    "matrix": "Upload a matrix",
}
WEIGHTS = {"rook": "Grid, shared edges", "queen": "Grid, shared corners", "montreal": "Zones of Montreal"}
READINGS = {"itself": "A", "weights": "I − ρW"}
NO_TARGET = "(none)"
NOISE = ("kernel_noise", 0.01)
PROCESS_NOISE = ("kernel_process_noise", 0.5)  # of targets, which a matrix alone knows nothing of
KEYS = ("table", "target", "without", "standardise", "rows", "n", "scale", "draw", "covariance", "lengthscale")
KEYS += ("outputscale", "noise", "process_noise", "alpha", "period", "weights", "grid_rows", "grid_columns", "rho")
KEYS += ("reading",)


def choose_matrix(*, process=False) -> MatrixChoice | None:
    """The widgets, in the place where they are called; None while an upload is awaited.

    Parameters
    ----------
    process : bool
        Whether the matrix is the covariance of targets to be explained: its noise is theirs, and a choice of its own.
    """
    choice = _choose_source(process)
    if choice is not None:
        unused_in_link(f"kernel_{name}" for name in KEYS)
    return choice


def _choose_source(process):
    source = bound(st.selectbox, "Matrix from", list(SOURCES), key="kernel_from", format_func=SOURCES.get)
    for other in ("upload", "matrix"):
        if source != other:
            leave_upload(f"kernel_{other}")
    if source == "table":
        return _choose_packaged(process)
    if source == "upload":
        return _choose_upload(process)
    if source == "gaussian":
        return _choose_gaussian(process)
    return _choose_weights() if source == "weights" else _choose_file()


def _choose_packaged(process):
    entries = {entry.key: entry for entry in kernels.table_catalogue()}
    key = bound(st.selectbox, "Table", list(entries), key="kernel_table", format_func=lambda key: entries[key].title)
    entry = entries[key]
    st.caption(f"{entry.description} {entry.rows:,} rows. Source: {entry.source}.")
    return _choose_columns("table", key, "", process)


def _choose_upload(process):
    kept = kept_upload(
        "Table: CSV (also gzipped, with semicolons or tabs) or Parquet",
        "kernel_upload",
        "Drop a table above: one observation a row, numbers in columns, with or without names in the first row.",
    )
    st.caption(uploads.KEPT)
    if kept is None:
        return None
    digest, name = kept
    try:
        with st.spinner("Reading the file"):
            table = table_of(name, digest)
    except ValueError as error:
        st.error(escaped(error))
        return None
    said = f"{counted(len(table.values), 'row')}, {counted(len(table.columns), 'column')} of numbers."
    if table.left_out:
        said += f" Left out, since they hold text: {', '.join(table.left_out[:8])}."
    st.caption(escaped(" ".join([said, *table.notes])))
    return _choose_columns("upload", name, digest, process)


def _choose_columns(source, key, digest, process):
    """Target, inputs and rows of a table, and the covariance function."""
    table = table_of(key, digest)
    columns = [*table.columns, NO_TARGET]
    usual = max(len(table.columns) - 1, 1)  # the last column, where there is another one for an input
    _start_anew((key, digest), columns[usual])
    target = bound(st.selectbox, "Target", columns, usual, key="kernel_target")
    target = "" if target == NO_TARGET else target
    kernel = _choose_kernel(process)
    with st.expander("Columns and rows"):
        others = [column for column in table.columns if column != target]
        if chosen := st.session_state.get("kernel_without"):
            st.session_state["kernel_without"] = [column for column in chosen if column in others]
        without = bound(
            st.multiselect,
            "Columns left out",
            others,
            key="kernel_without",
            help="All other columns of numbers are inputs.",
        )
        standardise = bound(
            st.toggle,
            "Standardise the inputs",
            True,
            key="kernel_standardise",
            help="Each column less its mean, over its standard deviation; the target always is.",
        )
        rows = bound(
            st.number_input,
            "Rows, at most",
            10,
            1_000_000,
            5000,
            key="kernel_rows",
            help="Drawn at random where there are more.",
        )
        seed = bound(st.number_input, "Seed of the draw", 0, 10**9, 0, key="kernel_draw")
    if len(without) == len(others):
        advice = "leave fewer out" if others else f"{target!r} is the only one, so choose the target {NO_TARGET}"
        st.error(escaped(f"A kernel needs at least one input column: {advice}."))
        return None
    return MatrixChoice(source, key, digest, tuple(without), target, rows, seed, standardise, kernel=kernel)


def _start_anew(table, target):
    """Give a table that is opened after another one its usual target and all its columns; a link's are for the first."""
    before = st.session_state.get("_kernel_opened", table)
    st.session_state["_kernel_opened"] = table
    if before != table:
        st.session_state["kernel_target"], st.session_state["kernel_without"] = target, []


def _choose_gaussian(process):
    n = bound(st.number_input, "Points n", 10, 1_000_000, 1000, key="kernel_n")
    scale = bound(
        st.number_input,
        "Scale of the points",
        1e-3,
        1e3,
        0.28,
        key="kernel_scale",
        step=0.1,
        format="%.4g",
        help="Standard deviation of each of the six coordinates. 0.28 comes nearest to the thesis's Table 2.1.",
    )
    seed = bound(st.number_input, "Seed of the points", 0, 10**9, 0, key="kernel_draw")
    return MatrixChoice(
        "gaussian", "gaussian", rows=n, seed=seed, standardise=False, scale=scale, kernel=_choose_kernel(process)
    )


def _choose_kernel(process):
    name = bound(st.selectbox, "Covariance", list(COVARIANCES), key="kernel_covariance", format_func=COVARIANCES.get)
    number, options = st.number_input, {"step": 0.1, "format": "%.4g"}
    noise_key, usual_noise = PROCESS_NOISE if process else NOISE
    left, right = st.columns(2)
    with left:
        lengthscale = bound(number, "Length scale ℓ", 1e-4, 1e4, 1.0, key="kernel_lengthscale", **options)
    with right:
        noise = bound(
            number,
            "Noise variance",
            0.0,
            1e6,
            usual_noise,
            key=noise_key,
            step=0.01,
            format="%.4g",
            help="Added to the diagonal. It is the least eigenvalue there can be.",
        )
    more = {}
    with left:
        outputscale = bound(number, "Output scale", 1e-6, 1e6, 1.0, key="kernel_outputscale", **options)
    with right:
        if name == "rational":
            more["alpha"] = bound(number, "Mixture α", 1e-3, 1e3, 1.0, key="kernel_alpha", **options)
        if name == "periodic":
            more["period"] = bound(number, "Period", 1e-3, 1e3, 1.0, key="kernel_period", **options)
    return KernelChoice(name, lengthscale, outputscale, noise, **more)


def _choose_rho():
    return bound(
        st.slider,
        "ρ",
        -0.99,
        0.99,
        0.9,
        0.01,
        key="kernel_rho",
        help="How strongly neighbours resemble each other. At ρ = 1 the matrix is singular.",
    )


def _choose_weights():
    kind = bound(st.selectbox, "Weights W", list(WEIGHTS), key="kernel_weights", format_func=WEIGHTS.get)
    sides = (0, 0)
    if kind == "montreal":
        st.caption(f"249 zones of shared cars, each a neighbour of its {NEIGHBOURS} nearest; carried by plotly.")
    else:
        left, right = st.columns(2)
        with left:
            rows = bound(st.number_input, "Rows", 1, 2000, 50, key="kernel_grid_rows")
        with right:
            sides = (rows, bound(st.number_input, "Columns", 2, 2000, 50, key="kernel_grid_columns"))
    return MatrixChoice("weights", kind, rho=_choose_rho(), sides=sides)


def _choose_file():
    kept = kept_upload(
        "Matrix: SciPy's sparse npz, NumPy's npz or npy, Matrix Market (also gzipped)",
        "kernel_matrix",
        "Drop a symmetric positive definite matrix above, or spatial weights W.",
    )
    reading = bound(
        st.segmented_control,
        "Log-determinant of",
        list(READINGS),
        key="kernel_reading",
        default="itself",
        required=True,
        format_func=READINGS.get,
        help="The matrix itself, or I − ρW where it holds spatial weights W.",
    )
    rho = _choose_rho() if reading == "weights" else None
    st.caption(uploads.KEPT)
    return None if kept is None else MatrixChoice("matrix", kept[1], kept[0], rho=rho)
