"""The tab "Through training": noise and rank degeneracy of every epoch of a run."""

import numpy as np
import streamlit as st
import torch

from pages.ui import runs
from pages.ui.batch_explain import THROUGH
from pages.ui.batch_notebook import through_notebook
from pages.ui.batch_problem import choose_problem, runs_here
from pages.ui.batch_training_job import NoiseSettings, noise_job, noise_series
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.curvature_training_tab import several_epochs
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["through_training_tab"]


def through_training_tab(found) -> None:
    """Controls, run and pictures of the run that `found`, an Opened or None, is of."""
    with st.sidebar:
        problem = choose_problem(found, matrices=False)
        steps = bound(st.slider, "Lanczos steps", 5, 100, 20, 5, key="through_steps")
    if runs_here(found, problem) and (epochs := several_epochs(found)):
        settings = NoiseSettings(problem, epochs, steps)
        runs.show(
            "batch-through",
            key=settings,
            job=lambda: noise_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"Noise along {verbatim(found.choice.title())}",
            threads=threads_for(found, problem),
        )
    with st.expander("Explain"):
        st.markdown(THROUGH)


def _draw(result, settings):
    found = noise_series(result, dtype=getattr(torch, settings.problem.dtype))
    st.markdown(_sentence(found))
    plot(figures.training_figure(found, title="Noise and rank degeneracy through training"), "noise through training")
    st.caption(f"{escaped(settings.caption())}.")
    take_away(
        f"noise along {settings.epochs[-1][1].name}",
        {"Epochs": lambda: figures.training_table(found)},
        lambda: through_notebook(settings),
    )


def _sentence(found):
    epochs, random, _ = found.get("noise of random directions s² (5.5)", ((), (), None))
    sharp = found.get("noise at the sharpest, s²(u₁)", ((), (), None))[1]
    critical = found.get("critical batch size s²(u₁)/λ₁²", ((), (), None))[1]
    if len(sharp) < 2:
        return "Measuring the first epochs."
    n = len(sharp)
    low, high = (f"{ratio:,.0f}" for ratio in np.sort(sharp / random[:n])[[0, -1]])
    return (
        f"**From epoch {epochs[0]} to {epochs[n - 1]} the noise of random directions goes from {random[0]:.3g} to "
        f"{random[n - 1]:.3g}, that at the sharpest direction from {sharp[0]:.3g} to {sharp[-1]:.3g}**: {low} to "
        f"{high} times the former, which is why Wigner noise does not describe mini-batches. The batch size at which "
        f"the noise is as large as the curvature goes from {critical[0]:.3g} to {critical[-1]:.3g}."
    )
