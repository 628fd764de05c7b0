"""A file that somebody brings: found again after a reload, by its link, and on another page."""

import streamlit as st

from pages.ui import uploads
from pages.ui.controls import verbatim

__all__ = ["kept_upload", "leave_upload"]


def kept_upload(label, key, ask, types=None, named=None):
    """The widgets; ``(digest, name)`` of the file, or None while it is awaited.

    Parameters
    ----------
    label, ask : str
        Of the uploader, and what to say while there is no file.
    key : str
        Of the link and the session: the link holds ``key=digest`` and ``named=name``.
    types : list of str, optional
        Endings that are taken; by default all, so that a file of the wrong kind gets its sentence.
    named : str, optional
        By default ``key_name``.
    """
    named = named or f"{key}_name"
    file = st.file_uploader(label, type=types, key=f"{key}_file", help=uploads.KEPT)
    linked = st.query_params.get(key), st.query_params.get(named, "the file")
    if file is not None:
        linked = uploads.keep(file.name, file.getvalue()), file.name
    elif linked[0] is None:
        linked = st.session_state.get(f"_{key}", (None, ""))
    digest, name = st.session_state[f"_{key}"] = linked
    if not digest:
        st.info(ask)
        return None
    st.query_params[key], st.query_params[named] = digest, name
    if uploads.fetch(digest) is None:
        st.warning(
            f"This link shows {verbatim(name)} (SHA-256 {verbatim(digest)}…), which this server does not hold: "
            "upload that file."
        )
        return None
    if file is None:
        st.caption(f"Showing {verbatim(name)}, uploaded before.")
        st.button("Forget this upload", on_click=_forget, args=(digest, key, named), key=f"forget-{key}")
    return digest, name


def leave_upload(key, named=None):
    """Take an upload out of the link, so that a link to something else does not hand it on; the session remembers it."""
    for name in (key, named or f"{key}_name"):
        if name in st.query_params:
            del st.query_params[name]


def _forget(digest, key, named):
    uploads.forget(digest)
    st.session_state.pop(f"_{key}", None)
    leave_upload(key, named)
