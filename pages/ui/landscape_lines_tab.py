"""The tab "Along directions": its controls, its run, curves stacked by eigenvalue and what they say."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.landscape_directions import KINDS, RANDOM
from pages.ui.landscape_explain import LINES
from pages.ui.landscape_lines_job import LinesResult, LinesSettings, lines_job
from pages.ui.landscape_notebook import lines_notebook
from pages.ui.landscape_problem import choose_problem, runs_here
from pages.ui.landscape_view import line_arrays, tell_divergence
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures, landscapes

__all__ = ["lines_tab"]

FLAT = 0.01  # of the sharpest curvature
MATRICES = {"H": "Hessian", "G": "GGN"}


def lines_tab(found) -> None:
    """Controls, run and picture of `found`, an Opened or None."""
    with st.sidebar:
        problem = choose_problem(found)
        matrix = bound(
            st.segmented_control,
            "Eigenvectors of the",
            list(MATRICES),
            key="lines_matrix",
            help="Those of a finished run on the page “Hessian spectra” are taken over, if it was of the same examples.",
            default="H",
            required=True,
            format_func=MATRICES.get,
        )
        top = bound(st.slider, "Sharpest eigenvectors", 0, 10, 3, key="lines_top")
        bottom = bound(st.slider, "Lowest eigenvectors", 0, 5, 1, key="lines_bottom")
        others = bound(
            st.multiselect, "And", ["gradient", *RANDOM], [], key="lines_others", format_func=KINDS.get,
            help="Normalised directions are about as long as the weights; the others have the length 1.",
        )  # fmt: skip
        radius = bound(
            st.number_input,
            "Radius",
            1e-6,
            1e15,
            1.0,
            format="%.4g",
            key="lines_radius",
            help="In lengths of the direction.",
        )
        with st.expander("Computation"):
            points = bound(st.slider, "Points of a line", 5, 201, 41, 2, key="lines_points")
            seed = bound(
                st.number_input, "Seed", 0, 10**9, 0, key="lines_seed", help="Of random directions and probes."
            )
    names = [f"{matrix}{j}" for j in range(1, top + 1)] + [f"{matrix}-{j}" for j in range(1, bottom + 1)]
    names = (*names, *others)
    if runs_here(found, problem):
        if names:
            settings = LinesSettings(problem, names, radius, points, seed)
            runs.show(
                "landscape-lines",
                key=settings,
                job=lambda: lines_job(settings),
                draw=lambda result: _draw(result, settings),
                title=f"Lines through {verbatim(found.choice.title())}",
                threads=threads_for(found, problem),
            )
        else:
            st.info("Choose a direction in the sidebar: eigenvectors, the gradient or a random one.")
    with st.expander("Explain"):
        st.markdown(LINES)


def _draw(result: LinesResult, settings):
    if not result.lines:
        return
    _tell(result)
    first = next(iter(result.lines.values()))
    with st.container(horizontal=True):
        quantity = "loss"
        if first.error is not None:
            quantity = bound(
                st.segmented_control, "Quantity", ("loss", "error"), key="lines_quantity", default="loss", required=True
            )
        log = bound(st.toggle, "Logarithmic loss", False, key="lines_log")
        quadratic = bound(st.toggle, "Quadratic model and trust radius", True, key="lines_quadratic")
    shown = {_title(name, line): line for name, line in result.lines.items()}
    models = {_title(name, line): result.models[name] for name, line in result.lines.items()} if quadratic else {}
    found = result.radii if quadratic else {}
    radii = {_title(name, line): found[name] for name, line in result.lines.items() if name in found}
    figure = figures.line_panels_figure(
        shown,
        models=models,
        radii=radii if quantity == "loss" else None,
        quantity=quantity,
        log=log and quantity == "loss",
    )
    plot(figure, "loss along directions")
    tell_divergence(result.lines.values())
    notes = dict.fromkeys(note for line in result.lines.values() for note in line.notes)
    if len(result.parabolas) == len(settings.names):
        st.dataframe(_shown(result), hide_index=True)
        st.caption(
            "uᵀHu is the curvature by products; λ, for eigenvectors, that of the matrix. The fitted curvatures are second "
            "differences of the true loss near the checkpoint; ± is how they would vary with other examples (the error of the "
            "fit itself is in the table to download). The quadratic model is trusted while it is within a tenth of the change "
            "that it predicts, by points of its own, ever closer to the checkpoint. Asymmetry, at the ends: 0 even, 1 only the "
            "right side rises, −1 only the left."
        )
    st.caption(
        escaped(
            f"{settings.caption()}. Cost: {result.products} products and {result.passes:,} forward passes. {' '.join(notes)}"
        )
    )
    settings.problem.two_losses("the curves", "the quadratic models and all curvatures, fitted ones too,")
    take_away(
        f"lines {settings.problem.checkpoint.name}",
        {"Curves": lambda: figures.line_table(result.lines, result.models), "Curvatures": lambda: _table(result)},
        lambda: lines_notebook(settings),
        arrays=lambda: line_arrays(result.lines),
    )


def _title(name, line):
    return f"{name} = {_number(line.eigenvalue, 4)}" if np.isfinite(line.eigenvalue) else name


def _tell(result):
    """What the curvatures say of training and test loss."""
    known = {name: p for name, p in result.parabolas.items() if np.isfinite(p.eigenvalue)}
    if not known:
        return
    sharpest = max(known, key=lambda name: known[name].eigenvalue)
    fits = known[sharpest].fits
    if len(fits) < 2:
        return
    (first, a), (second, b) = list(fits.items())[:2]
    said = (
        f"**Along {sharpest} the {first} loss curves by {a.curvature:.3g} ± {a.standard_error:.1g}, the {second} loss by "
        f"{b.curvature:.3g} ± {b.standard_error:.1g}"
    )
    clear = a.curvature > 2 * a.standard_error and b.curvature > 2 * b.standard_error
    said += f": {b.curvature / a.curvature:.2g} times as much.**" if clear else ".**"
    flattest = min(known, key=lambda name: abs(known[name].eigenvalue))
    if abs(known[flattest].eigenvalue) < FLAT * known[sharpest].eigenvalue:
        a, b = list(known[flattest].fits.values())[:2]
        flat, other = _number(a.curvature, 2), f"{_number(b.curvature, 2)} ± {b.standard_error:.1g}"
        said += f" Along {flattest}, where the {first} loss is flat ({flat}), the {second} loss curves by {other}"
        said += ": flat on one is not flat on the other." if abs(b.curvature) > 2 * b.standard_error else "."
    st.markdown(said)


def _shown(result):
    """The table, short enough to be seen at once."""
    import pandas as pd

    rows = []
    for row in _table(result).to_dict("records"):
        short = {"direction": row["direction"], "λ": _number(row["λ"]), "uᵀHu": _number(row["uᵀHu"])}
        for part in next(iter(result.lines.values())).values:
            fitted, error = _number(row[f"fitted, {part}"]), row[f"standard error over examples, {part}"]
            short[f"fitted, {part}"] = f"{fitted} ± {_number(error, 2)}"
        bound = row["trust radius below"]
        short["trust radius"] = f"below {bound:.2g}" if np.isfinite(bound) else _number(row["trust radius"], 2)
        rows.append(short | {"asymmetry": _number(row["asymmetry"], 2)})
    return pd.DataFrame(rows)


def _table(result):
    import pandas as pd

    rows, radii = [], result.radii
    for name, parabola in result.parabolas.items():
        line, model = result.lines[name], result.models[name]
        _, asymmetry = landscapes.asymmetry(line)
        row = {
            "direction": name,
            "λ": line.eigenvalue,
            "residual": result.residuals[name],
            "uᵀHu": model.curvatures[0, 0],
            "trust radius": radii[name].radius if radii[name].radius > 0 else np.nan,
            "trust radius below": radii[name].below,
            "asymmetry": asymmetry[-1] if len(asymmetry) else np.nan,
            "length": line.norm,
        }
        for part, fit in parabola.fits.items():
            row |= {
                f"fitted, {part}": fit.curvature,
                f"error of the fit, {part}": fit.error,
                f"standard error over examples, {part}": fit.standard_error,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _number(value, digits=5):
    if np.isinf(value):
        return "everywhere"
    return f"{value:.{digits}g}".replace("-", "−", 1 if value < 0 else 0) if np.isfinite(value) else "–"
