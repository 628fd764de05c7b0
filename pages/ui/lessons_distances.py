"""The lesson on divergences between stems: infinite for any two, whatever they are of."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch
from scipy import special

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from spectral_core import figures
from spectral_core.estimators.divergences import symmetric_kl, wasserstein

__all__ = ["DISTANCES"]

CASES = ("Other probes", "One edge less", "More shortcuts", "Another kind of graph")


@dataclass(frozen=True)
class DistancesSettings:
    """A small world of Watts and Strogatz against others."""

    case: str = "One edge less"
    sigma: float = 0.03
    seed: int = 0
    n: int = 500
    moments: int = 20

    def caption(self):
        return (
            f"Small world, n = {self.n}, degree 10, a tenth rewired; seed {self.seed}. A spectrum is 30 probes of 20 steps, 600 "
            f"products; {self.moments} moments. Bars: two standard errors over the probes; the smoothed values have none here."
        )


@dataclass(frozen=True, eq=False)
class DistancesResult:
    """Stems and fits by name, "The graph" first."""

    stems: dict
    fits: dict

    def cases(self):
        return [name for name in self.stems if name != "The graph"]


def jensen_shannon(q, other):
    """``JS = (KL(p || (p + q) / 2) + KL(q || (p + q) / 2)) / 2`` of two sets of stems, nats: at most log 2."""
    x, w = q.stems()
    y, v = other.stems()
    places = np.union1d(x, y)
    p, r = np.zeros(len(places)), np.zeros(len(places))
    np.add.at(p, np.searchsorted(places, x), w)
    np.add.at(r, np.searchsorted(places, y), v)
    return 0.5 * float((special.rel_entr(p, (p + r) / 2.0) + special.rel_entr(r, (p + r) / 2.0)).sum())


def smoothed_divergence(q, other, sigma):
    """``(KL + KL) / 2`` of the stems smoothed by Gaussians, nats, on a grid of a quarter of sigma."""
    x = np.arange(-8.0 * sigma, 2.0 + 8.0 * sigma, sigma / 4.0)

    def log_density(q):
        nodes, weights = q.stems()
        exponent = -0.5 * ((x[:, None] - nodes) / sigma) ** 2
        return special.logsumexp(exponent, b=weights, axis=1) - np.log(sigma * np.sqrt(2.0 * np.pi))

    a, b = log_density(q), log_density(other)
    return 0.5 * float(np.trapezoid((np.exp(a) - np.exp(b)) * (a - b), x))


def distances_steps(settings):
    """Thirty probes of twenty steps for each graph, new ones each time; the fits may miss each moment by 2e-3."""
    n, generator = settings.n, torch.Generator().manual_seed(settings.seed)
    graph = sc.graphs.watts_strogatz(n, 10, 0.1, generator=generator)
    rows, columns = np.nonzero(np.triu(sc.materialise(sc.graphs.adjacency(graph))))
    graphs = {
        "The graph": graph,
        "Other probes": graph,
        "One edge less": sc.graphs.from_edges(rows[1:], columns[1:], n=n),
        "More shortcuts": sc.graphs.watts_strogatz(n, 10, 0.2, generator=generator),
        "Another kind of graph": sc.graphs.erdos_renyi(n, 10.0 / n, generator=generator),
    }
    stems, fits = {}, {}
    for place, (name, one) in enumerate(graphs.items()):
        L = sc.graphs.normalised_laplacian(one)
        stems[name] = sc.lanczos_quadrature(L, steps=20, probes=30, generator=generator)
        yield (place + 0.5) / len(graphs), None
        fits[name] = sc.maxent(stems[name].moments(settings.moments, interval=(0.0, 2.0)), standard_error=2e-3)
    yield 1.0, DistancesResult(stems, fits)


def distances_answer(result, settings):
    q, other = result.stems["The graph"], result.stems[settings.case]
    shared = len(np.intersect1d(q.stems()[0], other.stems()[0]))
    D = symmetric_kl(result.fits["The graph"], result.fits[settings.case])
    W = wasserstein(result.fits["The graph"], result.fits[settings.case])
    share = jensen_shannon(q, other) / np.log(2.0)
    infinite = "is infinite" if shared < len(q.stems()[0]) else f"is finite ({shared} stems coincide)"
    return (
        f"**{settings.case}**: of {len(q.stems()[0])} stems {shared or 'none'} stand in the same place, so KL between the stems "
        f"**{infinite}** and Jensen–Shannon is {share:.0%} of log 2, its most. Maximum "
        f"entropy gives **D = {D.value:.2g} ± {2.0 * D.standard_error:.1g}** nats, and eigenvalues are W₁ = {W.value:.2g} ± "
        f"{2.0 * W.standard_error:.1g} apart."
    )


def distances_pictures(result, settings):
    q, other = result.stems["The graph"].single_probes()[0], result.stems[settings.case].single_probes()[0]
    table = distances_table(result, settings.sigma)
    return {
        "stems of two spectra": figures.facing_stems_figure(
            ("the graph", *q.stems()), (settings.case.lower(), *other.stems()), title="Stems of one probe each"
        ),
        "distances": figures.distances_figure(
            table["against"],
            {
                "Jensen–Shannon of the stems": (table["Jensen-Shannon of stems"], None, "stems"),
                f"KL, smoothed with σ = {settings.sigma:g}": (
                    table[f"smoothed, sigma {settings.sigma:g}"],
                    None,
                    "smoothed",
                ),
                "KL, maximum entropy": (table["symmetric KL"], table["its standard error"], "maxent"),
                "Wasserstein W₁": (table["W1"], table["W1 standard error"], "kernel polynomial"),
            },
        ),
    }


def distances_table(result, sigma=0.03):
    rows = []
    for name in result.cases():
        q, other, fits = result.stems["The graph"], result.stems[name], (result.fits["The graph"], result.fits[name])
        D, W = symmetric_kl(*fits), wasserstein(*fits)
        rows.append(
            {
                "against": name,
                "Jensen-Shannon of stems": jensen_shannon(q, other),
                f"smoothed, sigma {sigma:g}": smoothed_divergence(q, other, sigma),
                "symmetric KL": D.value,
                "its standard error": D.standard_error,
                "W1": W.value,
                "W1 standard error": W.standard_error,
            }
        )
    return pd.DataFrame(rows)


def _choose():
    left, right = st.columns(2)
    with left:
        case = bound(st.selectbox, "The graph against", CASES, index=1, key="lesson_case")
    with right:
        sigma = bound(
            st.select_slider, "σ of the smoothed ones", (0.003, 0.01, 0.03, 0.1, 0.3), 0.03, key="lesson_kl_sigma",
            format_func=str,
        )  # fmt: skip
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return DistancesSettings(case, sigma, seed)


DISTANCES = Lesson(
    "Infinite KL",
    "Why the divergence between stems is infinite",
    "How different are two spectra that are known by their stems?",
    r"""
