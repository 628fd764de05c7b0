"""Entropy and error against the number of moments (thesis Figure 2.1), and kernels over length scales (Table 2.1)."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.figures.logdet import LOGDET_METHODS

__all__ = [
    "TABLE_METHODS",
    "entropy_error_figure",
    "entropy_figure",
    "entropy_table",
    "floor_figure",
    "length_scale_error_figure",
    "length_scale_error_table",
]

MOMENTS = "number of moments m"
ERROR = "relative error of log det"
SMALLEST = 1e-7  # what a logarithmic axis shows of an error of 0
MEASURES = {  # measure: (name, dash, symbol)
    "flat": ("flat in λ", "solid", "triangle-up"),
    "logarithmic": ("flat in log λ", "dash", "diamond"),
    "grid": ("the thesis's grid", "dot", "square"),
}
TABLE_METHODS = LOGDET_METHODS | {
    "meme 1e-5": ("MEMe as described, floor 1e-5", theme.Style("#1f7fc4", "dot", 2.0, "triangle-up-open")),
    "meme 1e-10": ("MEMe as described, floor 1e-10", theme.Style("#1f7fc4", "dash", 2.0, "triangle-down-open")),
}
PRINTED = {  # column of the table: (name, style)
    "meme": ("printed: MEMe", theme.Style("#7f7f7f", "longdash", 1.5, "triangle-up-open")),
    "chebyshev": ("printed: Chebyshev", theme.Style("#7f7f7f", "dashdot", 1.5, "square-open")),
    "lanczos": ("printed: Lanczos", theme.Style("#7f7f7f", "dash", 1.5, "circle-open")),
}


def entropy_figure(curves, *, title="Entropy against moments"):
    """The entropy of both methods for more and more moments, and a cross where one first rises.

    Parameters
    ----------
    curves : EntropyCurves
    """
    figure = _against_moments(curves, curves.entropy, "%{y:.4f} nats", title, "entropy (nats)", {})
    for place, (method, first) in enumerate(curves.rises.items()):
        if first:
            at = int(np.flatnonzero(curves.degrees == first)[0])
            figure.add_annotation(
                x=first,
                y=curves.entropy[at, place],
                text=f"{LOGDET_METHODS[method][0]} rises:<br>m = {first}",
                arrowhead=2,
                ax=8,
                ay=-90,
                xanchor="left",
                align="left",
                font={"size": theme.FONT_SIZE - 2},
            )
    return figure


def entropy_error_figure(curves, *, title="Relative error against moments"):
    """``|estimate / log det A - 1|`` of both methods, for more and more moments."""
    shown = np.maximum(curves.error, SMALLEST)
    return _against_moments(curves, shown, "%{y:.2e}", title, ERROR, {"type": "log", "dtick": 1})


def _against_moments(curves, columns, value, title, axis, settings):
    figure = go.Figure()
    for place, method in enumerate(("meme", "bmxnt")):
        name, style = LOGDET_METHODS[method]
        figure.add_scatter(
            x=curves.degrees,
            y=columns[:, place],
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": style.width},
            marker={"symbol": style.symbol, "size": 8, "color": style.colour},
            name=name,
            hovertemplate=f"{name}<br>m = %{{x}}<br>{value}<extra></extra>",
        )
    figure.update_layout(theme.layout(title, revision="moments", height=420))
    figure.update_xaxes(theme.axis(MOMENTS, dtick=4))
    figure.update_yaxes(theme.axis(axis, **settings))
    return figure


def entropy_table(curves):
    """A row a number of moments: entropy, log det, relative error and largest moment missed, of both methods."""
    import pandas as pd

    columns = {"moments": curves.degrees.astype(int)}
    for place, method in enumerate(("meme", "bmxnt")):
        name = LOGDET_METHODS[method][0]
        columns |= {
            f"{name} entropy": curves.entropy[:, place],
            f"{name} log det": curves.value[:, place],
            f"{name} relative error": curves.error[:, place],
            f"{name} moment missed": curves.gap[:, place],
        }
    return pd.DataFrame(columns)


def floor_figure(floors, values, *, truth=None, degree=30, title="What the floor decides"):
    """The estimate against the domain's lower end, a curve a measure; the exact answer as a line.

    Parameters
    ----------
    floors : (k,) array
        As shares of the upper end.
    values : dict of str to (k,) array
        By measure, from `floor_sensitivity_steps`; shorter than `floors` while they are computed.
    truth : float, optional
    degree : int
        Moments.
    """
    figure = go.Figure()
    for measure, column in values.items():
        name, dash, symbol = MEASURES[measure]
        style = theme.ROLES["maxent"]
        figure.add_scatter(
            x=floors[: len(column)],
            y=column,
            mode="lines+markers",
            line={"color": style.colour, "dash": dash, "width": 2.5},
            marker={"symbol": symbol, "size": 9, "color": style.colour},
            name=name,
            hovertemplate=f"{name}<br>floor %{{x:.0e}}<br>log det %{{y:,.6g}}<extra></extra>",
        )
    if truth is not None and np.isfinite(truth):
        figure.add_hline(y=truth, line={"color": theme.ROLES["exact"].colour, "width": 3})
        figure.add_annotation(
            text="exact", x=1.0, xref="paper", xanchor="right", y=truth, yanchor="bottom", showarrow=False
        )
    subtitle = f"MEMe, the same {degree} moments every time"
    figure.update_layout(theme.layout(title, subtitle=subtitle, revision="floor", height=460, legend=theme.BELOW))
    figure.update_layout(margin={"t": 75})
    powers = np.arange(np.floor(np.log10(min(floors))), np.ceil(np.log10(max(floors))) + 1, 2)
    ticks = [f"10<sup>{power:.0f}</sup>".replace("-", "−") for power in powers]
    figure.update_xaxes(
        theme.axis("floor, as a share of the upper end", type="log", tickvals=10.0**powers, ticktext=ticks)
    )
    figure.update_yaxes(theme.axis("log det A (nats)", exponentformat="none", tickformat=",~g"))
    return figure


def length_scale_error_figure(rows, published=(), *, title="Table 2.1, drawn"):
    """Relative error of every method against the length scale, both axes logarithmic; what was printed in grey.

    Parameters
    ----------
    rows : sequence
        With `lengthscale`, `truth` and `answers`, a dict of method to LogDeterminant.
    published : sequence
        With `lengthscale`, `meme`, `chebyshev` and `lanczos`.
    """
    figure = go.Figure()
    for column, (name, style) in PRINTED.items():
        if published:
            scales = [one.lengthscale for one in published]
            _add_errors(figure, scales, [getattr(one, column) for one in published], name, style)
    for method, (name, style) in TABLE_METHODS.items():
        there = [one for one in rows if method in one.answers and method != "exact"]
        found = [(one.lengthscale, _error(one, method)) for one in there if np.isfinite(one.answers[method].value)]
        if found:
            _add_errors(figure, *zip(*found, strict=True), name, style)
    figure.update_layout(theme.layout(title, revision="table", height=620))
    figure.update_layout(
        legend=theme.BELOW | {"y": -0.17, "font": {"size": theme.FONT_SIZE - 2}}, margin={"t": 60, "r": 20, "b": 20}
    )
    ticks = [step * 10.0**power for power in range(-4, 5) for step in (1, 2, 5)]
    figure.update_xaxes(
        theme.axis("length scale ℓ", type="log", tickvals=ticks, tickformat="~g", exponentformat="none")
    )
    figure.update_yaxes(theme.axis(ERROR, type="log", dtick=1))
    return figure


def _add_errors(figure, scales, errors, name, style):
    figure.add_scatter(
        x=list(scales),
        y=np.maximum(errors, SMALLEST),
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": style.width},
        marker={"symbol": style.symbol, "size": 9, "color": style.colour},
        name=name,
        hovertemplate=f"{name}<br>ℓ = %{{x}}<br>relative error %{{y:.2g}}<extra></extra>",
    )


def _error(row, method):
    return abs(row.answers[method].value / row.truth - 1.0)


def length_scale_error_table(rows):
    """All numbers of `length_scale_error_figure`, a row a length scale and method, as a pandas DataFrame."""
    import pandas as pd

    columns = ["length scale", "condition number", "method", "exact", "log det", "standard error", "lower", "upper"]
    columns += ["relative error", "relative standard error", "products", "stopped"]
    found = []
    for row in rows:
        for method, one in row.answers.items():
            values = (one.value, one.standard_error, one.lower, one.upper, _error(row, method))
            place = (row.lengthscale, row.condition, TABLE_METHODS[method][0], row.truth)
            found.append((*place, *values, one.standard_error / abs(row.truth), one.products, one.stopped))
    return pd.DataFrame(found, columns=columns).replace([np.inf, -np.inf], np.nan)
