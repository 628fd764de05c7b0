"""Log-determinants: every method against the exact answer, error against products, and the spectrum on a logarithmic axis."""

from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.figures.spectrum import spectrum_figure

__all__ = [
    "LOGDET_METHODS",
    "LogScaleDensity",
    "clip_peaks",
    "log_spectrum_figure",
    "logdet_error_figure",
    "logdet_figure",
    "logdet_history_table",
    "logdet_table",
]

LOGDET_METHODS = {  # method: (name, style)
    "exact": ("exact", theme.ROLES["exact"]),
    "preconditioned": ("preconditioned Lanczos", theme.Style("#d55e00", "solid", 3.0, "diamond")),
    "slq": ("Lanczos quadrature", theme.Style("#a259b5", "dash", 2.5, "circle")),
    "chebyshev": ("Chebyshev", theme.Style("#00916a", "dashdot", 2.5, "square")),
    "meme": ("MEMe", theme.Style("#1f7fc4", "longdash", 2.5, "triangle-up")),
    "bmxnt": ("BMxnt", theme.Style("#8a7000", "dot", 2.5, "x")),
}
NATS = "log det A (nats)"
TINY = 1e-17  # of the answer: what a logarithmic axis shows of an error of 0


def logdet_figure(answers, *, title="Every method's log-determinant"):
    """A row a method: its value, its 95 % interval as a bar, deterministic bounds as a pale band, the exact answer as a line.

    Parameters
    ----------
    answers : dict of str to LogDeterminant
        By method; those without a value yet are left out. Intervals wider than the picture run out of it.
    """
    shown = {name: one for name, one in answers.items() if np.isfinite(one.value) and name != "exact"}
    exact = answers.get("exact")
    figure = go.Figure()
    for name, answer in shown.items():
        label, style = LOGDET_METHODS[name]
        low, high = answer.interval(0.95) if np.isfinite(answer.standard_error) else (answer.value, answer.value)
        if np.isfinite(answer.bracket).all():
            figure.add_scatter(
                x=answer.bracket,
                y=[label, label],
                mode="lines",
                line={"color": theme.faded(style.colour, 0.3), "width": 16},
                hoverinfo="skip",
                showlegend=False,
            )
        figure.add_scatter(
            x=[answer.value],
            y=[label],
            mode="markers",
            marker={"symbol": style.symbol, "size": 12, "color": style.colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - answer.value],
                "arrayminus": [answer.value - low],
                "thickness": 2.5,
                "width": 7,
                "color": style.colour,
            },
            name=label,
            showlegend=False,
            hovertemplate=f"{label}<br>{answer.value:.6g} ± {answer.standard_error:.2g}<br>"
            f"{answer.products:,} products<extra></extra>",
        )
    if exact is not None and np.isfinite(exact.value):
        figure.add_vline(x=exact.value, line={"color": theme.ROLES["exact"].colour, "width": 3})
        low, high = _range(shown, exact)
        share = (exact.value - low) / (high - low)
        figure.add_annotation(
            x=exact.value,
            y=1.0,
            yref="paper",
            yanchor="bottom",
            xanchor="left" if share < 0.3 else "right" if share > 0.7 else "center",
            text=f"exact {exact.value:.8g}".replace("-", "−"),
            showarrow=False,
        )
    margin = {"l": 10, "r": 20, "t": 80, "b": 60}
    figure.update_layout(theme.layout(title, revision="methods", height=150 + 52 * max(len(shown), 1), margin=margin))
    figure.update_layout(title={"xref": "container", "x": 0.02})
    figure.update_xaxes(theme.axis(NATS, range=_range(shown, exact), exponentformat="none", tickformat=",~g"))
    names = [LOGDET_METHODS[name][0] for name in shown]
    figure.update_yaxes(
        theme.axis("", categoryorder="array", categoryarray=names[::-1], range=[-0.6, max(len(names), 1) - 0.4])
    )
    return figure


