"""The spectrum of a layer's weights: histogram, bulk of noise, outliers and tail."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["layer_figure", "share_axes", "tail_figure"]

EIGENVALUE = "eigenvalue λ of WᵀW"
LOG_DENSITY = "share of eigenvalues per decade"
OUTERMOST = 0.05  # share of the smallest eigenvalues that the axes leave out
SMALLEST = 1e-9  # of the largest eigenvalue: what is smaller has no place on the axis
POINTS = 400


def layer_figure(layer, *, bins=60, title=None):
    """Histogram of the eigenvalues over a logarithmic axis, an area of 1 a share of 1 a decade.

    Over it the Marchenko-Pastur law of the bulk, the line beyond which outliers lie, every outlier as a mark, and the power
    law over its range, faint where its exponent is not to be relied on.

    Parameters
    ----------
    layer : LayerSpectrum
    bins : int
        At most; fewer where there are few eigenvalues. The axis begins at their 5 % quantile.
    title : str, optional
        Default the layer's name and shape.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    title = title or f"{escape(layer.name)}: {' × '.join(map(str, layer.shape))}"
    figure = go.Figure(layout=_layout(title, "weights", 520))
    values = _seen(figure, layer)
    if not len(values):
        return figure
    figure.update_yaxes(theme.axis(LOG_DENSITY))
    whole = len(layer.eigenvalues)
    low, high = np.log10(values[0]), np.log10(values[-1])
    if high - low < 0.2:
        low, high = low - 0.1, high + 0.1
    bins = min(bins, 2 * int(np.ceil(len(values) ** 0.5)))
    edges = np.linspace(low, high + 1e-9, bins + 1)
    heights = np.histogram(np.log10(values), edges)[0] / whole / np.diff(edges)
    style = theme.ROLES["exact"]
    figure.add_scatter(
        x=10 ** np.repeat(edges, 2),
        y=np.r_[0.0, np.repeat(heights, 2), 0.0],
        mode="lines",
        fill="tozeroy",
        fillcolor=theme.faded(style.colour, 0.4),
        line={"color": style.colour, "width": style.width},
        name="eigenvalues" if layer.quadrature is None else "eigenvalues, estimated",
        hovertemplate="λ ≈ %{x:.3g}<br>%{y:.3g} a decade<extra></extra>",
    )
    if layer.bulk is not None:
        _add_bulk(figure, layer, values[0], whole)
    seen = [trace.y for trace in figure.data]
    if layer.power_law is not None:
        fit = layer.power_law
        x = np.geomspace(fit.xmin, fit.xmax, POINTS)
        y = _per_decade(fit.pdf(x), x) * fit.tail / whole
        _add_power_law(figure, x, y, fit)
        seen += [] if fit.doubt else [y]
    _add_eigenvalue_axis(figure, layer, values)
    figure.update_yaxes(range=[0.0, 1.05 * max(y.max() for y in seen)])
    return figure


def _seen(figure, layer):
    """The eigenvalues that have a place on a logarithmic axis; without any the figure says why."""
    values = layer.eigenvalues[layer.eigenvalues > SMALLEST * layer.eigenvalues.max(initial=0.0)]
    if not len(values):
        text = layer.notes[0] if layer.notes else "No eigenvalue."
        figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
    return values


def _add_eigenvalue_axis(figure, layer, values):
    start = np.quantile(values, OUTERMOST)
    end = max(values[-1], layer.bulk.threshold if layer.bulk else 0.0)
    figure.update_xaxes(theme.axis(EIGENVALUE, **theme.logarithmic(np.log10(start) - 0.05, np.log10(end) + 0.05)))


def share_axes(*figures):
    """Give figures of one kind the same axes, which hold what any of them shows; those without axes stay as they are."""
    for axis in ("xaxis", "yaxis"):
        drawn = [figure.layout[axis] for figure in figures if figure.layout[axis].range is not None]
        if drawn:
            low, high = zip(*(one.range for one in drawn), strict=True)
            both = min(low), max(high)
            for one in drawn:
                one.update(theme.logarithmic(*both) if one.type == "log" else {"range": both})