$\mathrm{KL}(p \| q) = \sum_i p_i \log(p_i / q_i)$ is infinite as soon as $p$ has mass where $q$ has none. Two sets of stems,
or two sets of eigenvalues, share no place: the answer is $\infty$ for a graph against itself seen by other probes, for one
edge less, and for a graph of another kind. The Jensen–Shannon divergence is no remedy; it says $\log 2$ each time (section 3.3).

- **A density decides it.** The symmetric KL of two densities of *maximum entropy* (Equation 3.12, with each density's own
  fitted moments) is finite and has an error bar over the probes. *Look at* the first two cases: no further apart than their
  error bars allow, as it should be.
- **Wasserstein** needs no density: $W_1 = \int |F_p - F_q| d\lambda$ moves mass and counts the way. It is finite between
  stems too; here it is that of the fitted densities, for which error bars are known.
- **Smoothing** makes KL finite as well, and *look at* $\sigma$: the value runs from huge to nothing as it grows, and no
  eigenvalue says which is meant.
- Every fit may miss every moment by the same 0.002; the values depend on that choice, so it is the same for all.

*Sources.* Granziol, *Spectral Machine Learning*, sections 3.3 and 3.6, Equations 3.5 and 3.12 (true of fitted moments only);
Banerjee and Jost 2008 for smoothed spectra.
""",
    _choose,
    distances_steps,
    distances_answer,
    distances_pictures,
    distances_table,
    (DistancesSettings, DistancesResult, jensen_shannon, smoothed_divergence),
    free=("case", "sigma"),
)