def _range(shown, exact):
    """Holds all values and the interval of the surest method."""
    points = [one.value for one in shown.values()]
    if exact is not None and np.isfinite(exact.value):
        points.append(exact.value)
    if shown:
        points += [end for end in min(shown.values(), key=lambda one: one.standard_error).interval(0.95)]
    points = [point for point in points if np.isfinite(point)] or [0.0]
    margin = 0.12 * (max(points) - min(points)) or 0.01 * abs(points[0]) or 1.0
    return [min(points) - margin, max(points) + margin]


def logdet_error_figure(answers, *, title="Error against products"):
    """Relative error against the exact answer (lines with markers) and the reported standard error (thin lines).

    Without an exact answer there are the reported errors only.

    Parameters
    ----------
    answers : dict of str to LogDeterminant
    """
    exact = answers.get("exact")
    truth = exact.value if exact is not None and np.isfinite(exact.value) else None
    figure = go.Figure()
    for name, answer in answers.items():
        if name == "exact" or not len(answer.history):
            continue
        label, style = LOGDET_METHODS[name]
        products, values, errors = answer.history.T
        unit = abs(truth) if truth else np.abs(values)
        keep = np.isfinite(values) & (products > 0)
        if truth is not None:
            figure.add_scatter(
                x=products[keep],
                y=np.maximum(np.abs(values - truth) / unit, TINY)[keep],
                customdata=np.column_stack([values, errors])[keep],
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": style.width},
                marker={"symbol": style.symbol, "size": 7, "color": style.colour},
                name=label,
                legendgroup=name,
                hovertemplate=label
                + "<br>%{x:,} products<br>relative error %{y:.2g}<br>%{customdata[0]:.6g} ± %{customdata[1]:.2g}"
                "<extra></extra>",
            )
        known = keep & np.isfinite(errors) & (errors > 0)
        figure.add_scatter(
            x=products[known],
            y=(errors / unit)[known],
            mode="lines",
            line={
                "color": theme.faded(style.colour, 0.7),
                "dash": "dot" if truth is not None else style.dash,
                "width": 1.5,
            },
            name=label if truth is None else f"{label}, as reported",
            legendgroup=name,
            showlegend=truth is None,
            hovertemplate=label + "<br>%{x:,} products<br>reported relative standard error %{y:.2g}<extra></extra>",
        )
    subtitle = "thin dotted: the standard error reported" if truth is not None else "no exact answer"
    figure.update_layout(theme.layout(title, subtitle=subtitle, revision="errors", height=520))
    figure.update_layout(legend=theme.BELOW, margin={"t": 70})
    ticks = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    figure.update_xaxes(theme.axis("products A v", type="log", tickvals=ticks, tickformat=",d", exponentformat="none"))
    name = "relative error" if truth is not None else "reported relative standard error"
    figure.update_yaxes(theme.axis(name, type="log", dtick=1))
    return figure


@dataclass(frozen=True, eq=False)
class LogScaleDensity:
    """A density of eigenvalues as one of ``u = log10 lambda``: ``ln(10) lambda p(lambda)``, a share per factor of ten."""

    density: object
    atoms: np.ndarray

    def pdf(self, u):
        """At the points `u`."""
        x = 10.0 ** np.asarray(u)
        return np.log(10.0) * x * self.density.pdf(x)

    def standard_error(self, u):
        """Of `pdf`."""
        x = 10.0 ** np.asarray(u)
        return np.log(10.0) * x * self.density.standard_error(x)


