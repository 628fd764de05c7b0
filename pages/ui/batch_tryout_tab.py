"""The tab "Try it": training at several batch sizes, and the largest stable rate found beside the predicted one."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.batch_explain import TRYOUT
from pages.ui.batch_notebook import stable_notebook, training_notebook
from pages.ui.batch_problem import choose_problem, choose_sizes, runs_here, tell_left_out
from pages.ui.batch_tryout_job import StableSettings, TrainingSettings, shapes, stable_job, training_job
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_problem import threads_for
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures
from spectral_core.batch_scaling import OPTIMISERS, RULES

__all__ = ["tryout_tab"]

CURVES, STABLE = "Scaling rules", "Largest stable rate"
ALIKE = 0.25  # of slopes in logarithms: half way from a square root to a constant, or to a line
SIZES = {CURVES: (16, 64, 256), STABLE: (8, 16, 64, 256, 512, 1024)}


def tryout_tab(found) -> None:
    """Controls, run and picture of `found`, an Opened or None."""
    what = bound(st.segmented_control, "Train for", (CURVES, STABLE), key="tryout_what", default=CURVES, required=True)
    with st.sidebar:
        problem = choose_problem(found, matrices=False)
        sizes = choose_sizes("tryout_sizes" if what == CURVES else "stable_sizes", SIZES[what])
        with st.expander("Training", expanded=True):
            chosen = _choose_curves() if what == CURVES else _choose_stable()
    if runs_here(found, problem):
        if not sizes or chosen is None:
            st.info("Choose a batch size and a scaling rule in the sidebar.")
        elif what == CURVES:
            settings = TrainingSettings(problem, sizes, *chosen)
            _show("batch-training", settings, training_job, _draw_curves, found)
        else:
            _show("batch-stable", StableSettings(problem, sizes, *chosen), stable_job, _draw_stable, found)
    with st.expander("Explain"):
        st.markdown(TRYOUT)


def _show(place, settings, job, draw, found):
    runs.show(
        place,
        key=settings,
        job=lambda: job(settings),
        draw=lambda result: draw(result, settings),
        title=f"Training {verbatim(found.choice.title())}",
        threads=threads_for(found, settings.problem),
    )


def _choose_curves():
    rules = bound(st.pills, "Scaling", list(RULES), key="tryout_rules", default=list(RULES), selection_mode="multi")
    base = bound(st.number_input, "Scale from batch size", 1, 100_000, 16, key="tryout_base")
    rate = bound(
        st.number_input,
        "Learning rate there (0: a quarter of the predicted largest; Adam: 0.001)",
        0.0,
        1e3,
        0.0,
        format="%.4g",
        key="tryout_rate",
    )
    optimiser = _optimiser()
    epochs = bound(st.slider, "Epochs", 1, 50, 3, key="tryout_epochs")
    return (tuple(rule for rule in RULES if rule in rules), int(base), rate, optimiser, epochs) if rules else None


def _choose_stable():
    return bound(st.slider, "Runs a rate", 1, 9, 3, 2, key="tryout_seeds", help="Most of them decide."), _optimiser()


def _optimiser():
    return bound(
        st.segmented_control, "Optimiser", list(OPTIMISERS), key="tryout_optimiser", default="sgd", required=True
    )


def _draw_curves(result, settings):
    st.markdown(_diverged(result, settings))
    if result.runs:
        plot(figures.training_run_figure(result.runs), "training curves")
        st.dataframe(_runs(result, settings).style.format(precision=3, na_rep="–"), hide_index=True)
    tell_left_out(settings.batch_sizes, result.rates.batch_sizes)
    st.caption(
        f"{escaped(settings.caption())}. Learning rate at B = {settings.base}: {result.rate:.3g}. A run ends where its loss "
        f"exceeds twice the first plus 0.1, here {2 * result.initial_loss + 0.1:.3g}."
    )
    take_away(
        f"training of {settings.problem.checkpoint.name}",
        {"Curves": lambda: _curves(result), "Runs": lambda: _runs(result, settings)},
        lambda: training_notebook(settings, result.rate),
    )


def _diverged(result, settings):
    said = []
    for rule in settings.rules:
        mine = [run for run in result.runs if run.rule == rule]
        gone = [str(run.batch_size) for run in mine if run.diverged_at is not None]
        if mine:
            said.append(
                f"{rule} scaling diverges at B = {', '.join(gone)}" if gone else f"{rule} scaling diverges nowhere"
            )
    if not said:
        return "Training begins."
    words = "; ".join(said)
    if len(result.runs) < len(settings.rules) * len(settings.batch_sizes):
        words += "; not all of it is run yet"
    return f"**{words[0].upper()}{words[1:]}.**"


def _runs(result, settings):
    import pandas as pd

    predicted = dict(zip(result.rates.batch_sizes.tolist(), result.rates.of(settings.optimiser), strict=True))
    return pd.DataFrame(
        {
            "rule": run.rule,
            "batch size": run.batch_size,
            "learning rate": run.learning_rate,
            "of predicted largest": run.learning_rate / predicted[run.batch_size],
            "updates": run.steps,
            "last loss": run.loss[-1] if len(run.loss) else np.nan,
            "diverged after": "–" if run.diverged_at is None else f"{run.diverged_at} updates",
        }
        for run in result.runs
    )


def _curves(result):
    import pandas as pd

    return pd.concat(
        pd.DataFrame({"rule": run.rule, "batch size": run.batch_size, "examples": run.examples, "loss": run.loss})
        for run in result.runs
    )


def _draw_stable(result, settings):
    if not result.found:
        return
    st.markdown(_shape(result, settings.optimiser))
    beside = (settings.optimiser, "sharpness") if settings.optimiser == "sgd" else (settings.optimiser,)
    plot(
        figures.learning_rate_figure(result.rates, found=result.found, optimisers=beside),
        "stable rates found",
    )
    st.dataframe(_rates(result, settings).style.format(precision=3, na_rep="–"), hide_index=True)
    tell_left_out(settings.batch_sizes, result.rates.batch_sizes)
    st.caption(
        f"{escaped(settings.caption())}. Error bars: the largest rate of which most runs stayed below twice the first loss "
        f"plus 0.1 ({2 * result.initial_loss + 0.1:.3g}), and the least of which most did not."
    )
    take_away(
        f"stable rates of {settings.problem.checkpoint.name}",
        {"Rates": lambda: _rates(result, settings)},
        lambda: stable_notebook(settings),
    )


def _rates(result, settings):
    import pandas as pd

    sizes = {one.batch_size for one in result.found}
    rows = figures.rate_table(result.rates, result.found, optimiser=settings.optimiser)
    return pd.DataFrame(row for row in rows if row["batch size"] in sizes)


def _shape(result, optimiser):
    """Ratios of predicted to found rates, and whether their shape is the same."""
    predicted = dict(zip(result.rates.batch_sizes.tolist(), result.rates.of(optimiser, result.found), strict=True))
    ratios = {one.batch_size: predicted[one.batch_size] / one.value for one in result.found if one.bracketed}
    if not ratios:
        return "Looking for rates on both sides of the threshold."
    low, high = min(ratios.values()), max(ratios.values())
    said = f"Predicted by found: {low:.2g} to {high:.2g}." if len(ratios) > 1 else f"Predicted by found: {low:.2g}."
    both = shapes(result, optimiser)
    if both is None:
        return (
            "**Of Adam's rates only the shape is predicted, which needs three batch sizes.**"
            if optimiser == "adam"
            else f"**{said}** Their shape needs three batch sizes."
        )
    predicted, found = both
    small, large = (
        [round(one, 2) + 0.0 for one in pair]
        for pair in ((predicted.grows_at, found.grows_at), (predicted.ends_at, found.ends_at))
    )
    slopes = (
        f"Slopes in logarithms at the small sizes: predicted {small[0]:.2f}, found {small[1]:.2f}; at the large ones: "
        f"{large[0]:.2f} and {large[1]:.2f}."
    )
    if optimiser == "adam":
        near = max(abs(small[0] - small[1]), abs(large[0] - large[1])) < ALIKE
        same = "The shape is the predicted one" if near else "The shape found is not the predicted one"
        return (
            f"**{said} {same}.** For small damping the prediction is a shape, √B up to the critical batch size and flat beyond; "
            f"its level is that of the rates found. {slopes}"
        )
    if predicted.linear_then_flat and found.linear_then_flat:
        same = "The shape is the same: linear, then flat"
    elif predicted.linear_then_flat == found.linear_then_flat:
        same = "Neither is linear and then flat over these batch sizes"
    else:
        kind = (
            "not linear and then flat" if predicted.linear_then_flat else "linear and then flat, other than predicted"
        )
        same = f"The shape is not the same: what training finds is {kind}"
    bends = " and ".join(_bend(one.critical) for one in (predicted, found))
    return f"**{said} {same}.** {slopes} The bend, predicted and found: {bends}."


def _bend(critical):
    return f"at B ≈ {critical:.0f}" if 0 < critical < np.inf else "not among these batch sizes"
