"""How the Spectrum tab draws a result: one live picture, one figure beside it, and the numbers to take away."""

import time
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

import spectral_core as sc
from pages.ui.controls import bound, misread
from pages.ui.notebook import spectrum_notebook
from pages.ui.plots import plot
from pages.ui.sigma import set_sigma, sigma_view
from pages.ui.take_away import take_away
from spectral_core import figures
from spectral_core.figures import ladder
from spectral_core.random_matrices import Semicircle

__all__ = ["ASIDES", "SpectrumView", "draw_spectrum", "read_sigma"]

ASIDES = ("Why smoothing misleads", "How many moments?", "Stems", "Near the lower end", "All curves", "Numbers")
BASES = ("chebyshev", "legendre", "power")
FEW_POWERS = 20  # beyond this the power basis is too ill-conditioned to trust
DEFAULT_SIGMA = 0.025  # of the interval
PAINT = 0.5  # seconds for the first picture to be painted before the browser parses plotly's 4.7 MB, once a session
LADDER = (3, 30, 60, 100)


@dataclass(frozen=True)
class SpectrumView:
    """What is shown of a result; changing any of it needs no product."""

    sigma: float
    kernel: str
    shown: int
    basis: str
    bins: int


@lru_cache(maxsize=64)
def _fit(moments, degree, basis):
    return sc.maxent(moments, degree=degree, basis=basis)


@lru_cache(maxsize=4)  # each holds a result, graph and all
def _ladder(moments, eigenvalues_of, orders, interval, bins):
    fits = {m: (_fit(moments, m, "chebyshev"), sc.kernel_polynomial(moments.truncated(m))) for m in orders}
    return ladder.ladder_figure(fits, interval=interval, eigenvalues=eigenvalues_of.eigenvalues, bins=dict(bins))


def draw_spectrum(result, settings) -> None:
    """Everything below the progress bar: picture, knobs, costs, the figure beside it, downloads."""
    spectrum = result.spectrum
    low, high = spectrum.interval
    width = high - low
    picture = st.container()
    knobs = st.columns(4)
    with knobs[0]:
        shown = bound(
            st.slider,
            "Moments shown m",
            3,
            500,
            60,
            key="m",
            help="A refit of kept moments: no product.",
        )
    with knobs[1]:
        basis = bound(st.selectbox, "Basis of the fit", BASES, key="basis")
    with knobs[2]:
        kernel = bound(st.selectbox, "Smoothing kernel", ("gaussian", "cauchy"), key="kernel")
    with knobs[3]:
        bins = bound(st.slider, "Bins of the exact histogram", 10, 500, 100, 10, key="bins")
    fit, shown = None, min(shown, settings.degree)
    if spectrum.moments is not None:
        shown = min(shown, spectrum.moments.degree)
        fit = _fit(spectrum.moments, shown, basis)
    with picture:
        sigma = _picture(result, fit, kernel, bins, width)
    _link_sigma(sigma, width)
    view = SpectrumView(sigma, kernel, shown, basis, bins)
    densities = {}
    if fit is not None:
        densities["maximum entropy"] = fit
        densities["Jackson-KPM"] = sc.kernel_polynomial(spectrum.moments.truncated(shown))
    densities["smoothed"] = spectrum.quadrature.density(sigma, kernel=kernel)
    _costs(result, fit, settings)
    aside = bound(st.segmented_control, "Beside it", ASIDES, key="aside", default=ASIDES[0], required=True)
    if st.session_state.setdefault("_first_picture", True):
        time.sleep(PAINT)
        st.session_state["_first_picture"] = False
    _aside(aside, result, densities, view)
    _take_away(result, densities, settings, view)


def read_sigma():
    """Take sigma from the link, once a session; before `draw_spectrum`."""
    asked = st.query_params.get("sigma")
    if asked is not None and "_sigma_read" not in st.session_state:
        try:
            set_sigma("spectrum", float(asked))
        except ValueError:
            misread("sigma", asked)
    st.session_state["_sigma_read"] = True


def _link_sigma(sigma, width):
    """Keep the link's sigma that of the slider: none at the default, a fortieth of the interval."""
    if abs(sigma - DEFAULT_SIGMA * width) > 1e-9 * width:
        st.query_params["sigma"] = f"{sigma:.6g}"
    elif "sigma" in st.query_params:
        del st.query_params["sigma"]


