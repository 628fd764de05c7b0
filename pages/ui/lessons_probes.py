"""The lesson on Hutchinson's estimator: why one probe is enough for a large matrix, and for which it is not."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from spectral_core import figures

__all__ = ["PROBES"]

KINDS_OF_MATRIX = {
    "covariance": "Marchenko–Pastur, q = 1/2",
    "decaying": "Eigenvalues 1, 1/4, 1/9, …",
    "rank one": "Rank one",
}
KINDS_OF_PROBE = {"rademacher": "Signs", "gaussian": "Gaussian", "sphere": "Sphere"}


@dataclass(frozen=True)
class ProbesSettings:
    """Orders of the matrix, doubling, and how many single probes are tried on each."""

    matrix: str = "covariance"
    kind: str = "rademacher"
    seed: int = 0
    sizes: tuple = (16, 32, 64, 128, 256, 512, 1024)
    trials: int = 400

    def caption(self):
        return f"{self.trials} single probes at each n, 1 product each; seed {self.seed}."


@dataclass(frozen=True, eq=False)
class ProbesResult:
    """All (k,) arrays over the sizes. `measured` is the root mean square relative error of one probe, `exact` its theory."""

    sizes: np.ndarray
    measured: np.ndarray
    standard_error: np.ndarray
    exact: np.ndarray
    bound: np.ndarray

    @property
    def slope(self):
        """Of log error against log n."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.measured), 1)[0])


def positive_matrix(name, n, generator):
    """``(A, condition number)``; a rank-one matrix has none."""
    if name == "covariance":
        law = sc.random_matrices.MarchenkoPastur(0.5)
        return sc.random_matrices.sample_covariance(n, 2 * n, generator=generator), law.support[1] / law.support[0]
    if name == "decaying":
        Q = sc.random_matrices.orthonormal_directions(n, n, generator=generator)
        return (Q * torch.arange(1, n + 1, dtype=torch.float64) ** -2.0) @ Q.T, float(n) ** 2
    u = sc.random_matrices.orthonormal_directions(n, 1, generator=generator)
    return u @ u.T, np.inf


def probes_steps(settings):
    """On each matrix many estimates of the trace, each from one probe, against ``sqrt(Var) / tr``."""
    generator = torch.Generator().manual_seed(settings.seed)
    rows = []
    for place, n in enumerate(settings.sizes):
        A, condition = positive_matrix(settings.matrix, n, generator)
        V = sc.draw_probes(n, settings.trials, generator=generator, kind=settings.kind)
        trace, square = float(A.trace()), float((A * A).sum())
        squared = (((V * (A @ V)).sum(0).numpy() / trace) - 1.0) ** 2
        error = np.sqrt(squared.mean())
        variance = {
            "gaussian": 2.0 * square,
            "rademacher": 2.0 * (square - float((A.diagonal() ** 2).sum())),
            "sphere": 2.0 * (square - trace**2 / n) * n / (n + 2.0),
        }[settings.kind]
        bar = squared.std(ddof=1) / np.sqrt(settings.trials) / (2.0 * error)
        rows.append((n, error, bar, np.sqrt(variance) / trace, np.sqrt(2.0 / (1.0 + (n - 1) / condition**2))))
        done = place + 1 == len(settings.sizes)
        yield (place + 1) / len(settings.sizes), ProbesResult(*map(np.array, zip(*rows, strict=True))) if done else None


def probes_answer(result, settings):
    first, last, slope = result.measured[0], result.measured[-1], result.slope
    law = (
        f"falls like n to the power **{slope:.2f}**"
        if slope < -0.2
        else f"**does not fall** (n to the power {slope:.2f})"
    )
    return (
        f"One random vector misses the trace by **{first:.1%}** at n = {result.sizes[0]} and by **{last:.1%}** at n = "
        f"{result.sizes[-1]:,} (root mean square of {settings.trials} tries; theory {result.exact[-1]:.1%}): the error {law}."
    )


def probes_pictures(result, settings):
    return {
        "error of one probe against n": figures.trace_error_figure(
            result.sizes,
            result.measured,
            result.standard_error,
            {"theory, √Var / tr A": (result.exact, "maxent"), "Equation 2.34 with κ": (result.bound, "exact")},
        )
    }


def probes_table(result):
    return pd.DataFrame(
        {
            "n": result.sizes,
            "measured": result.measured,
            "standard error": result.standard_error,
            "theory": result.exact,
            "Equation 2.34": result.bound,
        }
    )


def _choose():
    left, right = st.columns(2)
    with left:
        matrix = bound(
            st.selectbox, "Matrix", list(KINDS_OF_MATRIX), key="lesson_positive", format_func=KINDS_OF_MATRIX.get
        )
    with right:
        kind = bound(
            st.segmented_control, "Probes", list(KINDS_OF_PROBE), key="lesson_probe", default="rademacher",
            required=True, format_func=KINDS_OF_PROBE.get,
        )  # fmt: skip
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return ProbesSettings(matrix, kind, seed)


PROBES = Lesson(
    "One probe",
    "One random vector, and the trace of a large matrix",
    "How can a single product with a random vector tell the sum of a thousand eigenvalues?",
    r"""
**Hutchinson.** $\mathrm{E}[v^\top A v] = \operatorname{tr} A$ for independent $v_i$ of mean 0, variance 1 and fourth moment
$m_4$, and

$$
\mathrm{Var}[v^\top A v] = 2 \|A\|_F^2 + (m_4 - 3) \sum_i A_{ii}^2 .
$$

Gaussian probes ($m_4 = 3$): $2\|A\|_F^2$; signs ($m_4 = 1$): $2 \sum_{i \ne j} A_{ij}^2$, the least. Lemma 1 states
$(2 + m_4)\|A\|_F^2$: a true bound, but a loose one, for its proof has $m_4$ where $m_4 - 3$ belongs.

- **Why it falls.** $\|A\|_F^2 / (\operatorname{tr} A)^2 = \sum_i \lambda_i^2 / (\sum_i \lambda_i)^2$ is $1/n$ times a
  constant when the eigenvalues are comparable: the relative error falls like $n^{-1/2}$ (Equation 2.34). *Look at* the other
  matrices: where a few eigenvalues carry the trace it does not fall at all, and for rank one it is $\sqrt 2$ at every $n$.
- **Equation 2.34** bounds the ratio through the condition number, $1 / (1 + (n - 1)/\kappa^2)$, drawn here with its factor 2
  restored. For Marchenko–Pastur with $q = 1/2$, $\kappa = 34$ and it says nothing before $n$ is some 1,000. It needs
  $A \succ 0$.
- $d$ probes divide the error by $\sqrt d$, at $d$ products. Each point is from 400 single probes, each **1 product**.

*Sources.* Granziol, *Spectral Machine Learning*, section 2.5, Lemma 1, Equations 2.32 to 2.34; Hutchinson 1990; Avron and
Toledo 2011.
""",
    _choose,
    probes_steps,
    probes_answer,
    probes_pictures,
    probes_table,
    (ProbesSettings, ProbesResult, positive_matrix),
)
