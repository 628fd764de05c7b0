"""How the tab "Compare" draws a result: all densities at one sigma, what they miss, what they cost, and counts."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st

import spectral_core as sc
from pages.ui.controls import bound, escaped, misread
from pages.ui.lab_compare_table import curve_frame, estimator_frame, estimator_rows, judged
from pages.ui.lab_estimates import ESTIMATORS, ROLES, points
from pages.ui.lab_job import FINEST, WIDEST, solved_exactly
from pages.ui.lab_notebook import compare_notebook
from pages.ui.sigma import current_sigma, set_sigma, sigma_view
from pages.ui.take_away import take_away
from spectral_core.estimators.smoothing_kernels import least_degree

__all__ = ["BUDGETS", "LabView", "draw_compare", "read_lab_sigma"]

VIEW = "lab_view"
BUDGETS = (200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
BELOW = 0.3  # of the finest sigma that was paid for: where the slider ends
METHODS = {
    "lanczos": "Lanczos quadrature",
    "kpm": "moments smoothed by the Gaussian, Girard–Hutchinson's estimator without a sketch,",
    "chebyshev-nystrom++": "leave-one-out XNys",
}
COUNTERS = {"lanczos": "Lanczos quadrature", "chebyshev-nystrom++": "Leave-one-out XNys", "kpm": "Smoothed moments"}


@dataclass(frozen=True)
class LabView:
    """What is shown of a result; changing any of it needs no product."""

    sigma: float
    lower: float
    upper: float


def draw_compare(result, settings) -> None:
    """Everything below the progress bar."""
    measured = result.measured
    if measured.moments is None:
        return
    sigma = _picture(result, settings)
    rows, missing = estimator_rows(result, sigma)
    st.markdown(_answer(result, settings, rows, sigma))
    if missing:
        _offer_products(missing, settings, sigma, measured)
    if rows:
        st.dataframe(estimator_frame(rows), hide_index=True)
        st.caption(
            "L1 error: the area between an estimate and the exact smoothed density, as a share of its mass 1, "
            f"of which one eigenvalue is {1.0 / result.n:.2g}: one that is missed hardly counts. Claimed: the area "
            "under its error bar, a standard error or, for XNys and Nyström, the scale of the error. One probe: the mean over "
            "probes looked at alone (two columns for the sketch). XNys, Nyström++, Nyström and Girard–Hutchinson share one "
            "sketch, KPM and maximum entropy their moments: each time the products are counted once."
        )
    view = _counts(result, sigma)
    _a_priori(result, rows, sigma)
    st.caption(
        f"{settings.caption()}. Bands are twice the bar; Nyström's bar, which is what it misses, stands in the table alone."
    )
    tables = {"Curves": lambda: curve_frame(result, sigma), "Table": lambda: estimator_frame(rows)}
    notes = [escaped(note) for note in result.notes]
    take_away(f"estimators-{settings.matrix.source}", tables, lambda: compare_notebook(settings, view), notes)


def read_lab_sigma():
    """Take sigma from the link, once a session; before `draw_compare`."""
    asked = st.query_params.get("lab_sigma")
    if asked is not None and "_lab_sigma_read" not in st.session_state:
        try:
            set_sigma(VIEW, float(asked))
            st.session_state["_lab_scale"] = None  # the link's sigma is for the first matrix, whatever its scale
        except ValueError:
            misread("lab_sigma", asked)
    st.session_state["_lab_sigma_read"] = True


def _picture(result, settings):
    measured = result.measured
    low, high = measured.interval
    width = high - low
    usual = settings.finest * width
    _follow(width, usual)
    reach = (max(BELOW * settings.finest, 5e-4) * width, WIDEST * width)
    picture, knob = st.container(), st.container()
    with knob:
        bands = bound(st.toggle, "Error bands", True, key="lab_bands")
    sigma = current_sigma(VIEW, measured.interval, reach)
    ladders = []
    for name in ESTIMATORS:
        if measured.source(name) is not None and name not in result.refused:
            ladders.append(_ladder(result, name, sigma, bands))
    nodes = () if measured.eigenvalues is None else measured.eigenvalues
    with picture:
        chosen = sigma_view(
            key=VIEW,
            interval=(low - 0.02 * width, high + 0.02 * width),
            nodes=nodes,
            weights=np.full(len(nodes), 1.0 / max(len(nodes), 1)),
            stems=((), ()),
            ladders=ladders,
            sigma=usual,
            sigma_range=reach,
            truth=True,
            big=True,
        )
    if abs(chosen - usual) > 1e-9 * width:
        st.query_params["lab_sigma"] = f"{chosen:.6g}"
    elif "lab_sigma" in st.query_params:
        del st.query_params["lab_sigma"]
    return chosen


def _follow(width, usual):
    """Move the slider where another matrix has another scale, or where it stood at the finest sigma and that is another."""
    before = st.session_state.get("_lab_scale", (0.0, 0.0))
    if before is not None:
        stands = current_sigma(VIEW, (0.0, width), (1e-9 * width, width))
        moved = abs(before[0] - width) > 1e-9 * width
        if moved or (before[1] != usual and abs(stands / before[1] - 1.0) < 1e-3):
            set_sigma(VIEW, usual)
    st.session_state["_lab_scale"] = width, usual


def _ladder(result, name, sigma, bands):
    """What the view needs of an estimator: its ladder, and its curve at this sigma where that was paid for."""
    measured, ladder = result.measured, result.ladders.get(name)
    width = measured.interval[1] - measured.interval[0]
    shown = {"name": ESTIMATORS[name], "role": ROLES.get(name, name)}
    shown |= {"x": points(measured.interval, width / 20), "sigmas": (), "y": ()}
    if ladder is not None:
        shown |= {"x": ladder.x, "sigmas": ladder.sigmas, "y": ladder.y}
    if not measured.missing(name, sigma):
        found = judged(measured, name, sigma).curve
        shown["exact"] = {
            "sigma": sigma,
            "x": found.x,
            "y": found.y,
            "se": found.error if bands and name != "nystrom" else None,
        }
    return shown


def _answer(result, settings, rows, sigma):
    measured, said = result.measured, []
    known = [row for row in rows if row["L1 error"] is not None]
    if len(known) == 1:
        [only] = known
        said.append(
            f"At σ = {sigma:.3g} **{only['estimator']}** alone has a curve: it misses **{only['L1 error']:.2%}** of the mass."
        )
    elif known:
        best, worst = (pick(known, key=lambda row: row["L1 error"]) for pick in (min, max))
        said.append(
            f"At σ = {sigma:.3g} **{best['estimator']}** is nearest: it misses **{best['L1 error']:.2%}** of the mass, "
            f"{worst['estimator']} {worst['L1 error']:.2%}."
        )
    elif measured.eigenvalues is None:
        said.append(
            f"n = {result.n:,}: too large to solve for all eigenvalues here, so there are error bars and no errors."
        )
    if result.ends_products:
        said.append(f"Finding the ends of the spectrum took {result.ends_products} products, for all together.")
    if result.automatic is not None:
        one = result.automatic
        which = METHODS.get(one.method, one.method)
        said.append(f"`sc.spectrum`, left to choose, takes **{which}** ◆: {one.reason}")
    elif solved_exactly(settings.products, result.n):
        said.append(
            f"`sc.spectrum`, left to choose, takes none of them but all eigenvalues: {settings.products:,} products are at least "
            f"n = {result.n:,}, and the products with all unit vectors are the matrix itself."
        )
    for name, why in result.refused.items():
        said.append(f"{ESTIMATORS[name]} has no curve: {escaped(why)}")
    return " ".join(said)


def _offer_products(missing, settings, sigma, measured):
    """What a narrower sigma takes of each estimator, and the button that takes it."""
    low, high = measured.interval
    listed = ", ".join(f"{ESTIMATORS[name]} **{more:,}**" for name, more in missing.items())
    st.markdown(f"σ = {sigma:.3g} is narrower than what was paid for. More products with as many probes: {listed}.")
    finest = next((one for one in FINEST if one * (high - low) <= sigma * (1 + 1e-9)), None)
    if finest is None:
        st.caption(f"The finest σ to be paid for here is {FINEST[-1]:g} of the interval.")
        return
    needed = least_degree("gaussian", 2.0 * finest) * measured.sketch.columns
    budget = next((one for one in BUDGETS if one >= max(needed, settings.products)), None)
    if budget is None:
        st.caption(f"{needed:,} products each would keep as many columns; the largest budget here is {BUDGETS[-1]:,}.")
        budget = BUDGETS[-1]
    label = f"Take them: {budget:,} products each, σ down to {finest:g} of the interval"
    if st.button(label, key="lab_take", on_click=_take, args=(budget, finest)):
        st.rerun()


def _take(budget, finest):
    st.session_state["lab_products"], st.session_state["lab_finest"] = budget, finest


def _counts(result, sigma):
    """Eigenvalues between two ends that the visitor sets."""
    measured = result.measured
    low, high = measured.interval
    left, right = st.columns(2)
    with left:
        lower = bound(st.slider, "Count eigenvalues from (% of the interval)", 0, 99, 0, key="lab_lower")
    with right:
        upper = bound(st.slider, "to (% of the interval)", 1, 100, 25, key="lab_upper")
    lower, upper = (low + share / 100.0 * (high - low) for share in sorted((lower, upper)))
    view = LabView(sigma, lower, upper)
    if not upper > lower:
        st.caption("An interval needs two ends.")
        return view
    if measured.sketch is None:
        return view
    found = {name: _count(result, name, lower, upper) for name in COUNTERS}
    told = ", ".join(
        f"{COUNTERS[name]} **{one.value:,.1f} ± {one.standard_error:,.1f}**" for name, one in found.items()
    )
    exact = ""
    if measured.eigenvalues is not None:
        values = measured.eigenvalues
        exact = f" Exactly **{np.count_nonzero((values >= lower) & (values <= upper)):,}**."
    st.markdown(
        f"Eigenvalues in [{lower:.4g}, {upper:.4g}] of {result.n:,}: {told}.{exact} No product; ± is no standard "
        "error: it holds sampling and all doubt at both ends, often several times the spread over runs."
    )
    return view


@lru_cache(maxsize=64)
def _count(result, method, lower, upper):
    measured = result.measured
    source = {"lanczos": measured.quadrature, "kpm": measured.moments}.get(method, measured.sketch)
    sigma = result.split.unit_sigma * measured.half
    return sc.Spectrum(
        sigma=sigma, method=method, reason="", interval=measured.interval, size=result.n, products=source.products,
        stopped=source.stopped, source=source,
    ).count(lower, upper)  # fmt: skip


def _a_priori(result, rows, sigma):
    """What the theorems would have asked for, beside what was measured."""
    wanted = {row["estimator"]: row["L1 error"] or row["claimed"] for row in rows}
    pluses = wanted.get(ESTIMATORS["nystrom++"])
    if not pluses or not 0.0 < pluses < 1.0:
        return
    asked = sc.a_priori(pluses, sigma=sigma, interval=result.measured.interval)
    split = result.split
    probes = {"Nyström++": asked.nystrom_columns, "Girard–Hutchinson": asked.hutchinson_probes}
    dear = " and ".join(name for name, columns in probes.items() if asked.degree * columns > result.n)
    dearer = f" For {dear} that is more than n = {result.n:,} products, which give the whole matrix." if dear else ""
    st.markdown(
        f"**Before any product**, to promise what Nyström++ reached here ({pluses:.2g}) with probability 95 %, the theorems "
        f"ask for degree **{asked.degree:,}** (here {split.degree:,}), **{asked.nystrom_columns:,}** columns of Nyström++ (here "
        f"{split.columns}) or **{asked.hutchinson_probes:,}** probes of Girard–Hutchinson. They hold for every matrix; the "
        f"constants are assumptions, which Explain names.{dearer}"
    )
