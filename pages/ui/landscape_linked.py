"""Surfaces that turn together: scenes of one figure that share their camera, in the browser."""

from pathlib import Path

import streamlit as st

__all__ = ["link_cameras"]

_component = st.components.v2.component(
    "eigenscope.linked_cameras",
    html="<span hidden></span>",
    js=(Path(__file__).parent / "landscape_linked.js").read_text(encoding="utf-8"),
)


def link_cameras(key) -> None:
    """Link the cameras of the scenes that a figure on this page names in ``layout.meta["linked"]``."""
    _component(key=key, data={})
