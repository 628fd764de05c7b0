"""How the Clusters tab draws a count: the sentence, one picture, what lies beside it, and every method in a table."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

import spectral_core as sc
from pages.ui.clusters_job import LADDER
from pages.ui.controls import bound
from pages.ui.notebook import clusters_notebook
from pages.ui.plots import plot
from pages.ui.published import TABLE_3_2, TABLE_3_3
from pages.ui.take_away import take_away
from spectral_core import figures, graphs

__all__ = ["ASIDES", "METHODS", "draw_clusters", "draw_table_3_2"]

METHODS = ("plateau", "first minimum", "deepest minimum", "smoothed Lanczos", "threshold")
LABELS = {
    "plateau": "Widest plateau",
    "first minimum": "First minimum (Algorithm 5)",
    "deepest minimum": "Deepest minimum",
    "smoothed Lanczos": "Smoothed Lanczos",
    "threshold": "My own threshold",
}
ASIDES = ("How many moments?", "Density near 0", "Smoothing", "All methods", "Numbers")
SIGMAS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


@lru_cache(maxsize=256)
def _count(moments, method, degree, threshold=None):
    return graphs.count_from_moments(moments, method=method, degree=degree, threshold=threshold)


@lru_cache(maxsize=256)
def _smoothed(quadrature, sigma, reflected=True):
    return graphs.count_from_quadrature(quadrature, sigma=sigma, reflected=reflected)


def draw_clusters(result, settings) -> None:
    """Everything below the progress bar."""
    if result.moments is None:
        st.subheader(result.count.sentence)
        st.caption(f"{settings.caption()}. Every eigenvalue is known from the components: no product.")
        return
    headline, picture = st.container(), st.container()
    count, degree, sigma = _knobs(result)
    if count is None:
        with headline:
            st.info("The Lanczos stems are not there yet, or switched off in the sidebar: choose another method.")
        return
    number, how = result.exact_below(count.threshold)
    count = replace(count, exact=number if count.clear else None, exact_note=how)
    with headline:
        _headline(result, count, settings)
    with picture:
        shown = count if count.moments is not None else replace(count, moments=result.moments.truncated(degree))
        plot(figures.counting_figure(shown, eigenvalues=result.eigenvalues), "eigenvalues below a threshold")
    _costs(result, count, settings)
    aside = bound(st.segmented_control, "Beside it", ASIDES, key="cluster_aside", default=ASIDES[0], required=True)
    if aside == "How many moments?":
        _moments(result, settings, count, sigma)
    elif aside == "Density near 0":
        _densities(result, degree, sigma)
    elif aside == "Smoothing":
        _smoothing(result)
    elif aside == "All methods":
        st.dataframe(_methods(result, degree, sigma), hide_index=True)
        st.caption("The exact number counts the eigenvalues below each method's own λ*, where all of them are known.")
    else:
        st.dataframe(figures.counting_table(shown), hide_index=True)
    tables = {"Counting function": lambda: figures.counting_table(shown)}
    take_away(f"clusters-{settings.graph.key}", tables, lambda: clusters_notebook(settings), result.notes)


def _knobs(result):
    columns = st.columns(3)
    with columns[0]:
        method = bound(
            st.selectbox, "Count by", METHODS, key="cluster_method", format_func=LABELS.get,
            help="All but Lanczos re-evaluate the same moments: no product.",
        )  # fmt: skip
    with columns[1]:
        used = bound(
            st.select_slider, "Moments used m", (*LADDER, "all"), "all", key="cluster_m",
            help="Fewer of the moments there are: no product.",
        )  # fmt: skip
        degree = result.moments.degree if used == "all" else min(used, result.moments.degree)
    with columns[2]:
        threshold, sigma = None, 0.02
        if method == "threshold":
            threshold = bound(
                st.number_input, "Threshold λ*", 1e-5, 1.99, 0.1, key="cluster_threshold", format="%.5g", step=0.01
            )
        else:
            sigma = bound(
                st.select_slider, "Smoothing width σ of Lanczos", SIGMAS, 0.02, key="cluster_sigma",
                format_func=lambda v: f"{v:g}",
            )  # fmt: skip
    if method == "smoothed Lanczos":
        return (_smoothed(result.lanczos[-1][1], sigma) if result.lanczos else None), degree, sigma
    return _count(result.moments, method, degree, threshold), degree, sigma


def _headline(result, count, settings):
    first, point, rest = count.sentence.partition(". " if count.clear else ": ")
    st.subheader((first + "." if point else first).replace("*", "\\*"))
    said = [rest[:1].upper() + rest[1:]] if rest else []
    if count.components > 1 and result.lonely and settings.isolated == 0.0:
        said.append(f"{result.lonely:,} of the {count.components:,} components are isolated nodes.")
    if count.clear and count.exact is None:
        said.append(f"No exact count: {_plain(count.exact_note)}.")
    if count.clear and count.method == "plateau":
        said.append(
            f"The gap reaches from λ = {count.plateau.start:.3g} to {count.plateau.end:.3g}, {count.confidence:.0f} times "
            "the resolution (below 2 it would mean nothing)."
        )
    planted = settings.planted()
    if planted is not None:
        said.append(f"Planted: {planted:,}.")
    if count.method in ("first minimum", "deepest minimum"):
        said.append("The error bar holds the noise of the moments, not where the minimum lies.")
    if said:
        st.markdown(" ".join(said))


def _plain(note):
    return note[:-1] if note.endswith(".") else note


def _costs(result, count, settings):
    parts = [
        f"Moments: **{result.moments.products:,} products**, for the plateau, the minima, any threshold and every m up to "
        f"{result.moments.degree}."
    ]
    if result.lanczos:
        q = result.lanczos[-1][1]
        parts.append(f"Lanczos: **{q.products:,} products** more ({q.probes} probes, {q.steps} steps).")
    if result.eigenvalues is not None:
        parts.append("Grey: all eigenvalues by a dense solver, no product.")
    elif result.eigenvalues_note:
        parts.append(f"No exact eigenvalues: {result.eigenvalues_note}.")
    st.markdown(" ".join(parts))
    st.caption(f"{settings.caption()}. ± is one standard error over the probes, bands are two.")


def _truth(result, settings, count):
    """The number to hold the others against: exact below the plateau's threshold, or planted."""
    plateau = _count(result.moments, "plateau", result.moments.degree)
    if plateau.clear:
        number, how = result.exact_below(plateau.threshold)
        if number is not None:
            return number, f"exact {how}" if how == "by inertia" else "exact"
    planted = settings.planted()
    return None if planted is None else (planted, "planted")


