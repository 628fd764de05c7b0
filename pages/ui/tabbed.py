"""A page of tabs: title, one question a tab, the examples and the source in the sidebar, what the open tab shows."""

from collections.abc import Callable

import streamlit as st

from pages.ui.controls import check_link, tell_misread

__all__ = ["example_buttons", "tabbed_page"]


def tabbed_page(
    title: str,
    tabs: dict[str, tuple[str, Callable]],
    *,
    key: str,
    examples: Callable[[str], None],
    choose: Callable,
    awaiting: str = "",
) -> None:
    """Draw the page with its open tab; the other tabs cost nothing.

    Parameters
    ----------
    title : str
    tabs : dict
        Name: (what the tab answers, its function of the source).
    key : str
        Of the open tab, in links and in the session.
    examples : callable
        Draws the examples of the tab of that name.
    choose : callable
        Draws the widgets of the source of the tab of that name, and returns the source or None.
    awaiting : str
        What to say while there is no source.
    """
    st.title(title)
    notice = st.container()
    asked = st.query_params.get_all(key)
    panels = dict(zip(tabs, st.tabs(list(tabs), key=key, bind="query-params"), strict=True))
    name = next(name for name, panel in panels.items() if panel.open)
    check_link(key, asked, [name])
    question, show = tabs[name]
    with st.sidebar:
        examples(name)
        source = choose(name)
    with panels[name]:
        st.markdown(question)
        if source is None and awaiting:
            st.info(awaiting)
        show(source)
    with notice:
        tell_misread()  # at the end, when every widget has seen its part of the link


def example_buttons(examples: dict[str, dict], defaults: dict) -> None:
    """A button for each example: it sets the widgets, by key, to the defaults and its own values."""
    st.markdown("**Examples**")
    for name, values in examples.items():
        st.button(name, on_click=st.session_state.update, args=(defaults | values,), width="stretch")
