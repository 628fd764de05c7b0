"""The lesson on kernel smoothing: what a bell on every eigenvalue does to the moments."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st
import torch

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from spectral_core import figures

__all__ = ["SMOOTHING"]


@dataclass(frozen=True)
class SmoothingSettings:
    """The normalised Laplacian of a small world of Watts and Strogatz."""

    sigma: float = 0.1
    seed: int = 0
    n: int = 500
    degree: int = 20

    def caption(self):
        return (
            f"Normalised Laplacian of a small world, n = {self.n}, seed {self.seed}: ten probes of 30 steps, 300 products; "
            f"maximum entropy with {self.degree} moments. Another σ needs no product."
        )


@dataclass(frozen=True, eq=False)
class SmoothingResult:
    """Stems, their moments on [0, 2], the fit of maximum entropy to the same moments, all eigenvalues."""

    quadrature: object
    moments: object
    fit: object
    eigenvalues: object


def smoothing_steps(settings):
    """Lanczos stems of ten probes; a density of maximum entropy that holds their moments exactly."""
    generator = torch.Generator().manual_seed(settings.seed)
    graph = sc.graphs.watts_strogatz(settings.n, 6, 0.1, generator=generator)
    L = sc.graphs.normalised_laplacian(graph)
    yield 0.1, None
    for q in sc.lanczos_quadrature_steps(L, steps=30, probes=10, generator=generator):
        yield 0.1 + 0.4 * q.steps / 30, None
    moments = q.moments(settings.degree, interval=(0.0, 2.0))
    fit = sc.maxent(moments, standard_error=0.0)
    yield 0.9, None
    yield 1.0, SmoothingResult(q, moments, fit, torch.linalg.eigvalsh(torch.tensor(sc.materialise(L))).numpy())


def smoothing_answer(result, settings):
    q, sigma = result.quadrature, settings.sigma
    bias = q.smoothing_bias(10, sigma)
    values, _ = result.moments.raw(10)
    outside = 1.0 - q.density(sigma).bin_masses([0.0, 2.0])[0]
    missed = abs(result.fit.moment(10) / values[10] - 1.0)
    return (
        f"Bells of width σ = {sigma:g} raise the second moment by σ² = {bias[2]:.2g} and the tenth by "
        f"**{bias[10] / values[10]:.2g} times itself**; {outside:.2%} of the mass leaks out of [0, 2], where "
        f"no eigenvalue can be. Maximum entropy has the tenth moment to {max(missed, 1e-16):.0e}."
    )


def smoothing_pictures(result, settings):
    q = result.quadrature
    densities = {"maximum entropy": result.fit, f"smoothed, σ = {settings.sigma:g}": q.density(settings.sigma)}
    return {
        "densities": figures.spectrum_figure(
            interval=(-0.4, 2.4), densities=densities, eigenvalues=result.eigenvalues, bins=100, bands=False,
            title="Two densities of the same products",
        ),
        "moments": figures.moments_figure(result.moments, densities, 10, title="Moments missed"),
    }  # fmt: skip


def smoothing_table(result):
    values, errors = result.moments.raw(10)
    columns = {"order": range(11), "moment": values, "standard error": errors}
    for sigma in (0.01, 0.03, 0.1, 0.3):
        columns[f"bias at sigma = {sigma:g}"] = result.quadrature.smoothing_bias(10, sigma)
    columns["maximum entropy"] = [result.fit.moment(k) for k in range(11)]
    return pd.DataFrame(columns)


def _choose():
    sigma = bound(
        st.select_slider,
        "Width σ of the kernel",
        (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3),
        0.1,
        key="lesson_sigma",
        format_func=str,
    )
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return SmoothingSettings(sigma, seed)


SMOOTHING = Lesson(
    "Smoothing",
    "Smoothing destroys moments",
    "A bell on every stem makes a pretty curve. What does it do to what was measured?",
    r"""
**Theorem 2.** A kernel that is symmetric and has all moments adds to the m-th moment

$$
\sum_i w_i \sum_{j=1}^{\lfloor m/2 \rfloor} \binom{m}{2j}\, \mathrm{E}_{k_\sigma}[x^{2j}]\, \lambda_i^{m - 2j},
\qquad \mathrm{E}_{k_\sigma}[x^{2j}] = \sigma^{2j} (2j - 1)!! \text{ for a Gaussian.}
$$

The thesis prints $\binom{r}{2j}$ with $r = m - 1$ for odd $m$, a slip: the third moment would gain $\sigma^2 \mu_1$ in place
of $3 \sigma^2 \mu_1$. Where no eigenvalue is negative every term is positive, so every moment from the second on is too
large, the higher the worse.

- *Look at* small $\sigma$: the bias falls like $\sigma^2$, and the curve breaks up into bells. No $\sigma$ is right.
- *Look at* both ends of $[0, 2]$ in the left figure: the mass outside belongs to no graph.
- Maximum entropy, from the same products, holds the measured moments and stays in the interval. The shaded band in the right
  figure is the error of the measured moments themselves, from ten probes: below it a difference means nothing. A Cauchy
  kernel has no moments at all.

*Source.* Granziol, *Spectral Machine Learning*, section 3.3.1, Theorem 2 and the remarks after it.
""",
    _choose,
    smoothing_steps,
    smoothing_answer,
    smoothing_pictures,
    smoothing_table,
    (SmoothingSettings, SmoothingResult),
    free=("sigma",),
)
