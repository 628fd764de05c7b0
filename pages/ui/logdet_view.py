"""How the Log-determinant tab draws a result: the answer in a sentence, the methods, the spectrum, the errors, the table."""

import numpy as np
import streamlit as st

from pages.ui.controls import bound, escaped
from pages.ui.kernel_notebook import logdet_notebook
from pages.ui.logdet_job import NAMES, PROBES, STEPS
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures
from spectral_core.figures import LOGDET_METHODS

__all__ = ["best_of", "draw_logdet", "signed"]

WIDE = 30.0  # a spectrum whose ends are further apart, as a ratio, is drawn on a logarithmic axis
AXES = {"automatic": "As the spectrum asks", "logarithmic": "Logarithmic", "linear": "Linear"}
FAITHFUL = ("preconditioned", "slq")  # in this order, where their bars are alike: their error bars are proven


def draw_logdet(result, settings) -> None:
    """Everything below the progress bar."""
    st.markdown(answer(result))
    if result.estimates or result.exact:
        plot(figures.logdet_figure(result.answers), "every method's log-determinant")
    _spectrum(result)
    if any(len(one.history) > 1 for one in result.estimates.values()):
        plot(figures.logdet_error_figure(result.answers), "error against products")
    _numbers(result, settings)


def best_of(result):
    """The estimate with the smallest error that is reported, a deterministic bound being more than a spread."""
    estimates = [one for one in result.estimates.values() if np.isfinite(one.standard_error)]
    faithful = [one for one in estimates if one.method in FAITHFUL]
    # where nothing bounds it from below, the bar of Lanczos quadrature holds the spread of the probes alone
    return min(
        faithful or estimates,
        key=lambda one: (one.method == "slq" and not np.isfinite(one.bracket[0]), one.standard_error),
        default=None,
    )


def answer(result):
    """The best answer in a sentence, the exact one beside it."""
    best, exact = best_of(result), result.exact
    said = []
    if best is not None:
        half = best.interval(0.95)[1] - best.value
        said.append(
            f"**log det A = {signed(best.value, half)} ± {half:.2g}** (95 %), by {LOGDET_METHODS[best.method][0]} with "
            f"**{best.products:,} products**, n = {result.n:,}."
        )
    if exact is not None:
        said.append(f"Exact: **{exact.value:,.8g}**, {exact.stopped.removeprefix('exact, ')}.".replace("-", "−"))
        if best is not None and exact.value:
            off = abs(best.value - exact.value)
            said.append(f"The estimate is off by {off:.2g}, a relative error of {off / abs(exact.value):.1e}.")
        if best is not None and result.n <= best.products:
            said.append(
                f"(An estimate is for larger matrices: here the {result.n:,} products with all unit vectors give A itself, and "
                "`sc.logdet`, left to choose, is exact.)"
            )
    elif result.exact_note:
        said.append(result.exact_note)
    if result.running:
        said.append(f"*{NAMES[result.running]} is not there yet.*")
    if result.failures:
        refusing = " and ".join(NAMES[name] for name in result.failures)
        said.append(f"**{refusing} gave no answer**: why stands below the table.")
    return " ".join(said) or "No method has an answer yet."


def signed(value, error):
    """A number to the digits that its error leaves, with a true minus sign.

    >>> signed(-119.31459, 0.52), signed(1234567.8, 40.0)
    ('−119.31', '1,234,568')
    """
    digits = 1 - int(np.floor(np.log10(error))) if error > 0 and np.isfinite(error) else 6
    return f"{value:,.{min(max(digits, 0), 10)}f}".replace("-", "−")


def _spectrum(result):
    if result.quadrature is None:
        return
    low, high = result.interval
    knobs = st.columns(2)
    with knobs[0]:
        wanted = bound(st.selectbox, "Eigenvalue axis", list(AXES), key="kernel_axis", format_func=AXES.get)
    with knobs[1]:
        bins = bound(st.slider, "Bins of the exact histogram", 10, 200, 60, 10, key="kernel_bins")
    logarithmic = low > 0 and (wanted == "logarithmic" or (wanted == "automatic" and high > WIDE * low))
    densities = {} if result.density is None else {f"maximum entropy, m = {result.density.degree}": result.density}
    draw = figures.log_spectrum_figure if logarithmic else figures.spectrum_figure
    values = result.eigenvalues
    if values is not None:
        low, high = (min(low, values[0]) if values[0] > 0 or not logarithmic else low), max(high, values[-1])
    figure = draw(
        interval=(low, high),
        stems=result.quadrature,
        densities=densities,
        eigenvalues=values,
        bins=bins,
        title="Spectrum",
    )
    plot(figures.clip_peaks(figure), "spectrum of the matrix")


def _numbers(result, settings):
    table = figures.logdet_table(result.answers, result.failures)
    if len(table):
        st.dataframe(table.drop(columns="stopped"), hide_index=True, column_config=_columns(), placeholder="–")
        st.caption(_why_each_stopped(result))
    drawn = result.quadrature.products if result.quadrature is not None else 0
    st.caption(
        f"{settings.caption()}. Bars are 95 % intervals, pale bands bounds that hold for the probes drawn; the table's bounds "
        "add 99 % of the spread over probes, and a dash says that there is none, or none yet. The spectrum's "
        f"picture took {drawn:,} products of its own ({PROBES} probes, {STEPS} Lanczos steps)."
    )

    def spectrum():
        return figures.curve_table(
            interval=result.interval,
            stems=result.quadrature,
            densities={} if result.density is None else {"maximum entropy": result.density},
            eigenvalues=result.eigenvalues,
            bins=60,
        )

    tables = {"Methods": lambda: table, "History": lambda: figures.logdet_history_table(result.answers)}
    if result.quadrature is not None:
        tables["Spectrum"] = spectrum
    notes = [escaped(note) for note in result.notes]
    take_away(f"logdet-{settings.matrix.key}", tables, lambda: logdet_notebook(settings), notes)


def _columns():
    number = st.column_config.NumberColumn
    bound_of = "The {} end of the pale band, where theory gives one, widened by 99 % of the spread over probes."
    return {
        "method": st.column_config.TextColumn(width=165),
        "log det": number("log det A", format="%.8g", width=110, help="In nats."),
        "standard error": number(
            format="%.3g",
            width=110,
            help="The spread over probes, and an allowance for what every probe has in common.",
        ),
        "lower": number("lower bound, 99 %", format="%.6g", width=130, help=bound_of.format("lower")),
        "upper": number("upper bound, 99 %", format="%.6g", width=130, help=bound_of.format("upper")),
        "products": number(format="%d", width=85),
        "relative error": number(format="%.1e", width=105, help="Against the exact answer."),
    }


def _why_each_stopped(result):
    """A line a method; bold where something outweighs the spread over probes, nothing bounds it, or there is no answer."""
    lines = [f"- {NAMES[name]}: **{escaped(why)}**" for name, why in result.failures.items()]
    for name, one in result.answers.items():
        said, _, left = (escaped(part) for part in one.stopped.partition("; "))
        spread = one.standard_error if one.monte_carlo_error is None else one.monte_carlo_error
        matters = one.standard_error > 2.0 * spread or not np.isfinite(one.bracket).all()
        if left:
            said += f"; **{left}**" if matters else f"; {left}"
        if name not in result.failures and said:
            lines.append(f"- {NAMES[name]}: {said}")
    return "\n".join(lines)