def _layout(title, revision, height):
    """Legend below, where a narrow page has room for it."""
    legend = {"orientation": "v", "x": 0.0, "xanchor": "left", "y": -0.2, "yanchor": "top"}
    return theme.layout(
        title, revision=revision, height=height, legend=legend, margin={"l": 70, "r": 20, "t": 50, "b": 20}
    )


def _add_bulk(figure, layer, lowest, whole):
    """The law as a curve, which ends at its edge; the threshold as a line, the outliers beyond it as marks on the axis.

    Without outliers their legend is there all the same, so that pictures side by side have one height.
    """
    bulk = layer.bulk
    start, end = bulk.law.support
    x = np.geomspace(max(start, lowest, 1e-9 * end), end, POINTS)
    _add_curve(figure, x, _per_decade(bulk.law.pdf(x), x) * bulk.size / whole, "maxent", "noise: Marchenko–Pastur")
    _add_threshold(figure, bulk)
    style = theme.ROLES["stems"]
    figure.add_scatter(
        x=bulk.outliers if len(bulk.outliers) else [None],
        y=np.zeros(max(len(bulk.outliers), 1)),
        mode="markers",
        marker={"symbol": "triangle-up", "size": 11, "color": style.colour, "line": {"width": 1}},
        cliponaxis=False,
        name=f"outliers ({len(bulk.outliers)})",
        hovertemplate="outlier λ = %{x:.5g}<extra></extra>",
    )


def _add_threshold(figure, bulk):
    colour = theme.ROLES["maxent"].colour
    figure.add_vline(x=bulk.threshold, line={"color": colour, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        text="outliers →",  # left of the line, which may be at the right end
        x=np.log10(bulk.threshold),
        y=1.0,
        yref="paper",
        yanchor="bottom",
        xanchor="right",
        showarrow=False,
        font={"color": colour, "size": theme.FONT_SIZE - 2},
    )


def _add_power_law(figure, x, y, fit):
    """A dashed line, faint and dotted where the exponent is not to be relied on; the legend says so too."""
    name = f"power law α = {fit.alpha:.2f} ± {fit.alpha_error:.2f}"
    _add_curve(figure, x, y, "smoothed", f"{name}, doubtful" if fit.doubt else name)
    if fit.doubt:
        figure.data[-1].line.update(dash="dot", width=1.5)


def _add_curve(figure, x, y, role, name):
    style = theme.ROLES[role]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "width": style.width},
        name=name,
        hovertemplate="λ = %{x:.4g}<br>%{y:.3g}<extra></extra>",
    )


def _per_decade(density, x):
    """``p(x) dx / d log10 x``."""
    return density * x * np.log(10.0)


def tail_figure(layer, *, title="How many eigenvalues are larger"):
    """``#{lambda_i >= x}`` against x, both axes logarithmic, with the power law over its range: a straight line.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure(layout=_layout(title, "tail", 460))
    values = _seen(figure, layer)
    if not len(values):
        return figure
    _add_eigenvalue_axis(figure, layer, values)
    figure.update_yaxes(
        theme.axis("number of eigenvalues ≥ λ", **theme.logarithmic(-0.08, np.log10(len(values)) + 0.08))
    )
    style = theme.ROLES["exact"]
    figure.add_scatter(
        x=values,
        y=np.arange(len(values), 0, -1),
        mode="markers",
        marker={"symbol": "circle-open", "size": 6, "color": style.colour},
        name="eigenvalues" if layer.quadrature is None else "eigenvalues, estimated",
        hovertemplate="%{y} eigenvalues ≥ %{x:.4g}<extra></extra>",
    )
    if layer.power_law is not None:
        fit = layer.power_law
        x = np.geomspace(fit.xmin, fit.xmax, POINTS)
        _add_power_law(figure, x, fit.tail * (x / fit.xmin) ** (1.0 - fit.alpha), fit)
    if layer.bulk is not None:
        _add_threshold(figure, layer.bulk)
    return figure
