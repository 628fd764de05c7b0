"""The tab "Learning rates": how they may grow with the batch size, the damping that noise asks for, and a recommendation."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.batch_explain import RATES
from pages.ui.batch_notebook import rates_notebook
from pages.ui.batch_problem import choose_problem, runs_here
from pages.ui.batch_rates_job import Advice, RatesSettings, advice_job, rates_job
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import batch_scaling, figures

__all__ = ["rates_tab"]

SHOWN = {
    "sgd": "SGD",
    "sharpness": "2/λ₁(B), the mean mini-batch",
    "momentum": "momentum",
    "adam_damped": "Adam, large damping",
    "adam_scaling": "Adam, small damping",
}


def rates_tab(found) -> None:
    """Controls, runs and pictures of `found`, an Opened or None."""
    with st.sidebar:
        problem = choose_problem(found)
        with st.expander("Optimisers"):
            momentum = bound(st.slider, "Momentum ρ, Adam's β₁", 0.0, 0.99, 0.9, 0.01, key="rates_momentum")
            exponent = bound(
                st.slider,
                "Adam's damping ε, power of ten",
                -8,
                0,
                -3,
                key="rates_epsilon",
                help="ε = 10 to this power.",
            )
            step = bound(
                st.number_input,
                "Step α of a damped Newton method",
                0.001,
                10.0,
                1.0,
                format="%.4g",
                key="rates_step",
            )
    if runs_here(found, problem):
        threads, place = threads_for(found, problem), st.container()
        settings = RatesSettings(problem, momentum, 10.0**exponent, step)
        with place:
            advice = _choose_advice(problem)
        run = runs.show(
            "batch-rates",
            key=settings,
            job=lambda: rates_job(settings),
            draw=lambda result: _draw(result, settings, advice),
            title=f"Learning rates for {verbatim(found.choice.title())}",
            threads=threads,
        )
        if run.state == "finished":  # what is known of all data is known by then
            with place:
                runs.show(
                    "batch-advice",
                    key=advice,
                    job=lambda: advice_job(advice),
                    draw=lambda result: _recommend(result, advice),
                    title=f"Recommendation for {verbatim(found.choice.title())}",
                    threads=threads,
                )
    with st.expander("Explain"):
        st.markdown(RATES)


def _choose_advice(problem):
    st.markdown("**A rate that works, carried to another batch size**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        B = bound(st.number_input, "Batch size B", 1, 100_000, 64, key="rates_from", width=150)
        rate = bound(st.number_input, "Learning rate at B", 1e-6, 1e3, 0.1, format="%.4g", key="rates_rate", width=170)
        new = bound(st.number_input, "New batch size", 1, 100_000, 512, key="rates_to", width=150)
    return Advice(problem, int(B), rate, int(new))


def _recommend(result, advice):
    (st.success if result.stable else st.warning)(result.sentence)
    st.caption(
        "Interval: two standard errors of the noise, and what 2/λ₁(B) says instead. A batch size beyond the examples there are "
        f"stands for all of them. At the new batch size the rate is in the regime “{result.regime}”. Assumptions: "
        f"{' '.join(result.assumptions)}"
    )


def _draw(result, settings, advice):
    rates, critical = result.rates, result.critical
    N = result.known.examples
    end = f"it saturates beyond about {rates.saturated_from:.0f}" if rates.saturated_from < N else "it never saturates"
    st.markdown(
        f"**The largest stable SGD rate grows in proportion to B up to about {rates.linear_until:.0f}, like a square root after "
        f"that, and {end}**, at {rates.full:.3g} for all {N:,} examples. Critical batch size: {critical.value:.0f} "
        f"({critical.lower:.0f} to {critical.upper:.0f})."
    )
    shown = bound(
        st.pills, "Optimisers", list(SHOWN), key="rates_shown", default=list(SHOWN)[:3], selection_mode="multi",
        format_func=SHOWN.get,
    )  # fmt: skip
    plot(
        figures.learning_rate_figure(rates, optimisers=tuple(n for n in shown if n != "adam_scaling")),
        "largest stable rates",
    )
    if {"sgd", "sharpness"} <= set(shown):
        apart = rates.sharpness[0] / rates.sgd[0]
        st.caption(
            "SGD's curve is where the mean *square* of the weights stays bounded, which the rare and sharp mini-batches decide; "
            f"2/λ₁(B) is where the *mean* mini-batch is at the edge, {apart:.3g} times SGD's rate at B = {rates.batch_sizes[0]}. "
            "“Linear” and “saturated” are slopes of the former; the critical batch size, where mini-batches double the mean "
            "λ₁, belongs to the latter."
        )
    if "adam_scaling" in shown or "adam_damped" in shown:
        _adam(rates, settings)
    st.markdown("**Damping that mini-batch noise asks for**")
    damping = result.damping
    place = int(np.argmin(np.abs(damping.batch_sizes - 64)))
    st.markdown(
        f"At B = {damping.batch_sizes[place]} a step of α = {settings.step:g} wants a damping of at least "
        f"**{damping.local[place]:.3g}** by the noise at the sharpest direction ({damping.isotropic[place]:.3g} by that of "
        f"random directions). The flattest direction is then stepped along {_times(damping.ratio[place])} as fast as the "
        "sharpest one (R_est-curv)."
    )
    plot(figures.damping_figure(damping), "least damping")
    _shrink(result)
    st.caption(f"{escaped(settings.caption())}. {result.known.products} products; every knob here costs none.")
    take_away(
        f"learning rates of {settings.problem.checkpoint.name}",
        {"Rates": lambda: _table(result)},
        lambda: rates_notebook(settings, advice),
    )


def _times(ratio):
    return f"{ratio:.3g} times" if np.isfinite(ratio) else "without bound"


def _adam(rates, settings):
    small = rates.gradient_rms > settings.epsilon
    if small.all():
        regime = "below it at every batch size: the rate scales like √B"
    elif small.any():
        last = rates.batch_sizes[np.flatnonzero(small)[-1]]
        regime = (
            f"below it up to B = {last}, where the rate scales like √B, and above it beyond, where Adam is heavy ball"
        )
    else:
        regime = "above it at every batch size: Adam is heavy ball with a rate of (1 − β₁)α/ε"
    grown = rates.adam_scaling[-1] / rates.adam_scaling[0]
    st.caption(
        f"Adam's ε = {settings.epsilon:g} beside the root mean square of the gradient's entries ({rates.gradient_rms[0]:.2g} "
        f"at B = {rates.batch_sizes[0]}, {rates.gradient_rms[-1]:.2g} at B = {rates.batch_sizes[-1]}): {regime}. With small "
        f"damping the rate at B = {rates.batch_sizes[-1]} is {grown:.3g} times that at B = {rates.batch_sizes[0]}: √B up to the "
        "critical batch size."
    )


def _shrink(result):
    top = float(result.known.eigenvalues[0])
    power = bound(st.slider, "Damping δ, power of ten", -4.0, 2.0, 0.0, 0.1, key="rates_damping")
    delta = 10.0**power
    shrunk = batch_scaling.shrinkage([top, 0.0], delta)
    st.markdown(
        f"**Damping is shrinkage:** dividing by λ + {delta:.3g} is a step of {shrunk.beta:.3g} with the matrix shrunk towards "
        f"the identity, {shrunk.beta:.3g} H + {1 - shrunk.beta:.3g} I: λ₁ = {top:.3g} becomes {shrunk.eigenvalues[0]:.3g}, a "
        f"flat direction {shrunk.eigenvalues[1]:.3g}, so their rates differ by a factor of "
        f"{shrunk.eigenvalues[0] / shrunk.eigenvalues[1]:.3g} instead of without bound."
    )


def _table(result):
    import pandas as pd

    rates, damping = result.rates, result.damping
    return pd.DataFrame(
        {
            "batch size": rates.batch_sizes,
            **{
                name: getattr(rates, name)
                for name in ("sgd", "sgd_error", "sharpness", "sharpness_error", *list(SHOWN)[2:])
            },
            "gradient rms": rates.gradient_rms,
            "log-log slope": rates.exponent,
            "least damping, isotropic": damping.isotropic,
            "least damping, local": damping.local,
            "R_est-curv": damping.ratio,
        }
    )
