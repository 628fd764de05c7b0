"""The tab "Along a run": the curvature of every epoch of one run."""

import numpy as np
import streamlit as st
import torch

from pages.ui import runs
from pages.ui.controls import bound, verbatim
from pages.ui.curvature_explain import TRAINING
from pages.ui.curvature_notebook import training_notebook
from pages.ui.curvature_problem import threads_for
from pages.ui.curvature_tab import choose_problem, runs_here
from pages.ui.curvature_training_job import TrainingSettings, epochs_of, series, training_job
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["several_epochs", "training_tab"]


def training_tab(found) -> None:
    """Controls, run and pictures of the run that `found`, an Opened or None, is of."""
    with st.sidebar:
        problem = choose_problem(found, matrices=False)
        with st.expander("Computation"):
            steps = bound(st.slider, "Lanczos steps", 5, 200, 30, 5, key="training_steps")
            probes = bound(st.slider, "Probes", 2, 16, 2, key="training_probes")
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="training_seed")
    if runs_here(found, problem) and (epochs := several_epochs(found)):
        settings = TrainingSettings(problem, epochs, steps, probes, seed)
        runs.show(
            "training",
            key=settings,
            job=lambda: training_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"Epochs of {verbatim(found.choice.title())}",
            threads=threads_for(found, problem),
        )
    with st.expander("Explain"):
        st.markdown(TRAINING)


def several_epochs(found, least=2, why="Only one epoch of this run is here"):
    """`epochs_of` the run, or none and a sentence where there are fewer than `least`."""
    epochs = epochs_of(found)
    if len(epochs) >= least:
        return epochs
    st.info(
        f"{why}: choose “LeNet, watched”, or upload a file that holds the weights of several epochs under names of their own."
    )
    return ()


def _draw(result, settings):
    if not result:
        return
    spectra = {one.epoch: one.hessian for one in result}
    size = result[0].hessian.size
    plot(
        figures.epochs_figure(spectra, threshold=5.0 / size, title="Hessian, epoch by epoch"), "animation of the epochs"
    )
    st.caption(f"The dashed line is 5 of {size:,} eigenvalues. Press Play, or drag the slider.")
    found = series(result, dtype=getattr(torch, settings.problem.dtype))
    _tell(found, finished=len(result) == len(settings.epochs) and result[-1].trace is not None)
    plot(figures.training_figure(found), "quantities along the run")
    st.caption(f"{settings.caption()}.")
    take_away(
        f"epochs of {settings.problem.checkpoint.name}",
        {"Epochs": lambda: figures.training_table(found), "Stems": lambda: _stems(spectra)},
        lambda: training_notebook(settings),
    )


def _tell(found, finished):
    """Where the sharpness went."""
    epochs, values, _ = found.get("sharpest eigenvalue λ₁ of H", ((), (), None))
    if len(epochs) < 2:
        return
    peak, now = int(np.argmax(values)), "ends at" if finished else "is now"
    largest = f"is largest at epoch {epochs[peak]} ({values[peak]:.3g})"
    said = f"**λ₁ begins at {values[0]:.3g}, {largest} and {now} {values[-1]:.3g}.**"
    f_epochs, f, _ = found.get("trace of F (GGN)", ((), (), None))
    s = found.get("trace of S = H − F", ((), (), None))[1]
    if len(f_epochs) > 1:
        first, last = abs(s[0]) / f[0], abs(s[-1]) / f[-1]
        said += f" The network's own curvature, |tr S| / tr F, goes from {first:.2g} to {last:.2g}."
    st.markdown(said)


def _stems(spectra):
    import pandas as pd

    parts = [
        pd.DataFrame(dict(zip(("eigenvalue", "weight"), q.stems(), strict=True))).assign(epoch=epoch)
        for epoch, q in spectra.items()
    ]
    return pd.concat(parts)