def log_spectrum_figure(*, interval, stems=None, densities=None, eigenvalues=None, bins=60, title="Spectrum"):
    """`spectrum_figure` over ``log10 lambda``: what a log-determinant sees of a spectrum that decays over many powers of ten.

    Parameters
    ----------
    interval : (float, float)
        Holds the spectrum; its lower end above 0.
    stems : Quadrature, optional
    densities : dict of str to Density, optional
    eigenvalues : (n,) array, optional
    bins : int
    """
    low, high = np.log10(interval)
    none = np.zeros((0, 2))
    if stems is not None:
        floor = np.maximum(stems.nodes, 10.0**low)
        stems = replace(stems, nodes=np.log10(floor), atoms=none)
    figure = spectrum_figure(
        interval=(low, high),
        stems=stems,
        densities={name: LogScaleDensity(one, none) for name, one in (densities or {}).items()},
        eigenvalues=None if eigenvalues is None else np.log10(np.maximum(eigenvalues, 10.0**low)),
        bins=bins,
        x=np.linspace(low, high, 800),
        title=title,
    )
    figure.for_each_trace(_renamed)
    powers = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
    figure.update_xaxes(
        title_text="eigenvalue λ, logarithmic",
        tickvals=powers[:: max(1, len(powers) // 8)],
        ticktext=[f"10<sup>{power:.0f}</sup>" for power in powers[:: max(1, len(powers) // 8)]],
    )
    figure.layout.yaxis.title.text = "share per factor of 10 in λ"
    return clip_peaks(figure)


def clip_peaks(figure):
    """End the axis of a spectrum a quarter above the histogram, or above most of a curve, where a spike would hide it.

    What is cut is said below the axis. The same figure is changed and returned.
    """
    bars = [trace.y.max() for trace in figure.data if trace.type == "bar"]
    curves = [trace.y for trace in figure.data if trace.type == "scatter" and trace.mode == "lines" and not trace.fill]
    top = 1.25 * max(bars or [np.quantile(y, 0.98) for y in curves], default=0.0)
    peak = max((y.max() for y in curves), default=0.0)
    if top > 0 and peak > top and not figure.layout.yaxis.range:
        figure.layout.yaxis.range = [0.0, top]
        title = figure.layout.xaxis.title.text
        figure.layout.xaxis.title.text = f"{title}<br>cut off: a peak that goes up to {peak:.2g}"
    return figure


def _renamed(trace):
    if trace.hovertemplate:
        said = trace.hovertemplate.replace("λ = %{x:.4g}", "log<sub>10</sub> λ = %{x:.3f}")
        trace.hovertemplate = said.replace("per unit λ", "per factor of 10")


def logdet_table(answers, failures=None):
    """A row a method, as a pandas DataFrame: value, standard error, bounds, products, error, why it stopped.

    Parameters
    ----------
    answers : dict of str to LogDeterminant
    failures : dict of str to str, optional
        Methods without an answer, and why. What is not there, such as a bound that theory does not give, is NaN.
    """
    import pandas as pd

    exact = answers.get("exact")
    truth = exact.value if exact is not None else np.nan
    rows = [
        {
            "method": LOGDET_METHODS[name][0],
            "log det": one.value,
            "standard error": one.standard_error,
            "lower": one.lower,
            "upper": one.upper,
            "products": one.products,
            "relative error": abs(one.value - truth) / abs(truth) if truth and name != "exact" else np.nan,
            "stopped": one.stopped,
        }
        for name, one in answers.items()
        if name not in (failures or {})
    ]
    for name, why in (failures or {}).items():
        rows.append({"method": LOGDET_METHODS[name][0], "log det": np.nan, "stopped": why})
    columns = ["method", "log det", "standard error", "lower", "upper", "products", "relative error", "stopped"]
    return pd.DataFrame(rows, columns=columns).replace([np.inf, -np.inf], np.nan)


def logdet_history_table(answers):
    """Every method's estimate as it was formed: method, products, log det, standard error."""
    import pandas as pd

    parts = [
        pd.DataFrame(one.history, columns=["products", "log det", "standard error"]).assign(
            method=LOGDET_METHODS[name][0]
        )
        for name, one in answers.items()
        if len(one.history)
    ]
    columns = ["method", "products", "log det", "standard error"]
    table = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    return table.replace([np.inf, -np.inf], np.nan)
