"""How the tab "Which minimum?" draws a result: densities on one axis, what follows from them, and the table that sorts."""

import math
from itertools import takewhile

import numpy as np
import pandas as pd
import streamlit as st

from pages.ui.controls import bound, escaped, verbatim
from pages.ui.plots import plot
from pages.ui.sharpness_job import beyond, leaders
from pages.ui.sharpness_notebook import sharpness_notebook
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["draw_minima"]

WARNING = (
    "**Flat is no proof.** Sharper minima can generalise better: of VGG-16 on CIFAR-100, the better one has a spectral norm "
    "almost 40 times that of the other (thesis, 7.9)."
)
POINTS = 1200  # of the curves that are downloaded


def draw_minima(result, settings) -> None:
    """Everything below the progress bar."""
    _tell_left_out(result)
    if not result.minima:
        return
    names = _short([choice.title() for choice in settings.checkpoints], [one.name for one in result.minima])
    minima = dict(zip(names, result.minima, strict=True))
    spectra = {name: one.quadrature for name, one in minima.items() if one.quadrature is not None}
    picture, said = st.container(), st.container()
    share, edge, log = _knobs()
    if spectra:
        low = min(q.stems()[0].min() for q in spectra.values())
        high = max(q.stems()[0].max() for q in spectra.values())
        sigma = share * float(high - low or abs(high) or 1.0) / 1000.0
        with picture:
            matrix = settings.problem.matrix_name()
            drawn = figures.minima_figure(
                spectra, sigma=sigma, edge=edge, log=log, title=f"{matrix} at each checkpoint"
            )
            plot(drawn, "spectra of the checkpoints")
    complete = {name: one for name, one in minima.items() if one.trace is not None}
    with said:
        _tell(complete, finished=len(complete) == len(minima))
    table = _table(minima, edge)
    st.dataframe(_shown(table), hide_index=True, column_config=_widths(table))
    st.caption(
        "Click the head of a column to sort by it. ± is one standard error: of losses and accuracies over examples, of the trace "
        "over probes; of λ₁ the residual, a certain bound; of the number beyond the edge half its bounds and a standard error. "
        f"{settings.caption()}."
    )
    points = {
        name: (one.sharpest, one.residual, one.test.accuracy, one.test.standard_error)
        for name, one in complete.items()
        if one.test is not None and math.isfinite(one.test.accuracy)
    }
    if len(points) > 1:
        plot(figures.generalisation_figure(points), "test error against sharpness")
    if spectra:
        take_away(
            f"minima {settings.problem.checkpoint.name}",
            {"Table": lambda: table, "Curves": lambda: _curves(spectra, sigma)},
            lambda: sharpness_notebook(settings, result.minima, edge, sigma),
        )


def _knobs():
    columns = st.columns(3, vertical_alignment="bottom")
    with columns[0]:
        share = bound(
            st.slider,
            "σ, in thousandths of the range",
            1,
            100,
            3,
            key="sharpness_sigma",
            help="One width for all spectra; a new one needs no product.",
        )
    with columns[1]:
        edge = bound(
            st.number_input,
            "Edge",
            -1e9,
            1e9,
            1.0,
            format="%.4g",
            key="sharpness_edge",
            help="The table counts the eigenvalues above it, with bounds; no product.",
        )
    with columns[2]:
        log = bound(st.toggle, "Logarithmic density", True, key="sharpness_log")
    return share, edge, log


def _tell_left_out(result):
    if result.strangers:
        names = ", ".join(f"{verbatim(name)} ({escaped(found)})" for name, found in result.strangers.items())
        st.warning(
            f"Flatness is compared between minima of one network, here {escaped(result.architecture)}, so these are left out: "
            f"{names}."
        )
    for name, sentence in result.refused.items():
        st.warning(f"{verbatim(name)}: {escaped(sentence)}")
    sizes = {one.name: one.parameters for one in result.minima}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{verbatim(name)} {size:,}" for name, size in sizes.items())
        st.info(
            f"These are not minima of one loss, as their numbers of parameters differ ({listed}): compare shapes rather than "
            "sizes."
        )


def _short(asked, names):
    """Names without what all that were asked for begin with, up to a separator; no bare number is left.

    >>> _short(["run-epoch-05", "run-epoch-15"], ["run-epoch-05", "run-epoch-15"])
    ['epoch-05', 'epoch-15']
    """
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*asked, strict=False))
    prefix = "".join(letters[0] for letters in alike) if len(asked) > 1 else ""
    cuts = [place for place in range(len(prefix), 0, -1) if prefix[place - 1] in "-_/ "]
    rests = [[name.removeprefix(prefix[:cut]) for name in names] for cut in cuts]
    short = next((rest for rest in rests if all(rest) and not any(map(str.isdigit, rest))), names)
    return short if len(set(short)) == len(short) else names