def _moments(result, settings, count, sigma):
    moments = result.moments
    orders = [m for m in LADDER if m <= moments.degree]
    ladder = {
        LABELS[method]: [(m, _count(moments, method, m)) for m in orders]
        for method in ("plateau", "deepest minimum", "first minimum")
    }
    if result.lanczos:
        ladder[f"Smoothed Lanczos, σ = {sigma:g}"] = [(m, _smoothed(q, sigma)) for m, q in result.lanczos]
    truth = _truth(result, settings, count)
    if not any(one.clear for found in ladder.values() for _, one in found):
        st.info("No method finds a threshold at any number of moments.")
        return
    if truth is not None:
        plot(figures.error_figure(ladder, truth, probes=moments.probes), "error of the count against moments")
        q = result.lanczos[-1][1] if result.lanczos else None
        st.caption(
            f"Truth: {truth[0]:,} ({truth[1]}). The methods share their probes, so they share their luck"
            + ("" if q is None else f"; Lanczos has {q.probes} of its own")
            + ". A method without a point found no gap."
        )
    plot(figures.count_figure(ladder, truth=truth), "count against moments")
    st.caption("Bars are two standard errors over the probes.")
    published = TABLE_3_3.get(settings.graph.key)
    if published is not None:
        _table_3_3(moments, published)


def _table_3_3(moments, published):
    rows = []
    for m, value in published.items():
        if m > moments.degree:
            continue
        first, plateau = (_count(moments, method, m) for method in ("first minimum", "plateau"))
        rows.append(
            {
                "moments m": m,
                "Table 3.3": value,
                "ours, Algorithm 5": first.value,
                "its λ*": first.threshold,
                "plateau": "no clear gap"
                if not plateau.clear
                else f"{plateau.value:,.0f} ± {plateau.standard_error:.0f}",
            }
        )
    st.dataframe(rows, hide_index=True)
    st.caption(
        "The published counts move by factors with m, and so do ours: they are the mass below a ripple of the fit, whose place "
        "depends on m, on the probes and on the noise the fit allows for. Where no plateau is found, no such number means much."
    )


