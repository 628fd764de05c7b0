"""The lesson on the semicircle: maximum entropy from few moments."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from spectral_core import figures

__all__ = ["SEMICIRCLE"]


@dataclass(frozen=True)
class SemicircleSettings:
    """The semicircle of Figure 3.2 lies on [0, 1]."""

    moments: int = 5
    most: int = 40

    def caption(self):
        return "Exact moments of the law: 0 products, no error bar."


@dataclass(frozen=True, eq=False)
class SemicircleResult:
    """The fits and ``KL(law || fit)``, by number of moments."""

    law: object
    fits: dict
    divergence: dict


def semicircle_steps(settings):
    """Maximum entropy for the exact moments, more and more of them."""
    law = sc.random_matrices.Semicircle(radius=0.5, centre=0.5)
    moments = law.moments(settings.most)
    fits, divergence = {}, {}
    for m in range(1, settings.most + 1):
        fits[m] = sc.maxent(moments, degree=m)
        divergence[m] = law.kl(fits[m])
        yield m / settings.most, None
    yield 1.0, SemicircleResult(law, fits, divergence)


def semicircle_answer(result, settings):
    m, last = settings.moments, 30
    here, there = result.divergence[m], result.divergence[last]
    said = f"With {m} moments the density of maximum entropy is **{here:.2g} nats** from the semicircle"
    if m != last:
        said += f", with {last} it is **{there:.2g}**: {max(here / there, there / here):.0f} times "
        said += "nearer" if here > there else "further"
    return said + "."


def semicircle_pictures(result, settings):
    shown = {f"{m} moments": result.fits[m] for m in dict.fromkeys((settings.moments, 30))}
    return {
        "the semicircle and its fits": figures.fits_of_law_figure(
            result.law, shown, title="The semicircle and its fits"
        ),
        "divergence against moments": figures.moment_ladder_figure(
            list(result.divergence), list(result.divergence.values()), marked=dict.fromkeys((settings.moments, 30))
        ),
    }


def semicircle_table(result):
    return pd.DataFrame(
        {
            "moments": list(result.divergence),
            "KL, nats": list(result.divergence.values()),
            "entropy, nats": [fit.entropy for fit in result.fits.values()],
            "converged": [fit.converged for fit in result.fits.values()],
        }
    )


def _choose_semicircle():
    return SemicircleSettings(bound(st.slider, "Moments", 1, 40, 5, key="lesson_moments"))


SEMICIRCLE = Lesson(
    "Semicircle",
    "A semicircle from a handful of numbers",
    "How many moments does a density need?",
    r"""
Of all densities with the moments $\mu_1, \dots, \mu_m$ that of maximum entropy adds the least:
$q(\lambda) = \exp(-1 - \sum_j a_j \lambda^j)$. As it meets the semicircle's own moments, the divergence is a difference of
entropies, $\mathrm{KL}(p \| q) = S(q) - S(p)$ with $S(p) = \log(\pi R) - \frac12$ for a semicircle of radius $R$, and can
only fall as moments are added.

- *Look at* the steps: the law is symmetric, so once the mean is known an odd moment tells nothing new; 5 moments are as good
  as 4.
- *Look at* the ends: an exponential of a polynomial is positive everywhere and can not have the vertical slope of
  $\sqrt{R^2 - \lambda^2}$. What is left of the divergence sits there.
- Thesis Figure 3.2 shows 5 and 30 moments, as here, on $[0, 1]$. Its text uses the power basis; here the moments are those of
  Chebyshev polynomials, for which the optimum is the same and the rounding is not.
- The moments are given, so this costs **0 products**. Those of a matrix have to be paid for: see the other lessons.

*Sources.* Granziol, *Spectral Machine Learning*, section 3.5.1, Figure 3.2, Algorithm 1 (its stopping test needs $|g_j|$);
Equation 2.28's 1 is redundant with $a_0$.
""",
    _choose_semicircle,
    semicircle_steps,
    semicircle_answer,
    semicircle_pictures,
    semicircle_table,
    (SemicircleSettings, SemicircleResult),
    free=("moments",),
)
