"""The router: which pages there are, and how every URL reaches them.

A folder ``pages/`` beside ``app.py`` keeps Streamlit's old page discovery on until a session of the server has
called `st.navigation`: the first visit to a deep link then runs the page's file alone. So each page begins with
`route`, which hands such a visit to `main`, and a page's file stem must equal its URL.
"""

import gc
import importlib
from typing import NamedTuple

import streamlit as st

APP = "Eigenscope"
HEAVY = ("torch", "pandas", "plotly.graph_objects", "spectral_core.figures")  # plotly trips over a half imported pandas


class Entry(NamedTuple):
    """One line of the table of pages."""

    path: str
    title: str
    url_path: str
    icon: str


# Streamlit writes white on the primary colour, which on dark pages is light enough to be read as text
DARK = "<style>.stMultiSelect span[title], .stMultiSelect span[title] ~ * { color: #0e1117; }</style>"
PAGES = [
    Entry("pages/graph.py", "Graph explorer", "graph", ":material/hub:"),
    Entry("pages/hessian.py", "Hessian spectra", "hessian", ":material/neurology:"),
    Entry("pages/landscape.py", "Loss landscape", "landscape", ":material/landscape:"),
    Entry("pages/batch.py", "Batch-size scaling", "batch", ":material/stacked_bar_chart:"),
    Entry("pages/kernel.py", "Kernel log-det", "kernel", ":material/functions:"),
    Entry("pages/lab.py", "Estimator lab", "lab", ":material/science:"),
]


def main() -> None:
    """Run the page that the URL asks for; ``/`` shows the first page of the table.

    Streamlit serves its default page at ``/`` only, so the first page is listed twice: once hidden, for ``/``, and
    once under its own name, so that its link stays the same whatever page comes first.
    """
    st.session_state["_routed"] = True
    # Before the navigation, else the browser asks a Google server for the icon of the page as a favicon.
    st.set_page_config(page_icon="📊", layout="wide")
    _warm_up()
    home = st.Page(PAGES[0].path, title=PAGES[0].title, url_path="home", default=True, visibility="hidden")
    listed = [st.Page(entry.path, title=entry.title, url_path=entry.url_path, icon=entry.icon) for entry in PAGES]
    page = st.navigation([home, *listed])
    st.set_page_config(page_title=f"{page.title} · {APP}")
    if st.context.theme.type == "dark":
        st.html(DARK)
    page.run()


def route() -> None:
    """Hand a page that was started alone over to the router: the first line of every page."""
    if "_routed" not in st.session_state:
        main()
        st.stop()


@st.cache_resource(show_spinner=False)
def _warm_up() -> None:
    """Import what is heavy, once, and take it out of the garbage collector's rounds.

    Streamlit collects garbage after every rerun: 125 ms with these modules loaded, about 10 ms once frozen.
    """
    gc.disable()
    for module in HEAVY:
        importlib.import_module(module)
    gc.enable()
    gc.freeze()
