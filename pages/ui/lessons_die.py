"""The lesson on maximum entropy itself: Jaynes' die, a prior, and Bayes' rule as a special case."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from spectral_core import figures
from spectral_core.estimators.finite_maxent import finite_maxent

__all__ = ["DIE"]

PRIORS = {
    "flat": "Every face alike",
    "rising": "In proportion to the face",
    "falling": "In inverse proportion to the face",
    "even": "Even faces only",
}


@dataclass(frozen=True)
class DieSettings:
    """The mean of many throws, what was believed before, and the face of one throw more."""

    mean: float = 4.5
    prior: str = "flat"
    face: int = 6

    def caption(self):
        return "Both updates by one function, `finite_maxent`. No matrix: 0 products, no error bar."


@dataclass(frozen=True, eq=False)
class DieResult:
    """`found` is the die of that mean; `joint` the belief in (fair or that die, face) once a face is seen."""

    found: object
    joint: object
    bayes: np.ndarray


def die_prior(name):
    faces = np.arange(1.0, 7.0)
    q = {"flat": np.ones(6), "rising": faces, "falling": 1.0 / faces, "even": (faces % 2 == 0) * 1.0}[name]
    return q / q.sum()


def die_steps(settings):
    """The die of that mean nearest to the prior; then Bayes' rule as an update by relative entropy."""
    faces, q = np.arange(1.0, 7.0), die_prior(settings.prior)
    yield 0.1, None
    found = finite_maxent(faces, settings.mean, prior=q)
    beliefs = 0.5 * np.stack([np.full(6, 1.0 / 6.0), found.probabilities])  # rows: fair, this one; columns: faces
    seen = np.tile(faces == settings.face, 2) * 1.0
    joint = finite_maxent(seen, 1.0, prior=beliefs.ravel())
    column = beliefs[:, settings.face - 1]
    yield 1.0, DieResult(found, joint, column / column.sum())


def die_answer(result, settings):
    p, belief = result.found.probabilities, result.joint.probabilities.reshape(2, 6).sum(axis=1)
    apart = np.abs(belief - result.bayes).max()
    return (
        f"A die whose throws average {settings.mean:g} shows a six with probability **{p[5]:.4f}**, if nothing else is "
        f"known beyond the prior; what the average taught is {result.found.divergence:.3f} nats. One throw that shows a "
        f"{settings.face} then moves the belief in this die, against a fair one, from 0.5 to **{belief[1]:.3f}**: Bayes' "
        f"rule to {max(apart, 1e-16):.0e}."
    )


def die_pictures(result, settings):
    labels = ["1", "2", "3", "4", "5", "6"]
    belief = result.joint.probabilities.reshape(2, 6).sum(axis=1)
    return {
        "the die of that mean": figures.probabilities_figure(
            labels,
            {"prior": (result.found.prior, "exact"), "maximum entropy": (result.found.probabilities, "maxent")},
            title=f"The die of mean {settings.mean:g}",
            axis="face",
        ),
        "Bayes' rule": figures.probabilities_figure(
            ["a fair die", "this die"],
            {
                "before": ([0.5, 0.5], "exact"),
                "maximum relative entropy": (belief, "maxent"),
                "Bayes' rule": (result.bayes, "smoothed"),
            },
            title=f"One throw shows a {settings.face}",
            axis="which die it is",
        ),
    }


def die_table(result):
    return pd.DataFrame(
        {"face": np.arange(1, 7), "prior": result.found.prior, "probability": result.found.probabilities}
    )


def _choose_die():
    left, right = st.columns(2)
    with left:
        mean = bound(st.slider, "Mean of many throws", 1.2, 5.8, 4.5, 0.1, key="lesson_mean")
    with right:
        prior = bound(st.selectbox, "Prior", list(PRIORS), key="lesson_prior", format_func=PRIORS.get)
    if prior == "even" and mean < 2.0:
        st.info("A die of even faces has a mean of at least 2: it is set to 2.")
        mean = 2.0
    return DieSettings(mean, prior)


DIE = Lesson(
    "A die",
    "Jaynes' die",
    "What does an average tell about the single throws?",
    r"""
**The die** (Jaynes). Of all $p$ with $\sum_i i\,p_i = F$ choose that nearest to what was believed before, $q$: maximise
$S[p, q] = -\sum_i p_i \log(p_i / q_i)$ (Equation A.4). The answer tilts the prior, $p_i = q_i e^{-a i} / Z(a)$, and $a$
minimises the convex $\log Z(a) + a F$: the same dual as for a spectral density, with six outcomes in place of $[a, b]$.

- *Look at* the mean 3.5 with the flat prior: nothing is learnt, and the prior stays. *Look at* other priors: a face that was
  impossible stays impossible, whatever the mean.
- It is no prediction that such a die exists. It is the least that the average says; where dice do otherwise, a constraint was
  left out, which is how Jaynes read Wolf's dice (section 2.3).
- **Bayes is a special case** (Appendix A). Let $q(x, \theta)$ be the joint belief in a throw $x$ and in which die $\theta$ it
  is. "$x'$ was seen" is the constraint $p(x) = \delta_{x x'}$, and the nearest joint distribution that meets it has the
  marginal $q(\theta \mid x')$. Seen with certainty $c < 1$ only, it gives Jeffrey's mixture
  $c\,q(\theta | x') + (1 - c)\,q(\theta | x \ne x')$.
- Equation A.5 is introduced "for a constant $q$"; it is the general case, and for a constant $q$ its second term drops out.
  The denominator of A.10 should be that of one datum, $\int q(\theta | x')\, e^{-\beta f(\theta)} d\theta$. It meets mean and
  datum at once, which is not the same as one after the other.

*Sources.* Granziol, *Spectral Machine Learning*, sections 2.2 and 2.3, Equations 2.23 and 2.24, Appendix A; Jaynes 1978,
*Where do we stand on maximum entropy?*, who prints 0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749 for the mean 4.5;
Caticha and Giffin 2006.
""",
    _choose_die,
    die_steps,
    die_answer,
    die_pictures,
    die_table,
    (DieSettings, DieResult, die_prior),
)
