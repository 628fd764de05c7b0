"""Matrices of finished runs, kept in the session, so that the Estimator lab can open them.

A page calls `offer` once its run is finished; the lab lists what was offered and makes the operator anew, on its own thread.
"""

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import streamlit as st

__all__ = ["MOST", "Finished", "finished_run", "finished_runs", "offer"]

MOST = 12  # kept in a session
STORE = "_finished"


@dataclass(frozen=True, eq=False)
class Finished:
    """The matrix of a finished run.

    Attributes
    ----------
    key : str
        Of links: the digest of page and settings.
    title : str
        Not to be rendered as Markdown.
    made_on : str
        Page and tab.
    caption : str
        Of the run, in Markdown.
    make : callable
        Makes the operator, on any thread; no Streamlit.
    code : str
        Python that makes it, as ``A``.
    eigenvalues : (n,) array or None
        All of them, where the run found them.
    """

    key: str
    title: str
    made_on: str
    caption: str
    make: Callable
    code: Callable[[], str]
    eigenvalues: np.ndarray | None = None


def offer(made_on: str, settings: Hashable, *, title: str, make, code, caption: str = "", eigenvalues=None) -> None:
    """Keep the matrix of a finished run in this session; the oldest of more than `MOST` goes.

    Parameters
    ----------
    made_on : str
        Page and tab.
    settings : frozen dataclass
        Everything that decides the run.
    title, caption, make, code, eigenvalues
        As in `Finished`.
    """
    key = hashlib.sha256(f"{made_on}: {settings!r}".encode()).hexdigest()[:12]
    kept = st.session_state.setdefault(STORE, {})
    kept.pop(key, None)
    kept[key] = Finished(key, title, made_on, caption, make, code, eigenvalues)
    while len(kept) > MOST:
        kept.pop(next(iter(kept)))


def finished_runs() -> dict[str, Finished]:
    """Those of this session by key, the latest first."""
    return dict(reversed(st.session_state.get(STORE, {}).items()))


def finished_run(key: str) -> Finished | None:
    """The one of this key, or None where it is not of this session."""
    return st.session_state.get(STORE, {}).get(key)
