"""The sidebar of the page "Kernel log-det": where the matrix comes from, and its covariance function."""

import streamlit as st

from pages.ui import uploads
from pages.ui.controls import bound, escaped
from pages.ui.kept_upload import kept_upload, leave_upload
from pages.ui.kernel_choice import COVARIANCES, NEIGHBOURS, KernelChoice, MatrixChoice, table_of
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


def choose_matrix() -> MatrixChoice | None:
    """The widgets, in the place where they are called; None while an upload is awaited."""
    source = bound(st.selectbox, "Matrix from", list(SOURCES), key="kernel_from", format_func=SOURCES.get)
    for other in ("upload", "matrix"):
        if source != other:
            leave_upload(f"kernel_{other}")
    if source == "table":
        return _choose_packaged()
    if source == "upload":
        return _choose_upload()
    if source == "gaussian":
        return _choose_gaussian()
    return _choose_weights() if source == "weights" else _choose_file()


def _choose_packaged():
    entries = {entry.key: entry for entry in kernels.table_catalogue()}
    key = bound(st.selectbox, "Table", list(entries), key="kernel_table", format_func=lambda key: entries[key].title)
    entry = entries[key]
    st.caption(f"{entry.description} {entry.rows:,} rows. Source: {entry.source}.")
    return _choose_columns("table", key, "")


def _choose_upload():
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
    said = f"{table.values.shape[0]:,} rows, {len(table.columns):,} columns of numbers."
    if table.left_out:
        said += f" Left out, since they hold text: {', '.join(table.left_out[:8])}."
    st.caption(escaped(" ".join([said, *table.notes])))
    return _choose_columns("upload", name, digest)


def _choose_columns(source, key, digest):
    """Target, inputs and rows of a table, and the covariance function."""
    table = table_of(key, digest)
    columns = list(table.columns)
    _forget_unless("kernel_target", [*columns, NO_TARGET])
    target = bound(st.selectbox, "Target", [*columns, NO_TARGET], len(columns) - 1, key="kernel_target")
    target = "" if target == NO_TARGET else target
    kernel = _choose_kernel()
    with st.expander("Columns and rows"):
        others = [column for column in columns if column != target]
        if chosen := st.session_state.get("kernel_without"):
            st.session_state["kernel_without"] = [column for column in chosen if column in others]
        without = st.multiselect(
            "Columns left out",
            others,
            key="kernel_without",
            bind="query-params",
            persist_state="session",
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
        st.error("A kernel needs at least one input column: leave fewer out.")
        return None
    return MatrixChoice(source, key, digest, tuple(without), target, rows, seed, standardise, kernel=kernel)


def _forget_unless(key, options):
    """Let go of a choice that another table has not."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def _choose_gaussian():
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
        "gaussian", "gaussian", rows=n, seed=seed, standardise=False, scale=scale, kernel=_choose_kernel()
    )


def _choose_kernel():
    name = bound(st.selectbox, "Covariance", list(COVARIANCES), key="kernel_covariance", format_func=COVARIANCES.get)
    number, options = st.number_input, {"step": 0.1, "format": "%.4g"}
    left, right = st.columns(2)
    with left:
        lengthscale = bound(number, "Length scale ℓ", 1e-4, 1e4, 1.0, key="kernel_lengthscale", **options)
    with right:
        noise = bound(
            number,
            "Noise variance",
            0.0,
            1e6,
            0.01,
            key="kernel_noise",
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
