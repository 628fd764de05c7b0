"""Widgets whose values live in the URL, and the link that restores them."""

import math
import re
from urllib.parse import urlencode

import streamlit as st

__all__ = ["bound", "check_link", "escaped", "misread", "share_link", "tell_misread", "unused_in_link", "verbatim"]

MISREAD, UNUSED = "_misread", "_unused"


def bound(widget, label, *args, key, **options):
    """A Streamlit widget bound to the query parameter `key`: kept by reloads, page switches and shared links.

    The URL holds what the widget shows, so labels are part of links: keep them short and stable. Streamlit turns a value
    that it can not use into the default without a word; `tell_misread` says so.
    """
    asked = st.query_params.get_all(key)
    if any(map(_overflows, asked)):  # Streamlit's number widgets fail on it
        misread(key, asked[-1])
        asked = []
        del st.query_params[key]
    value = widget(label, *args, key=key, bind="query-params", persist_state="session", **options)
    several, named = isinstance(value, list), options.get("format_func", str)
    check_link(key, asked if several else asked[-1:], [named(one) for one in value] if several else [named(value)])
    return value


def _overflows(asked):
    """Whether it is a number with digits that is infinite all the same."""
    try:
        return math.isinf(float(asked)) and "inf" not in asked.lower()
    except ValueError:
        return False


def check_link(key, asked, shown):
    """Remember what the link asked of `key` that is not among what is `shown`, the first time that it is looked at."""
    if f"_seen-{key}" not in st.session_state:
        for one in filter(None, asked):  # an empty one asks for nothing
            if not any(_same(one, other) for other in shown):
                misread(key, one)
    st.session_state[f"_seen-{key}"] = True


def unused_in_link(keys):
    """Remember which of these keys the link sets although no widget that is shown here has them."""
    for key in keys:
        if f"_seen-{key}" not in st.session_state:
            asked = [verbatim(f"{key} = {one}") for one in st.query_params.get_all(key) if one]
            st.session_state.setdefault(UNUSED, []).extend(asked)
        st.session_state[f"_seen-{key}"] = True


def _same(asked, shown):
    try:
        return float(asked) == float(shown)
    except ValueError:
        return asked.lower() == shown.lower()


def verbatim(text):
    """`text` as a Markdown code span: nothing in a name from a link or a file is rendered as markup."""
    return "`" + str(text).replace("`", "'").replace("\n", " ")[:200] + "`"


def escaped(text):
    """`text` for Markdown as it is: nothing in a sentence that quotes a file is rendered as markup.

    Colons too: behind one that is not escaped an address is a link before its other escapes are read.

    >>> escaped("a[1] of *b*")
    'a\\\\[1\\\\] of \\\\*b\\\\*'
    """
    return re.sub(r"([\\`*_\[\]<>$~#|!]|:(?=\S))", r"\\\1", str(text)).replace("\n", " ")


def misread(key, asked):
    """Remember that a value of the link could not be used."""
    st.session_state.setdefault(MISREAD, []).append(verbatim(f"{key} = {asked}"))


def tell_misread():
    """Say which values of the link were not understood or have no use here, until that is dismissed."""
    said = []
    if wrong := st.session_state.get(MISREAD):
        said.append(f"The link asks for {', '.join(wrong)}, which is not possible here: defaults are shown instead.")
    if unused := st.session_state.get(UNUSED):
        said.append(f"What is shown has no use for {', '.join(unused)} of the link.")
    if said:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(" ".join(said))
            st.button("Dismiss", on_click=_dismiss)


def _dismiss():
    for kept in (MISREAD, UNUSED):
        st.session_state.pop(kept, None)


def share_link():
    """A link that anyone can open: the page's URL with everything that was chosen."""
    pairs = [(key, value) for key in st.query_params for value in st.query_params.get_all(key)]
    base = (st.context.url or "").split("?")[0]
    st.code(f"{base}?{urlencode(pairs)}" if pairs else base, language=None, wrap_lines=True)
    st.caption("This link restores the view. Values that are not in it are defaults.")
