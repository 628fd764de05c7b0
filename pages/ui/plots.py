"""A plotly figure on a page, whose camera saves what was chosen."""

import streamlit as st

__all__ = ["choose_format", "plot"]


def plot(figure, name):
    """Show a figure; `name` is its key, its text for screen readers, and the name of the saved file."""
    fmt = st.session_state.get("figure_format", "png")
    options = {"format": fmt, "filename": name.replace(" ", "-"), "scale": 2}
    st.plotly_chart(
        figure, key=f"plot-{name}", config={"toImageButtonOptions": options, "displaylogo": False}, alt=name
    )


def choose_format():
    """What the camera of every figure saves."""
    st.segmented_control(
        "A figure's camera button saves",
        ("png", "svg"),
        key="figure_format",
        default="png",
        required=True,
        format_func=str.upper,
    )