def _densities(result, degree, sigma):
    moments = result.moments.truncated(degree)
    plateau, first, deepest = (_count(result.moments, m, degree) for m in METHODS[:3])
    densities = {"Jackson-KPM": sc.kernel_polynomial(moments), "maximum entropy, first minimum": first.density}
    counts = {"Jackson-KPM": plateau if plateau.clear else None, "maximum entropy, first minimum": first}
    if np.isfinite(deepest.threshold) and deepest.threshold != first.threshold:
        densities["maximum entropy, deepest minimum"] = deepest.density
        counts["maximum entropy, deepest minimum"] = deepest
    if result.lanczos:
        smooth = _smoothed(result.lanczos[-1][1], sigma)
        densities["smoothed Lanczos"], counts["smoothed Lanczos"] = smooth.density, smooth
    window = bound(
        st.select_slider, "Shown up to λ =", (0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.0), 0.25, key="cluster_window",
        format_func=lambda v: f"{v:g}",
    )  # fmt: skip
    plot(
        figures.density_figure(
            densities, counts, atoms=moments.atoms, eigenvalues=result.eigenvalues, window=window,
            title="Density near 0 (Figures 3.6 and 3.7)",
        ),
        "density near 0",
    )  # fmt: skip
    st.caption(
        "The area up to each vertical, λ*, times n is the count in the legend. Diamond: the components, known exactly."
    )


def _smoothing(result):
    if not result.lanczos:
        st.info("Lanczos is switched off in the sidebar, or has not begun.")
        return
    q = result.lanczos[-1][1]
    rows, densities, counts = [], {}, {}
    for sigma in SIGMAS:
        both = [_smoothed(q, sigma, reflected) for reflected in (True, False)]
        exact = result.exact_below(both[0].threshold)[0] if both[0].clear else None
        rows.append(
            {
                "σ": sigma,
                "count, reflected at 0": both[0].value,
                "± (one standard error)": both[0].standard_error,
                "λ*": both[0].threshold,
                "exact below that λ*": exact,
                "count, not reflected": both[1].value,
            }
        )
        if sigma in (0.005, 0.02, 0.1):
            densities[f"σ = {sigma:g}"], counts[f"σ = {sigma:g}"] = both[0].density, both[0]
    st.dataframe(rows, hide_index=True)
    plot(
        figures.density_figure(
            densities, counts, eigenvalues=result.eigenvalues, window=0.5, title="Lanczos stems at three widths σ"
        ),
        "smoothed Lanczos at several widths",
    )
    st.caption(
        "Not reflected, half of each bell at 0 lies below 0 and is lost, as in the thesis's comparison. Where the gap is wide, "
        "every σ gives one count; where it is not, σ decides."
    )


def _methods(result, degree, sigma):
    found = {LABELS[m]: _count(result.moments, m, degree) for m in ("plateau", "deepest minimum", "first minimum")}
    if result.lanczos:
        q = result.lanczos[-1][1]
        found[f"Smoothed Lanczos, σ = {sigma:g}, reflected"] = _smoothed(q, sigma)
        found[f"Smoothed Lanczos, σ = {sigma:g}, not reflected"] = _smoothed(q, sigma, False)
    return [
        {
            "method": name,
            "count": one.value if one.clear else None,
            "± (one standard error)": one.standard_error if one.clear else None,
            "λ*": one.threshold if one.clear else None,
            "exact below that λ*": result.exact_below(one.threshold)[0] if one.clear else None,
            "gap": "clear" if one.clear else "no clear gap",
            "products": one.products,
        }
        for name, one in found.items()
    ]


def draw_table_3_2(rows) -> None:
    """Mean fractional errors beside the published ones and the floor of the probes."""
    names = next((list(found) for _, found in rows if found), [])
    table = [
        {"fractional error": name}
        | {f"n_c = {size}": float(np.mean(found[name])) for size, found in rows if name in found}
        for name in names
    ]
    floor = {f"n_c = {size}": float(np.sqrt(2.0 / (size * 100))) for size, _ in rows}
    published = [{"fractional error": f"published: {name}"} | {
        f"n_c = {size}": values[size] for size, _ in rows} for name, values in TABLE_3_2.items()]  # fmt: skip
    floor_row = {"fractional error": "floor of 100 probes, √(2 / (100 n_c))"}
    st.dataframe(
        [*published, floor_row | floor, *table],
        hide_index=True,
        column_config={key: st.column_config.NumberColumn(format="%.4f") for key in floor},
    )
    done = max((len(one) for _, found in rows for one in found.values()), default=0)
    st.caption(
        f"Clusters of 30 nodes, p = 0.5, one link a cluster, m = 80, d = 100; mean over {done} network(s) of each size, of "
        "Lanczos with 80 steps and σ = 0.02. The floor is the standard deviation of any count by 100 probes, a fraction √(2/π) "
        "= 0.8 of which is the mean error. Six of the eight published values lie below it, where probes get by luck alone. The "
        "first minimum, as Algorithm 5 is printed, is often a ripple of the fit beside 0; at the deepest minimum it is at the "
        "floor, and so are the plateau and a kernel that is reflected at 0."
    )
