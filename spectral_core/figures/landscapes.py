"""Losses along lines: curves stacked by eigenvalue beside their quadratic models, and the barrier between two checkpoints."""

from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from spectral_core.figures import theme

__all__ = ["barrier_figure", "line_panels_figure", "line_table"]

LOSS, ERROR, POSITION = "mean loss", "share misclassified", "position along the direction"
NATS = "mean loss (nats)"
ROLES = ("maxent", "smoothed", "kernel polynomial", "stems", "other")
QUADRATIC = theme.Style("#7f7f7f", "dot", 2.0)
PANEL = 210  # pixels
GAP = 75
MARGIN = {"l": 70, "r": 20, "t": 110, "b": 60}
NOT_FINITE = "NaN or infinite"


def line_panels_figure(
    lines, *, models=None, radii=None, quantity="loss", log=False, unit=LOSS, title="Loss along directions"
):
    """Curves of each direction below each other, the largest eigenvalue first: every data set, and the quadratic model.

    Parameters
    ----------
    lines : dict of str to LossLine
        By the panel's title. Those without an eigenvalue come last, in their order.
    models : dict of str to QuadraticModel or dict of str to QuadraticModel, optional
        Of the first data set, or by data set.
    radii : dict of str to TrustRadius, optional
        A band in which the quadratic model is trusted.
    quantity : {"loss", "error"}
    log : bool
        Logarithmic losses.
    unit : str
        Title of the axis of losses.

    Returns
    -------
    plotly.graph_objects.Figure
        Bands and bars of two standard errors over examples; crosses at the top where the loss is NaN or infinite.
    """
    models, radii = models or {}, radii or {}
    eigenvalue = {name: -line.eigenvalue if np.isfinite(line.eigenvalue) else np.inf for name, line in lines.items()}
    order = sorted(lines, key=eigenvalue.get)
    figure = make_subplots(
        rows=len(order),
        cols=1,
        vertical_spacing=GAP / (PANEL * len(order)),
        subplot_titles=[escape(name) for name in order],
    )
    shown = set()
    for row, panel in enumerate(order, 1):
        line = lines[panel]
        for place, (name, values) in enumerate(line.values.items()):
            style = theme.ROLES[ROLES[place % len(ROLES)]]
            y = values.loss if quantity == "loss" else values.error
            if y is None:
                raise ValueError(f"{name} has no share misclassified: its loss is no cross-entropy.")
            error = values.loss_error if quantity == "loss" else None
            _add(figure, _curve(line.positions, y, error, style, name, log), row, shown)
        if quantity == "loss" and panel in models:
            given = models[panel] if isinstance(models[panel], dict) else {next(iter(line.values)): models[panel]}
            for place, (name, model) in enumerate(given.items()):
                _add(figure, [_parabola(line, model, name, place, log)], row, shown)
        marks = _not_finite(line)
        if marks is not None:
            _add(figure, [marks], row, shown)
        if panel in radii:
            trust, reach = radii[panel], (radii[panel].reach_left, radii[panel].reach_right)
            left, right = min(trust.left, reach[0]), min(trust.right, reach[1])
            figure.add_vrect(x0=-left, x1=right, fillcolor="#7f7f7f", opacity=0.15, line_width=0, row=row, col=1)
        _scale_of_losses(figure, line, row, quantity, log)
    figure.update_layout(
        theme.layout(
            title,
            subtitle="bands: ± 2 standard errors" + ("; grey: parabola trusted" if radii else ""),
            revision=" ".join(order),
            height=150 + PANEL * len(order),
        )
        | {"margin": MARGIN, "legend": theme.BELOW | {"y": -75.0 / (PANEL * len(order))}}
    )  # fmt: skip
    figure.update_annotations(font_size=theme.FONT_SIZE - 1)
    figure.update_xaxes(theme.axis(""))
    figure.update_yaxes(theme.axis(unit if quantity == "loss" else ERROR))
    figure.update_xaxes(theme.axis(POSITION), row=len(order), col=1)
    return figure


def barrier_figure(line, barriers=None, *, unit=LOSS, title="Between two checkpoints"):
    """The loss from one checkpoint (0) to another (1), the straight line between its ends, and the barrier above it.

    Parameters
    ----------
    line : LossLine
    barriers : dict of str to Barrier, optional
        By data set.
    """
    figure = go.Figure(layout=theme.layout(title, subtitle="bands: ± 2 standard errors over examples", revision=title))
    for place, (name, values) in enumerate(line.values.items()):
        style = theme.ROLES[ROLES[place % len(ROLES)]]
        figure.add_traces(_curve(line.positions, values.loss, values.loss_error, style, name, False))
        one = (barriers or {}).get(name)
        if one is None:
            continue
        chord = {"color": style.colour, "dash": "dot", "width": 1.5}
        figure.add_scatter(x=[0, 1], y=[one.first, one.second], mode="lines", line=chord, name=f"{escape(name)}: straight",
                           hoverinfo="skip")  # fmt: skip
        if np.isfinite(one.height) and one.height > 0:
            foot = (1 - one.position) * one.first + one.position * one.second
            figure.add_scatter(
                x=[one.position] * 2,
                y=[foot, foot + one.height],
                mode="lines+markers",
                marker={"symbol": "line-ew-open", "size": 12, "color": style.colour},
                line={"color": style.colour, "width": 3},
                name=f"{escape(name)}: barrier {one.height:.3g} ± {one.standard_error:.1g}",
            )
    marks = _not_finite(line)
    if marks is not None:
        figure.add_trace(marks)
    figure.update_xaxes(theme.axis("from the first checkpoint (0) to the second (1)"))
    figure.update_yaxes(theme.axis(unit, range=_range([v.loss for v in line.values.values()])))
    return figure.update_layout(legend=theme.BELOW, margin={"t": 80, "b": 140}, height=540)


