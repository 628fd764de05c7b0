"""The lesson on two myths about Lanczos: that shifting finds more, and that m steps give the top m."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from pages.ui.lessons_matrices import known_matrix
from spectral_core import figures

__all__ = ["MYTHS"]

MYTH = {"shift": "Shifting and negating finds more", "top": "m steps give the top m"}


@dataclass(frozen=True)
class MythsSettings:
    """The synthetic network; its second run is of ``-A + mu I``, ``mu`` the largest Ritz value of the first."""

    myth: str = "shift"
    steps: int = 30
    seed: int = 0
    n: int = 1000
    most: int = 60

    def caption(self):
        return f"The synthetic network, n = {self.n:,}, one probe, seed {self.seed}: {self.steps} products a run."


@dataclass(frozen=True, eq=False)
class MythsResult:
    """Quadratures after each step, of the matrix and of the shifted and negated one; `shift` is ``mu``."""

    eigenvalues: np.ndarray
    plain: tuple
    turned: tuple
    shift: float


def myths_steps(settings):
    """The same start for both runs."""
    yield 0.0, None
    A, eigenvalues = known_matrix("network", settings.n, settings.seed)
    plain, turned = [], []
    for q in sc.lanczos_quadrature_steps(
        A, steps=settings.most, probes=1, generator=torch.Generator().manual_seed(settings.seed + 1)
    ):
        plain.append(q)
        yield 0.5 * q.steps / settings.most, None
    shift = float(plain[-1].nodes.max())
    turned_matrix = shift * torch.eye(settings.n, dtype=A.dtype) - A
    for q in sc.lanczos_quadrature_steps(
        turned_matrix, steps=settings.most, probes=1, generator=torch.Generator().manual_seed(settings.seed + 1)
    ):
        turned.append(q)
        yield 0.5 + 0.5 * q.steps / settings.most, None
    yield 1.0, MythsResult(eigenvalues, tuple(plain), tuple(turned), shift)


def myths_answer(result, settings):
    m = settings.steps
    q, other = result.plain[m - 1], result.turned[m - 1]
    if settings.myth == "shift":
        back = np.sort(result.shift - other.nodes[0])
        apart = np.abs(back - np.sort(q.nodes[0])).max() / np.ptp(result.eigenvalues)
        return (
            f"The {m} Ritz values of −A + μI, turned back, are those of A to **{apart:.0e}** of the spectrum's width: the second "
            f"{other.products} products found nothing. The first run alone is within "
            f"{abs(q.nodes.min() - result.eigenvalues[0]):.1g} of the most negative eigenvalue, {result.eigenvalues[0]:.3g}."
        )
    top = np.sort(result.eigenvalues)[::-1][:m]
    below = int((q.nodes[0] < top[-1]).sum())
    negative = int((q.nodes[0] < -0.01 * np.ptp(result.eigenvalues)).sum())
    return (
        f"**{below} of the {m} Ritz values lie below every one of the {m} largest eigenvalues**, the least of which is "
        f"{top[-1]:.3g}; {negative or 'none'} of them at negative eigenvalues. They sample the whole spectrum."
    )


def myths_pictures(result, settings):
    m = settings.steps
    q, other = result.plain[m - 1], result.turned[m - 1]
    if settings.myth == "shift":
        return {
            "both runs": figures.facing_stems_figure(
                ("Lanczos on A", *q.stems()),
                ("Lanczos on −A + μI, turned back", result.shift - other.nodes[0], other.weights[0]),
                eigenvalues=result.eigenvalues,
                title=f"{m} steps each, from the same start",
            )
        }
    top = np.sort(result.eigenvalues)[::-1][:m]
    return {
        "Ritz values and the largest eigenvalues": figures.top_eigenvalues_figure(
            top, np.sort(q.nodes[0])[::-1], title=f"{m} Ritz values and the {m} largest eigenvalues"
        )
    }


def myths_table(result):
    rows = [
        {"steps": q.steps, "Ritz value": x, "of −A + μI, turned back": y}
        for q, other in zip(result.plain, result.turned, strict=True)
        for x, y in zip(np.sort(q.nodes[0]), np.sort(result.shift - other.nodes[0]), strict=True)
    ]
    return pd.DataFrame(rows)


def _choose_myths():
    left, right = st.columns(2)
    with left:
        myth = bound(
            st.segmented_control,
            "Myth",
            list(MYTH),
            key="lesson_myth",
            default="shift",
            required=True,
            format_func=MYTH.get,
        )
    with right:
        steps = bound(st.slider, "Lanczos steps m", 2, 60, 30, key="lesson_myth_steps")
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return MythsSettings(myth, steps, seed)


MYTHS = Lesson(
    "Two myths",
    "Two myths about Lanczos",
    "Does a second run on −A + μI find the negative eigenvalues? Are the m Ritz values the m largest eigenvalues?",
    r"""
**Shifting and negating** (Theorem 7). The Krylov space of $-A + \mu I$ from $v$ is that of $A$: the tridiagonal matrix
becomes $-T + \mu I$ and the Ritz values $\mu - \theta_i$. What is found differs by rounding only. (With *power iteration* the
shift does find the other end; Lanczos finds both at once.) The thesis, like the code that it quotes, says "shift and invert";
under that name numerical analysts know $(A - \mu I)^{-1}$, which does reach interior eigenvalues, at the price of solving
linear systems. In the proof $\alpha_1$ should be $v_1^\top(-H + \mu I) v_1$.

**The top m** (Theorem 8). The weighted mean of the Ritz values is
$\sum_i w_i \theta_i = v^\top A v \approx \operatorname{tr} A / n$. So whenever the m-th largest eigenvalue lies above
$v^\top A v$, at least one Ritz value lies below it; as a rule many do, for they are nodes of a quadrature of the *whole*
spectrum, ends first.

- The theorem's proof asks for $\operatorname{tr} \tilde H < 0$, which is: the mean of all eigenvalues lies below
  $(\lambda_m + \lambda_{m+1})/2$. Its stated condition, $\sum_{i \le m} \lambda_i < \sum_{i > m} \lambda_i$, does not imply
  that.
- *Look at* few steps: the largest few Ritz values do converge to the largest few eigenvalues. It takes several steps for
  each.

*Sources.* Granziol, *Spectral Machine Learning*, section 4.4.4, Theorems 7 and 8; Parlett, *The Symmetric Eigenvalue
Problem*, chapters 12 and 13.
""",
    _choose_myths,
    myths_steps,
    myths_answer,
    myths_pictures,
    myths_table,
    (MythsSettings, MythsResult, known_matrix),
    free=("myth", "steps"),
)
