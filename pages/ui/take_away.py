"""The row below a tab: its tables, its notebook, its link, and what a figure's camera saves."""

import streamlit as st

from pages.ui.controls import share_link
from pages.ui.plots import choose_format

__all__ = ["take_away"]


def take_away(name, tables, notebook=None, notes=(), arrays=None) -> None:
    """Downloads and link.

    Parameters
    ----------
    name : str
        Of the files.
    tables : dict of str to callable
        Label to a function that makes the DataFrame when it is asked for.
    notebook : callable, optional
        Makes the notebook's JSON.
    notes : sequence of str
        What reading the graph changed.
    arrays : callable, optional
        Makes the bytes of an npz file.
    """
    name = name.replace(" ", "-").replace("/", "-")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for place, (label, make) in enumerate(tables.items()):
            ending = f"-{label.split()[0].lower()}" if place else ""
            st.download_button(
                f"{label} (CSV)",
                _csv(make),
                f"{name}{ending}.csv",
                "text/csv",
                on_click="ignore",
                key=f"csv-{name}-{label}",
            )
        if arrays is not None:
            mime = "application/octet-stream"
            st.download_button("Arrays (npz)", arrays, f"{name}.npz", mime, on_click="ignore", key=f"npz-{name}")
        if notebook is not None:
            mime = "application/x-ipynb+json"
            st.download_button("Notebook", notebook, f"{name}.ipynb", mime, on_click="ignore", key=f"ipynb-{name}")
        with st.popover("Share"):
            share_link()
        choose_format()
    if notes:
        with st.expander(f"What reading changed ({len(notes)})"):
            st.markdown("\n".join(f"- {note}" for note in notes))


def _csv(make):
    return lambda: make().to_csv(index=False)
