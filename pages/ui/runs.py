"""Runs on a page: progress, time left, Stop, and a picture that sharpens while the work goes on.

A page calls `show` at the place where the result belongs, on every script run, with the same place::

    run = runs.show(
        "spectrum",
        key=(graph.digest, settings),
        job=lambda: spectrum_steps(graph, settings),  # a generator of runs.Step
        draw=draw_spectrum,  # Streamlit calls that show one result
        title="Spectrum of facebook",
    )
    if run.state == "finished":
        offer_downloads(run.latest)

The job runs on a thread of its own: it must not call Streamlit, nor change a result that it has yielded. It ends at its
next step once someone presses Stop, the settings in this place change, or the last tab has been closed for some
seconds. It outlives other widgets, page changes and a reload, and visitors who ask for the same key share it.
"""

import atexit
import uuid
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

import streamlit as st

from pages.ui.controls import escaped
from pages.ui.jobs import Run, Step, sentence
from pages.ui.manager import RunManager

__all__ = ["Run", "Step", "manager", "sentence", "show"]

TICK = 0.5  # seconds between two looks at a run
EXIT = 3.0  # seconds that the server waits for a run to end when it is told to end itself
PATIENCE = 0.6  # seconds given to a new run before it is shown, so that a short one comes without a progress bar


class Visitor(NamedTuple):
    """One open tab, and whom to tell when it closes."""

    id: str
    manager: RunManager


@st.cache_resource(show_spinner=False, on_release=RunManager.close)
def manager() -> RunManager:
    """Return the one run manager of this server, whose runs end before the server does."""
    made = RunManager()
    atexit.register(made.close, EXIT)
    return made


def show(
    place: str,
    key: Hashable,
    job: Callable[[], Iterator[Step]],
    draw: Callable[[Any], None],
    title: str = "",
    threads: int | None = None,
) -> Run:
    """Start or join the run of this key, and show it here until it ends.

    Parameters
    ----------
    place : str
        A name for this spot, unique in the app. A visitor follows one run in a place: with a new key the old run ends
        at once, unless others follow it.
    key : Hashable
        Everything that decides the result: ``(content hash, Settings)``.
    job : callable
        Returns an iterator of `Step`. It is called on another thread, and only if no run has this key.
    draw : callable
        Draws one result with Streamlit. It is called with the latest one at every tick of a running job and on every
        rerun, so it should be cheap (build figures once per result); it may hold widgets, whose use reruns
        this fragment only. Whatever it raises is shown as a sentence.
    title : str
        What is being computed, in words.
    threads : int, optional
        Of PyTorch, at most: 1 for problems so small that more cost more than they bring.

    Returns
    -------
    Run
        Its `state` and `latest` are those of this script run; the page reruns as a whole when the run ends.
    """
    run = manager().submit(key, job, title, threads)
    if run.state == "running" and run.elapsed < PATIENCE:
        run.wait(PATIENCE - run.elapsed)
    following = _following(run)
    panel = st.fragment(_panel, run_every=TICK if following else None)
    panel(place, run, draw, following)
    return run


def _panel(place: str, run: Run, draw: Callable[[Any], None], ticking: bool) -> None:
    """The fragment: what the run is doing, with its button, above its latest result."""
    if ticking and not _following(run):
        st.rerun()  # the whole page, once: this fragment comes back without a tick
    # Streamlit ends a script here once its tab has been closed, so that nobody watches on behalf of a ghost.
    with st.container(key=f"run-{place}", horizontal=True, vertical_alignment="center"):
        me, runs = _visitor(), manager()
        if me not in run.left:
            runs.watch(me, run, place)
        if ticking:
            st.progress(run.fraction, text=_progress(run, runs.position(run)))
            label = "Stopping" if run.stopping else "Stop"
            st.button(label, key=f"stop-{place}", on_click=runs.stop, args=(run, me), disabled=run.stopping)
        elif run.active:
            st.info(f"You no longer follow this computation. It goes on for others ({runs.others(run, me)}).")
            if st.button("Follow again", key=f"follow-{place}"):
                runs.watch(me, run, place)
                st.rerun()
        elif run.state != "finished":
            if run.state == "failed":
                st.error(escaped(run.error))
            else:
                st.info(f"Stopped at {run.fraction:.0%}.")
            if st.button("Start again", key=f"again-{place}"):
                runs.forget(run)
                st.rerun()
    if run.latest is not None:
        try:
            draw(run.latest)
        except Exception as error:
            st.error(escaped(sentence(error)))


def _progress(run: Run, position: int) -> str:
    if run.stopping:
        return f"{run.title}: stopping at the next step"
    if run.state == "queued":
        return f"{run.title}: waiting, number {position} in line"
    left = run.seconds_left
    pace = "" if left is None else f", about {_duration(left)} left"
    note = f" ({run.note})" if run.note else ""
    return f"{run.title}: {run.fraction:.0%}{pace}{note}"


def _duration(seconds: float) -> str:
    """Return a time rounded as one would say it.

    Examples
    --------
    >>> _duration(0.3), _duration(43), _duration(200), _duration(9000)
    ('1 s', '43 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _following(run: Run) -> bool:
    return run.active and _visitor() not in run.left


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda visitor: visitor.manager.leave(visitor))
def _visitor() -> Visitor:
    """Return who this tab is. Streamlit lets go of it when the tab closes, reloads or loses its connection."""
    return Visitor(uuid.uuid4().hex, manager())