def line_table(lines, models=None):
    """A row a position and data set: direction, eigenvalue, position, loss, its standard error, error, quadratic model."""
    import pandas as pd  # half a second, and only a download needs it

    parts = []
    for panel, line in lines.items():
        given = (models or {}).get(panel, {})
        given = given if isinstance(given, dict) else {next(iter(line.values)): given}
        for name, values in line.values.items():
            columns = {
                "direction": panel,
                "eigenvalue": line.eigenvalue,
                "data": name,
                "position": line.positions,
                "evaluated": line.done,
                "loss": values.loss,
                "loss_standard_error": values.loss_error,
                "error": np.nan if values.error is None else values.error,
                "quadratic_model": given[name].on_line(line.positions) if name in given else np.nan,
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _curve(x, y, error, style, name, log):
    """The curve with its band, of what is finite; gaps elsewhere."""
    y = _drawn(y, log)
    line = {"color": style.colour, "dash": style.dash, "width": style.width}
    hover = "%{x:.4g}: %{y:.4g}<extra></extra>"
    traces = [
        go.Scatter(x=x, y=y, mode="lines", line=line, name=escape(name), legendgroup=name, hovertemplate=hover)
    ]  # fmt: skip
    there = np.isfinite(y) & np.isfinite(error) if error is not None else np.zeros(len(x), dtype=bool)
    if there.sum() > 1:
        upper, lower = y[there] + 2 * error[there], y[there] - 2 * error[there]
        lower = np.maximum(lower, 0.1 * y[there]) if log else lower
        traces.insert(0, go.Scatter(**theme.band(x[there], upper, lower, style.colour, legendgroup=name)))
    return traces


def _parabola(line, model, name, place, log):
    dash = QUADRATIC.dash if place == 0 else theme.DASHES[(3 + place) % len(theme.DASHES)]
    y = _drawn(model.on_line(line.positions), log)
    style = {"color": QUADRATIC.colour, "dash": dash, "width": QUADRATIC.width}
    label = f"{escape(name)}: quadratic model"
    return go.Scatter(x=line.positions, y=y, mode="lines", line=style, name=label, legendgroup=label)


def _not_finite(line):
    """Crosses at the top of the panel, by an axis of their own heights: there is no height to draw them at."""
    bad = np.zeros(len(line.positions), dtype=bool)
    for values in line.values.values():
        bad |= line.done & ~np.isfinite(values.loss)
    if not bad.any():
        return None
    finite = np.concatenate([v.loss[np.isfinite(v.loss)] for v in line.values.values()])
    top = float(finite.max()) if len(finite) else 1.0
    marker = {"symbol": "x", "size": 8, "color": "#7f7f7f"}
    return go.Scatter(x=line.positions[bad], y=np.full(int(bad.sum()), top), mode="markers", marker=marker, name=NOT_FINITE,
                      legendgroup=NOT_FINITE, hovertemplate="%{x:.4g}: not a finite number<extra></extra>")  # fmt: skip


def _scale_of_losses(figure, line, row, quantity, log):
    """The axis of what was measured: a parabola may leave it."""
    curves = [v.loss if quantity == "loss" else v.error for v in line.values.values()]
    if log and quantity == "loss":
        positive = np.concatenate([c[np.isfinite(c) & (c > 0)] for c in curves])
        ends = np.log10([positive.min(), positive.max()]) if len(positive) else (-1.0, 1.0)
        figure.update_yaxes(type="log", range=[ends[0] - 0.3, ends[1] + 0.3], row=row, col=1)
    else:
        figure.update_yaxes(range=_range(curves), row=row, col=1)


def _range(curves):
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in curves])
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return [low - pad, high + pad]


def _drawn(y, log):
    y = np.where(np.isfinite(y), y, np.nan)
    return np.where(y > 0, y, np.nan) if log else y


def _add(figure, traces, row, shown):
    """Add to a panel; each name once in the legend."""
    for trace in traces:
        trace.showlegend = trace.showlegend is not False and trace.name not in shown and trace.name is not None
        shown.update({trace.name} if trace.showlegend else ())
        figure.add_trace(trace, row=row, col=1)