def _tell(complete, finished):
    """Which is flattest, which generalises best, and what that does not mean."""
    if len(complete) < 2:
        return
    names, minima = list(complete), list(complete.values())
    so_far = "" if finished else " so far"
    flattest = leaders([one.sharpest for one in minima], [one.residual for one in minima])
    by_trace = leaders([one.trace.value for one in minima], [one.trace.standard_error for one in minima])
    top, trace = minima[flattest[0]], minima[by_trace[0]].trace
    said = [
        f"**Flattest{so_far} by λ₁: {verbatim(names[flattest[0]])}**, {top.sharpest:.4g}{_tied(names, flattest)};",
        f"**by trace: {verbatim(names[by_trace[0]])}**, {_measured(trace.value, trace.standard_error)}{_tied(names, by_trace)}.",
    ]
    tests = [one.test for one in minima]
    if all(test is not None and math.isfinite(test.accuracy) for test in tests):
        best = leaders([t.accuracy for t in tests], [t.standard_error for t in tests], largest=True)
        test = tests[best[0]]
        said.append(
            f"**Best on test examples: {verbatim(names[best[0]])}**, "
            f"{_measured(100 * test.accuracy, 100 * test.standard_error)} %{_tied(names, best)}."
        )
        among = {flattest[0], *flattest[1]} & {best[0], *best[1]}
        if finished:
            said.append(
                "Here the flattest is among the best." if among else "Here the flattest does **not** generalise best."
            )
    else:
        said.append("There is no test accuracy to hold that against.")
    untrained = {name: one for name, one in complete.items() if one.learnt_nothing}
    if untrained:
        listed = ", ".join(f"{verbatim(name)} ({one.training.loss:.4g})" for name, one in untrained.items())
        guessing = next(iter(untrained.values())).guessing
        said.append(
            f"**No minimum**, however flat: {listed}, with a training loss no better than guessing by the classes' shares "
            f"({guessing:.4g})."
        )
    st.markdown(" ".join(said))
    st.markdown(WARNING)


def _tied(names, found):
    others = ", ".join(verbatim(names[i]) for i in found[1])
    return f" (a tie, within two standard errors: {others})" if others else ""


def _measured(value, error):
    """`value` to the digits that its error leaves, with it; alone where there is no error.

    >>> _measured(97.6, 0.4841), _measured(170.98, 29.9), _measured(0.25, float("nan"))
    ('97.60 ± 0.48', '171 ± 30', '0.25')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if error is None or not math.isfinite(error) or error < 0:
        return f"{value:.4g}"
    if error == 0:
        return f"{value:.4g} ± 0"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}" if digits <= 6 else f"{value:.4g} ± {error:.1g}"


def _table(minima, edge):
    rows = []
    for name, one in minima.items():
        row = {"checkpoint": name, "parameters": one.parameters}
        for part, found in (("training", one.training), ("test", one.test)):
            row |= _pair(f"{part} loss", found, lambda f: (f.loss, f.loss_error))
            row |= _pair(f"{part} accuracy", found, lambda f: (f.accuracy, f.standard_error))
        row |= _pair("λ₁", one if one.sharpest is not None else None, lambda o: (o.sharpest, o.residual))
        row |= _pair("trace", one.trace, lambda t: (t.value, t.standard_error))
        row |= _pair(f"eigenvalues above {edge:g}", one if one.quadrature else None, lambda o: beyond(o, edge))
        rows.append(row | {"products": one.products})
    return pd.DataFrame(rows)


def _pair(name, found, of):
    value, error = (math.nan, math.nan) if found is None else of(found)
    return {name: value, f"± {name}": error}


def _shown(table):
    """The table with each error beside its value in one cell; what sorts is the value."""
    values = table[[name for name in table if not name.startswith("± ")]]
    shown = values.style.format({"parameters": "{:,}", "products": "{:,}"})
    for name in values:
        if f"± {name}" not in table:
            continue
        for row, (value, error) in enumerate(zip(table[name], table[f"± {name}"], strict=True)):
            text = _cell(name, value, error)
            shown.format(lambda _, text=text: text, subset=(row, name))
    return shown


def _widths(table):
    """In pixels, of the longest text of each column."""
    texts = {
        name: [_cell(name, *pair) for pair in zip(table[name], table[f"± {name}"], strict=True)]
        for name in table
        if f"± {name}" in table
    }
    return {
        name: st.column_config.Column(width=30 + 8 * max(map(len, [name, *cells]))) for name, cells in texts.items()
    }


def _cell(name, value, error):
    if name.endswith("accuracy") and math.isfinite(value):
        return f"{_measured(100 * value, 100 * error)} %"
    if name == "λ₁" and math.isfinite(value):
        return f"{value:.5g} ± {error:.1g}"
    return _measured(value, error)


def _curves(spectra, sigma):
    ends = [q.stems()[0][[0, -1]] for q in spectra.values()]
    x = np.linspace(min(e[0] for e in ends) - 4 * sigma, max(e[1] for e in ends) + 4 * sigma, POINTS)
    columns = {"eigenvalue": x}
    for name, q in spectra.items():
        density = q.density(sigma)
        columns |= {name: density.pdf(x), f"standard error of {name}": density.standard_error(x)}
    return pd.DataFrame(columns)
