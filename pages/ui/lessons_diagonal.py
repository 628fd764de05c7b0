"""The lesson on diagonals: why they say next to nothing about a spectrum."""

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

__all__ = ["DIAGONAL"]


@dataclass(frozen=True)
class DiagonalSettings:
    """Thirty steps of one probe beside the exact diagonal."""

    matrix: str = "network"
    seed: int = 0
    steps: int = 30
    n: int = 1000

    def caption(self):
        return f"n = {self.n:,}, seed {self.seed}. The diagonal is exact; stems of one probe, {self.steps} products."


@dataclass(frozen=True, eq=False)
class DiagonalResult:
    """`distances` from the spectrum: of the diagonal, of the stems."""

    eigenvalues: np.ndarray
    diagonal: np.ndarray
    quadrature: object
    distances: tuple

    @property
    def share(self):
        """``sum (d_i - mean)^2 / sum (lambda_i - mean)^2``: what the diagonal holds of the spectrum's variance."""
        return float(self.diagonal.var() / self.eigenvalues.var())


def diagonal_steps(settings):
    """All eigenvalues, the diagonal, and as many products as there are steps."""
    yield 0.05, None
    A, eigenvalues = known_matrix(settings.matrix, settings.n, settings.seed)
    yield 0.8, None
    d = A.diagonal().numpy()
    q = sc.lanczos_quadrature(
        A, steps=settings.steps, probes=1, generator=torch.Generator().manual_seed(settings.seed + 1)
    )
    found = stats.wasserstein_distance(eigenvalues, q.nodes[0], v_weights=q.weights[0])
    yield 1.0, DiagonalResult(eigenvalues, d, q, (stats.wasserstein_distance(eigenvalues, d), found))


def diagonal_answer(result, settings):
    values, d = np.round(result.eigenvalues, 9) + 0.0, result.diagonal
    further = result.distances[0] / result.distances[1]
    return (
        f"The exact diagonal spans [{d.min():.3g}, {d.max():.3g}], the spectrum [{values[0]:.3g}, {values[-1]:.3g}]: the "
        f"diagonal holds **{result.share:.2%}** of the eigenvalues' variance. It is {further:.0f} "
        f"times further from the spectrum than the stems of {result.quadrature.products} products."
    )


def diagonal_pictures(result, settings):
    n, q = len(result.eigenvalues), result.quadrature
    flat = np.full(n, 1.0 / n)
    return {
        "spectrum, diagonal and stems": figures.cumulative_figure(
            {
                "exact eigenvalues": (result.eigenvalues, flat, "exact"),
                f"Lanczos, {q.products} products": (q.nodes[0], q.weights[0], "stems"),
                "entries of the diagonal": (result.diagonal, flat, "smoothed"),
            },
            title="Eigenvalues, stems, and the diagonal",
        )
    }


def diagonal_table(result):
    return pd.DataFrame({"eigenvalue": result.eigenvalues, "diagonal, ascending": np.sort(result.diagonal)})


def _choose():
    matrix = bound(st.selectbox, "Matrix", list(MATRICES), key="lesson_matrix", format_func=MATRICES.get)
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return DiagonalSettings(matrix, seed)


DIAGONAL = Lesson(
    "The diagonal",
    "The diagonal is not the spectrum",
    "The diagonal is cheap and often used in place of the Hessian. What is left of the spectrum in it?",
    r"""
Eigenvalues and diagonal have the same mean, $\operatorname{tr} A / n$, and that is about all. By Schur's theorem the
eigenvalues *majorise* the diagonal: it always lies within their range, and
$\sum_i A_{ii}^2 \le \sum_i \lambda_i^2 = \|A\|_F^2$. The difference is the off-diagonal part, $\sum_{i \ne j} A_{ij}^2$, and
in a random basis that is nearly everything.

- **Wigner** (Figure 4.4d): an entry of the diagonal has variance $2/n$ here, an eigenvalue 1. The thesis does not divide by
  $\sqrt P$: its entries have variance 1, its eigenvalues $P$ (Equation 4.18).
- **Marchenko–Pastur** (Figure 4.4c): $H_{ii} = \chi^2_T / T$ has mean 1 and variance $2/T$, an eigenvalue variance $q$.
- **Synthetic network** (Figure 4.6c): the thesis's diagonal spans 3.3 to 5.3 and has no outlier and no mass at 0. Another
  draw gives other ends, of the same size.
- A diagonal can do its work as a preconditioner where the matrix is nearly diagonal in the coordinates given. The lesson is
  that it is no estimate of the spectrum.

*Sources.* Granziol, *Spectral Machine Learning*, sections 4.5.1 and 4.5.2, Figures 4.4 and 4.6, Equation 4.18; Horn and
Johnson, *Matrix Analysis*, Theorem 4.3.45 (Schur).
""",
    _choose,
    diagonal_steps,
    diagonal_answer,
    diagonal_pictures,
    diagonal_table,
    (DiagonalSettings, DiagonalResult, known_matrix),
)
