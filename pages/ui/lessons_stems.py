"""The lesson on Lanczos stems: a few products show the shape of a whole spectrum."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch
from scipy import stats

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from pages.ui.lessons_matrices import MATRICES, known_matrix
from spectral_core import figures

__all__ = ["STEMS"]


@dataclass(frozen=True)
class StemsSettings:
    """One probe, as in the thesis."""

    matrix: str = "network"
    steps: int = 15
    seed: int = 0
    n: int = 1000
    most: int = 60

    def caption(self):
        return f"n = {self.n:,}, one probe, seed {self.seed}: {self.steps} products. One probe has no error bar: try other seeds."


@dataclass(frozen=True, eq=False)
class StemsResult:
    """A quadrature after each step, and how far it is from the spectrum: the mean way of an eigenvalue."""

    eigenvalues: np.ndarray
    quadratures: tuple
    distances: np.ndarray


def stems_steps(settings):
    """All eigenvalues, then one probe's Lanczos run, step by step."""
    yield 0.0, None
    A, eigenvalues = known_matrix(settings.matrix, settings.n, settings.seed)
    quadratures, distances = [], []
    generator = torch.Generator().manual_seed(settings.seed + 1)
    for q in sc.lanczos_quadrature_steps(A, steps=settings.most, probes=1, generator=generator):
        quadratures.append(q)
        distances.append(stats.wasserstein_distance(eigenvalues, q.nodes[0], v_weights=q.weights[0]))
        yield q.steps / settings.most, None
    yield 1.0, StemsResult(eigenvalues, tuple(quadratures), np.array(distances))


def stems_answer(result, settings):
    at = min(settings.steps, len(result.quadratures)) - 1
    q, width = result.quadratures[at], np.ptp(result.eigenvalues)
    zeros = np.mean(np.abs(result.eigenvalues) < 1e-9 * width)
    said = (
        f"After **{q.products} products** with one random vector the stems are **{result.distances[at] / width:.2%}** of the "
        f"spectrum's width from the {len(result.eigenvalues):,} eigenvalues, on average, and the ends are found to within "
        f"{max(abs(q.nodes.min() - result.eigenvalues[0]), abs(q.nodes.max() - result.eigenvalues[-1])) / width:.1g} of it."
    )
    if zeros > 0.2:
        nearest = np.abs(q.nodes[0]).argmin()
        said += (
            f" The {zeros:.0%} of eigenvalues at 0 they show as a stem of weight {q.weights[0][nearest]:.0%} at "
            f"{q.nodes[0][nearest]:.2g}."
        )
    return said


def stems_pictures(result, settings):
    at = min(settings.steps, len(result.quadratures)) - 1
    q, values = result.quadratures[at], result.eigenvalues
    margin = 0.02 * np.ptp(values)
    errors = result.distances / np.ptp(values)
    steps = np.arange(1, len(errors) + 1)
    decay = figures.convergence_figure(
        {"stems of one probe": (steps, errors, "stems")},
        title="Distance from the spectrum",
        quantity="mean way of an eigenvalue / width",
    )
    decay.update_yaxes(range=[np.log10(errors.min() / 2.0), np.log10(2.0 * errors.max())], dtick=1)
    decay.add_vline(x=q.steps, line={"color": "#7f7f7f", "dash": "dash", "width": 1})
    return {
        "stems over the exact histogram": figures.spectrum_figure(
            interval=(values[0] - margin, values[-1] + margin),
            stems=q,
            eigenvalues=values,
            bins=60,
            title=f"{q.steps} stems over the exact histogram",
        ),
        "distance against steps": decay,
    }


def stems_table(result):
    rows = [
        {"steps": q.steps, "Ritz value": x, "weight": w, "distance W1": d}
        for q, d in zip(result.quadratures, result.distances, strict=True)
        for x, w in zip(*q.stems(), strict=True)
    ]
    return pd.DataFrame(rows)


def _choose():
    left, right = st.columns(2)
    with left:
        steps = bound(st.slider, "Lanczos steps m", 2, 60, 15, key="lesson_steps")
    with right:
        matrix = bound(st.selectbox, "Matrix", list(MATRICES), key="lesson_matrix", format_func=MATRICES.get)
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return StemsSettings(matrix, steps, seed)


STEMS = Lesson(
    "Stems",
    "A whole spectrum from thirty products",
    "What do a few Lanczos steps see of a thousand eigenvalues?",
    r"""
From one random vector $v$, $m$ products give $m$ Ritz values $\theta_i$ with weights $w_i$, the squared first components of
the eigenvectors of the tridiagonal matrix (Theorem 6): $v^\top f(A) v = \sum_i w_i f(\theta_i)$ exactly for polynomials up to
degree $2m - 1$. The weights sum to 1, the histogram's *area* is 1, so the two have an axis each.

- **Synthetic network** (4.5.2, Figure 4.6): 470 eigenvalues uniform on $[0, 15]$, 20 on $[0, 60]$, 10 on $[-10, 0]$, the rest
  0, turned at random. *Look at* $m = 5$: the thesis says that the peak at 0 and both ends are learned by then. They are not:
  the nearest stem can lie a good way from 0, another seed puts it elsewhere, and the ends are off too. *Look at* $m = 15$,
  where all that is true, and at $m = 30$, where the bulk takes shape.
- **Wigner** (Figure 4.3): a symmetric matrix of independent entries tends to the semicircle on $[-2, 2]$.
  **Marchenko–Pastur** (Figures 4.4, 4.5): $X X^\top / T$, $q = P / T$. With $q = 2$ half of the eigenvalues are 0; the
  caption of Figure 4.4 calls that matrix $q = 0.5$. Equation 4.17 has a stray factor:
  $d\nu_q = \sqrt{(\lambda_+ - x)(x - \lambda_-)} / (2 \pi q \sigma^2 x)$.
- The distance is Wasserstein's, $W_1 = \int |F - F_m| d\lambda$: how far an eigenvalue must be moved, on average. It falls
  like $1/m$ until the random vector's own error, of order $1/\sqrt n$, is reached; another seed shows how large that is.

*Sources.* Granziol, *Spectral Machine Learning*, sections 4.4.2, 4.5 and 4.5.2, Theorems 6, 9 and 10, Figures 4.3 to 4.6;
Golub and Meurant 1994.
""",
    _choose,
    stems_steps,
    stems_answer,
    stems_pictures,
    stems_table,
    (StemsSettings, StemsResult, known_matrix),
    free=("steps",),
)
