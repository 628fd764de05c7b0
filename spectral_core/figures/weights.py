"""The spectrum of a layer's weights: histogram, bulk of noise, outliers and tail."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["layer_figure", "tail_figure"]

EIGENVALUE = "eigenvalue λ of WᵀW"
LOG_DENSITY = "share of eigenvalues per decade"
FEWEST = 1e-9  # of the largest eigenvalue: what is smaller has no place on the axis
POINTS = 400


def layer_figure(layer, *, bins=60, title=None):
    """Histogram of the eigenvalues over a logarithmic axis, an area of 1 a share of 1 a decade.

    Over it the Marchenko-Pastur law of the bulk with its edge, every outlier as a mark, and the power law over its range.

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
    title = title or f"{escape(layer.name)}, {' × '.join(map(str, layer.shape))}"
    figure = go.Figure(layout=_layout(title, "weights", 520))
    figure.update_xaxes(theme.axis(EIGENVALUE, type="log"))
    figure.update_yaxes(theme.axis(LOG_DENSITY, rangemode="tozero"))
    values = layer.eigenvalues[layer.eigenvalues > FEWEST * layer.eigenvalues.max(initial=0.0)]
    if not len(values):
        figure.add_annotation(
            text=layer.notes[0] if layer.notes else "No eigenvalue.",
            x=0.5,
            y=0.5,
            xref="paper",
            yref="paper",
            showarrow=False,
        )
        return figure
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
    start = np.log10(np.quantile(values, 0.05))
    figure.update_xaxes(range=[start - 0.05, max(high, np.log10(layer.edge) if layer.bulk else high) + 0.05])
    if layer.bulk is not None:
        _add_bulk(figure, layer, values[0], whole)
    if layer.power_law is not None:
        fit = layer.power_law
        x = np.geomspace(fit.xmin, fit.xmax, POINTS)
        _add_curve(figure, x, _per_decade(fit.pdf(x), x) * fit.tail / whole, "smoothed", _named(fit))
    return figure


def _layout(title, revision, height):
    """Legend below, where a narrow page has room for it."""
    legend = {"orientation": "h", "x": 0.0, "xanchor": "left", "y": -0.2, "yanchor": "top"}
    return theme.layout(
        title, revision=revision, height=height, legend=legend, margin={"l": 70, "r": 20, "t": 50, "b": 20}
    )


def _add_bulk(figure, layer, lowest, whole):
    """The law as a curve, its edge as a line, the outliers as marks on the axis."""
    bulk = layer.bulk
    start, end = bulk.law.support
    x = np.geomspace(max(start, lowest, 1e-9 * end), end, POINTS)
    _add_curve(figure, x, _per_decade(bulk.law.pdf(x), x) * bulk.size / whole, "maxent", "noise: Marchenko–Pastur")
    colour = theme.ROLES["maxent"].colour
    figure.add_vline(x=bulk.edge, line={"color": colour, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        text=f"edge {bulk.edge:.3g}",
        x=np.log10(bulk.edge),
        y=1.0,
        yref="paper",
        yanchor="top",
        xanchor="right",
        xshift=-4,
        showarrow=False,
        font={"color": colour, "size": theme.FONT_SIZE - 2},
    )
    if len(bulk.outliers):
        style = theme.ROLES["stems"]
        figure.add_scatter(
            x=bulk.outliers,
            y=np.zeros(len(bulk.outliers)),
            mode="markers",
            marker={"symbol": "triangle-up", "size": 11, "color": style.colour, "line": {"width": 1}},
            cliponaxis=False,
            name=f"outliers ({len(bulk.outliers)})",
            hovertemplate="outlier λ = %{x:.5g}<extra></extra>",
        )


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


def _named(fit):
    return f"power law α = {fit.alpha:.2f} ± {fit.alpha_error:.2f}"


def tail_figure(layer, *, title="How many eigenvalues are larger"):
    """``#{lambda_i >= x}`` against x, both axes logarithmic, with the power law over its range: a straight line.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure(layout=_layout(title, "tail", 460))
    figure.update_xaxes(theme.axis(EIGENVALUE, type="log"))
    figure.update_yaxes(theme.axis("number of eigenvalues ≥ λ", type="log"))
    values = layer.eigenvalues[layer.eigenvalues > FEWEST * layer.eigenvalues.max(initial=0.0)]
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
        _add_curve(figure, x, fit.tail * (x / fit.xmin) ** (1.0 - fit.alpha), "smoothed", _named(fit))
    if layer.bulk is not None:
        figure.add_vline(x=layer.bulk.edge, line={"color": theme.ROLES["maxent"].colour, "width": 1.5, "dash": "dot"})
    return figure