def _picture(result, fit, kernel, bins, width):
    spectrum = result.spectrum
    before = st.session_state.get("_width", width)
    if before != width and "sigma" not in st.query_params:
        set_sigma("spectrum", DEFAULT_SIGMA * width)  # another matrix has another scale; a sigma that was chosen stays
    st.session_state["_width"] = width
    curves = []
    if fit is not None:
        x = figures.grid(spectrum.interval, densities=[fit])
        curves.append(
            {
                "name": f"maximum entropy, m = {fit.degree}",
                "x": x,
                "y": fit.pdf(x),
                "se": fit.standard_error(x),
                "role": "maxent",
            }
        )
    bars = None
    if result.eigenvalues is not None:
        found = figures.histogram(
            result.eigenvalues, interval=spectrum.interval, bins=bins, atoms=spectrum.quadrature.atoms
        )
        bars = {"edges": found.edges, "density": found.density}
    nodes, weights = spectrum.quadrature.stems()
    stems = figures.merged_stems(spectrum.quadrature, interval=spectrum.interval)
    return sigma_view(
        key="spectrum",
        interval=spectrum.interval,
        nodes=nodes,
        weights=weights,
        stems=(stems.positions, stems.weights),
        atoms=spectrum.quadrature.atoms,
        curves=curves,
        histogram=bars,
        kernel=kernel,
        sigma=DEFAULT_SIGMA * width,
        sigma_range=(1e-3 * width, 0.25 * width),
    )


def _costs(result, fit, settings):
    q, mu = result.spectrum.quadrature, result.spectrum.moments
    parts = [f"Stems and smoothing: **{q.products:,} products** ({q.probes} probes, {q.steps} steps)."]
    if fit is not None:
        share = mu.probes * -(-fit.degree // 2)
        status = "" if fit.converged else f" **Not converged: {fit.stopped}.**"
        parts.append(
            f"Maximum entropy with m = {fit.degree}: **{share:,} products**, {fit.iterations} Newton steps, gradient "
            f"{fit.gradient:.0e}, entropy {fit.entropy:.4f} nats.{status}"
        )
        if fit.moments_given.basis == "power" and fit.degree > FEW_POWERS:
            parts.append(f"Powers are ill-conditioned beyond {FEW_POWERS} moments: compare with Chebyshev.")
    if result.eigenvalues is not None:
        parts.append(f"Exact histogram: no products, all {result.graph.n:,} eigenvalues by a dense solver.")
    if result.exact_note:
        parts.append(result.exact_note)
    if len(q.atoms):
        known = ", ".join(f"λ = {x:g}: {mass:.2%}" for x, mass in q.atoms)
        parts.append(f"Known exactly from {result.components:,} connected component(s): {known}.")
    st.markdown(" ".join(parts))
    st.caption(f"{settings.caption()}. Bands are two standard errors over the probes.")


def _aside(aside, result, densities, view):
    spectrum, moments = result.spectrum, result.spectrum.moments
    shared = {"interval": spectrum.interval, "eigenvalues": result.eigenvalues, "bins": view.bins}
    if aside == "Why smoothing misleads" and moments is not None:
        degree = min(20, moments.degree)
        plot(figures.moments_figure(moments, densities, degree), "deviation of each curve's moments")
    elif aside == "How many moments?" and moments is not None:
        _moments_ladder(result, view)
    elif aside == "Stems":
        plot(figures.stem_figure(spectrum.quadrature), "Ritz values and their weights")
    elif aside == "Near the lower end":
        plot(figures.zoom_figure(stems=spectrum.quadrature, densities=densities, share=0.1, **shared), "lower end")
    elif aside == "All curves":
        plot(figures.spectrum_figure(stems=spectrum.quadrature, densities=densities, **shared), "all curves")
    elif aside == "Numbers":
        if moments is not None:
            degree = min(20, moments.degree)
            st.dataframe(figures.moments_table(moments, densities, degree), hide_index=True)
        st.dataframe(figures.curve_table(stems=spectrum.quadrature, densities=densities, **shared), hide_index=True)
    else:
        st.caption("The moments come after the stems.")


def _moments_ladder(result, view):
    moments, n = result.spectrum.moments, result.graph.n
    bins = bound(st.segmented_control, "Bins", (50, 500), key="ladder_bins", default=500, required=True)
    orders = tuple(m for m in LADDER if m <= moments.degree)
    if result.eigenvalues is None:
        st.caption(f"No exact histogram to compare with (n = {n:,}).")
    per_order = tuple((m, bins) for m in orders)
    plot(_ladder(moments, result, orders, result.spectrum.interval, per_order), "fits with more and more moments")
    if bound(st.toggle, "Beside a law: the semicircle (Figure 3.2)", key="law"):
        law = Semicircle(radius=0.5, centre=0.5)
        fits = {m: (sc.maxent(law.moments(m)), None) for m in (5, 30)}
        plot(ladder.ladder_figure(fits, interval=(0.0, 1.0), law=law, title="Semicircle, exact moments"), "semicircle")
        orders = (2, 3, 5, 10, 20, 30, 60, 100)
        divergences = [law.kl(sc.maxent(law.moments(m))) for m in orders]
        plot(ladder.divergence_figure({"maximum entropy": (orders, divergences)}), "KL against moments")


def _take_away(result, densities, settings, view):
    spectrum = result.spectrum

    def table():
        return figures.curve_table(
            interval=spectrum.interval,
            stems=spectrum.quadrature,
            densities=densities,
            eigenvalues=result.eigenvalues,
            bins=view.bins,
        )

    take_away(
        f"spectrum-{settings.graph.key}", {"Data": table}, lambda: spectrum_notebook(settings, view), result.graph.notes
    )
