"""How the Compare tab draws a comparison: heatmap, densities over each other, pairs and exceptions."""

import re
from functools import lru_cache

import numpy as np
import streamlit as st

from pages.ui.controls import bound, verbatim
from pages.ui.notebook import comparison_notebook
from pages.ui.plots import plot
from pages.ui.published import FIGURE_3_4
from pages.ui.take_away import take_away
from spectral_core import figures, graphs

__all__ = ["draw_comparison", "draw_stored"]

DISTANCES = {  # label: (attribute, its error, unit)
    "Symmetric KL": ("divergence", "standard_error", "symmetric KL (nats)"),
    "Wasserstein": ("wasserstein", "wasserstein_error", "Wasserstein distance (units of λ)"),
}
RIDGES = (5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
ASIDES = ("Densities", "Pairs", "Each graph")


@lru_cache(maxsize=16)
def _similarity(moments, names, degree, ridge, support):
    return graphs.similarity_of_moments(moments, names, degree=degree, ridge=ridge, support=support)


def draw_comparison(result, settings) -> None:
    """Everything below the progress bar."""
    compared, names = result.compared, _plain_names([one.name for one in result.compared])
    if len(compared) < 2:
        st.info("A comparison needs at least two graphs that can be compared.")
        return
    similarity = _knobs(tuple(one.moments for one in compared), names, settings.degree)
    table = [
        {
            "graph": name,
            "nodes": one.n,
            "edges": one.edges,
            "components": one.components,
            "eigenvalue 0, share": one.components / one.n,
            "noise floor": floor,
            "products": one.moments.products,
        }
        for name, one, floor in zip(names, compared, similarity.noise_floor, strict=True)
    ]
    _draw(similarity, table)
    st.caption(
        f"{settings.caption()}. {similarity.products:,} products in all. ± is one standard error over the probes."
    )
    take_away(
        "comparison",
        {"Pairs": lambda: figures.pairs_table(similarity)},
        lambda: comparison_notebook(settings, similarity, [one.name for one in compared]),
    )


def _plain_names(names):
    """Uploads without their hash, where that leaves all names different."""
    plain = [name.split(" @")[0] for name in names]
    return tuple(name if plain.count(short) > 1 else short for name, short in zip(names, plain, strict=True))


def draw_stored(stored, file) -> None:
    """A file of moments: converged fits, and the stored coefficients beside them."""
    names = [one.name for one in stored]
    shown = [name for name in FIGURE_3_4 if name in names]
    chosen = _choose_names(names, shown if len(shown) > 1 else names)
    if len(chosen) < 2:
        st.info("A comparison needs at least two graphs: choose another above.")
        return
    stored = [one for one in stored if one.name in chosen]
    degree = min(one.moments.degree for one in stored)
    similarity = _knobs(
        tuple(one.moments for one in stored), tuple(one.name for one in stored), degree, stored[0].support, first=40
    )
    table = [{"graph": one.name, "moments": one.moments.degree} for one in stored]
    _draw(similarity, table)
    st.caption(
        f"{verbatim(file)}: moments of T_k(L/2) on (-2, 2), fitted on (0, 2). The file does not say how they were sampled, "
        "so the divergences have no error bar. No product."
    )
    if all(one.coefficients is not None for one in stored):
        st.subheader("As stored: fits that had not converged")
        masses = {one.name: float(one.log10_mass()) for one in stored}
        worst = max(masses, key=lambda name: abs(masses[name]))
        st.markdown(
            f"The file's own coefficients, put into the formula behind the thesis's Figure 3.4: no half, an absolute value. "
            f"A density has mass 1; these have up to 10^{masses[worst]:.0f} ({verbatim(worst)}), so this is the figure as it was "
            "published, but no divergence between densities. The blocks are the same; the numbers are not."
        )
        matrix = graphs.stored_divergence(stored)
        plot(
            figures.heatmap_figure(
                similarity.names, matrix, unit="stored value", title="Figure 3.4 from the stored coefficients"
            ),
            "stored coefficients",
        )
        table = [{"graph": name, "log10 of the mass": mass} for name, mass in masses.items()]
        st.dataframe(table, hide_index=True)
    take_away("comparison", {"Pairs": lambda: figures.pairs_table(similarity)})


def _choose_names(names, default):
    """Which of the file's graphs to compare, in the order of the default."""
    chosen = st.multiselect("Graphs of the file", names, default=default, key="moments_names", persist_state="session")
    return set(chosen)


def _knobs(moments, names, degree, support=None, first=100):
    columns = st.columns(3)
    with columns[0]:
        shown = bound(st.slider, "Moments compared", 3, 300, first, key=f"compare_m{first}", help="Refits: no product.")
    with columns[1]:
        ridge = bound(
            st.select_slider,
            "Error allowed a moment",
            RIDGES,
            2e-3,
            key="ridge",
            format_func=lambda v: f"{v:g}",
            help="The same for every graph. Divergences between unlike graphs fall as it rises, so compare only at one value.",
        )
    with columns[2]:
        bound(st.toggle, "Order by similarity", True, key="compare_order")
    return _similarity(moments, names, min(shown, degree), ridge, support)


def _draw(similarity, table):
    label = bound(
        st.segmented_control, "Distance", list(DISTANCES), key="distance", default="Symmetric KL", required=True
    )
    distance, error, unit = DISTANCES[label]
    matrix, errors = getattr(similarity, distance), getattr(similarity, error)
    st.markdown(_reading(similarity, distance, error))
    if not similarity.converged:
        st.warning("Not every fit converged: allow a larger error a moment, or compare fewer moments.")
    order = similarity.order(distance) if st.session_state.get("compare_order", True) else None
    plot(
        figures.heatmap_figure(similarity.names, matrix, errors=errors, unit=unit, title=unit, order=order),
        "distances between graphs",
    )
    aside = bound(st.segmented_control, "Below it", ASIDES, key="compare_aside", default=ASIDES[0], required=True)
    if aside == "Densities":
        places = range(len(similarity.names)) if order is None else order
        densities = {similarity.names[i]: similarity.densities[i] for i in places}
        plot(figures.overlay_figure(densities), "densities over each other")
    elif aside == "Pairs":
        st.dataframe(figures.pairs_table(similarity), hide_index=True)
    else:
        nearest = similarity.nearest(distance)
        rows = [
            row | {"nearest": similarity.names[nearest[i]], unit: matrix[i, nearest[i]]} for i, row in enumerate(table)
        ]
        st.dataframe(rows, hide_index=True)


def _reading(similarity, distance, error):
    """What the matrix says, exceptions to the families first among it."""
    matrix, errors, names = getattr(similarity, distance), getattr(similarity, error), similarity.names

    def said(i, j):
        bar = f" ± {errors[i, j]:.2g}" if np.isfinite(errors[i, j]) else ""
        return f"{verbatim(names[i])} and {verbatim(names[j])} ({matrix[i, j]:.3g}{bar})"

    i, j = np.triu_indices(len(names), 1)
    near, far = matrix[i, j].argmin(), matrix[i, j].argmax()
    if len(names) == 2:
        return f"**{said(0, 1)}**"
    parts = [f"**Nearest:** {said(i[near], j[near])}. **Farthest:** {said(i[far], j[far])}."]
    families = [_family(name) for name in names]
    exceptions = similarity.exceptions(families, distance)
    if exceptions:
        told = [
            f"{verbatim(names[a])} is nearer to {verbatim(names[b])} ({matrix[a, b]:.3g}) than to {verbatim(names[c])} "
            f"({matrix[a, c]:.3g})"
            for a, b, c in exceptions
        ]
        parts.append("**Against the families of their names:** " + "; ".join(told) + ".")
    elif len(set(families)) < len(families) and len(set(families)) > 1:
        parts.append("Every graph is nearer to all of its own family (the start of its name) than to any other graph.")
    return " ".join(parts)


def _family(name):
    """The start of a name: ``ca`` of ca-GrQc, ``er`` of a random graph."""
    return re.split(r"[-_ .@]", name)[0].lower()
