"""The tab "Lessons": one question at a time, answered by a figure that is finished before the first click."""

import re
from dataclasses import fields, replace

import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound
from pages.ui.lessons import lesson_job, lesson_notebook
from pages.ui.lessons_diagonal import DIAGONAL
from pages.ui.lessons_die import DIE
from pages.ui.lessons_distances import DISTANCES
from pages.ui.lessons_myths import MYTHS
from pages.ui.lessons_power import POWER
from pages.ui.lessons_probes import PROBES
from pages.ui.lessons_semicircle import SEMICIRCLE
from pages.ui.lessons_smoothing import SMOOTHING
from pages.ui.lessons_stems import STEMS
from pages.ui.plots import plot
from pages.ui.take_away import take_away

__all__ = ["LESSONS", "lessons_tab"]

LESSONS = {
    lesson.name: lesson for lesson in (SEMICIRCLE, STEMS, POWER, MYTHS, DIAGONAL, SMOOTHING, DISTANCES, PROBES, DIE)
}


def lessons_tab(_source=None) -> None:
    """The selector, and the lesson that it chooses; the others cost nothing."""
    name = bound(st.pills, "Lesson", list(LESSONS), key="lesson", default=next(iter(LESSONS)), required=True)
    lesson = LESSONS[name]
    st.subheader(lesson.title)
    st.markdown(f"**{lesson.question}**")
    settings = lesson.choose()
    defaults = {field.name: field.default for field in fields(settings)}
    paid = replace(settings, **{name: defaults[name] for name in lesson.free})
    runs.show(
        "lesson",
        key=paid,
        job=lambda: lesson_job(lesson, paid),
        draw=lambda result: _draw(lesson, result, settings),
        title=lesson.title,
        threads=1,
    )
    with st.expander("Explain"):
        st.markdown(lesson.explain)


def _draw(lesson, result, settings):
    st.markdown(re.sub(r"(?<!\w)-(?=\d)", "−", lesson.answer(result, settings)))
    pictures = lesson.pictures(result, settings)
    for column, (name, figure) in zip(st.columns([5, 4][: len(pictures)]), pictures.items(), strict=True):
        with column:
            plot(figure, name)
    if lesson.shown is not None:
        heading, made = lesson.shown
        st.markdown(heading)
        st.dataframe(made(result), hide_index=True)
    st.caption(settings.caption())
    take_away(
        f"lesson-{lesson.name.lower()}",
        {"Data": lambda: lesson.table(result)},
        lambda: lesson_notebook(lesson, settings),
    )
