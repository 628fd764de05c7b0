"""What a lesson is, its run, and the notebook that reproduces its numbers: the source of the lesson itself."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pages.ui.jobs import Step
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["Lesson", "lesson_job", "lesson_notebook"]

IMPORTS = """from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy import linalg, special, stats

import spectral_core as sc
from spectral_core import figures
from spectral_core.estimators.divergences import symmetric_kl, wasserstein
from spectral_core.estimators.finite_maxent import finite_maxent
from spectral_core.estimators.power_iteration import lanczos_bound, power_bound, power_iteration_steps
from spectral_core.model_matrices import synthetic_network"""


@dataclass(frozen=True)
class Lesson:
    """One question and the control that answers it.

    `steps`, `answer`, `pictures`, `table` and `uses` go into the notebook as they are written: they may use `IMPORTS`,
    one another and the settings, nothing else.

    Attributes
    ----------
    name : str
        In the selector and in links.
    title, question, explain : str
    choose : callable
        Draws the controls and returns the settings, a frozen dataclass with a `caption`.
    free : tuple of str
        Fields of the settings that only choose what is shown of a result.
    steps : callable
        Of the settings: yields ``(fraction, result or None)``, the result last.
    answer : callable
        Of result and settings: the sentence with the number that makes the point.
    pictures : callable
        Of result and settings: figures by name.
    table : callable
        Of the result: a DataFrame.
    shown : (str, callable), optional
        Heading and function of the result: a table that stands on the page.
    uses : tuple
        Classes and functions that these need, in order.
    """

    name: str
    title: str
    question: str
    explain: str
    choose: Callable[[], Any]
    steps: Callable
    answer: Callable
    pictures: Callable
    table: Callable
    uses: tuple
    free: tuple[str, ...] = ()
    shown: tuple[str, Callable] | None = None


def lesson_job(lesson: Lesson, settings) -> Iterator[Step]:
    """The steps of the lesson as a run's."""
    for fraction, result in lesson.steps(settings):
        yield Step(fraction, result)


def lesson_notebook(lesson: Lesson, settings) -> str:
    """The lesson as a notebook, as JSON: its own source, its settings, its sentence, table and figures."""
    parts = (lesson.steps, lesson.answer, lesson.pictures, lesson.table)
    steps, answer, pictures, table = (part.__name__ for part in parts)
    shown = () if lesson.shown is None else (lesson.shown[1],)
    source = "\n\n".join(inspect.getsource(part) for part in (*lesson.uses, *parts, *shown))
    cells = [
        _markdown(f"# {lesson.title}\n\n{lesson.question}\n\nNeeds the package `eigenscope`."),
        _code(IMPORTS),
        _code(source.rstrip()),
        _code(f"settings = {settings!r}\n*_, (_, result) = {steps}(settings)\nprint({answer}(result, settings))"),
        *(_code(f"{part.__name__}(result)") for part in shown),
        _code(f"table = {table}(result)\ntable"),
        _code(f"shown = list({pictures}(result, settings).values())\nshown[0]"),
        _code("shown[1] if len(shown) > 1 else None"),
        _markdown(lesson.explain),
    ]
    return _as_json(cells)
