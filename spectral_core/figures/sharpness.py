"""Several minima of one network: their smoothed spectra on one axis, and what they are worth against how sharp they are."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.figures.curvature import ROLES, smoothed_figure

__all__ = ["generalisation_figure", "minima_figure"]

GREY = theme.ROLES["exact"].colour
BELOW = {"legend": {"y": -0.2, "yanchor": "top"}, "margin": {"l": 70, "r": 20, "t": 60, "b": 60}}  # fits a phone
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "pentagon")


def minima_figure(quadratures, *, sigma, edge=None, log=True, title="Smoothed spectra"):
    """Smoothed densities at one `sigma`, with bands of two standard errors over probes, and a line at an edge.

    Parameters
    ----------
    quadratures : dict of str to Quadrature
    sigma : float
        Width of the Gaussian, in the units of the eigenvalues.
    edge : float, optional
    log : bool
        Logarithmic density; a linear one shows the many eigenvalues near zero and little else.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = smoothed_figure(quadratures, sigma=sigma, title=title)
    figure.update_layout(title=f"{title}, σ = {sigma:.3g}", title_subtitle_text="", **BELOW)
    curves = [trace for trace in figure.data if trace.showlegend is not False]
    for place, trace in enumerate(curves):
        trace.line.width = max(trace.line.width, 2.0)
        if place >= len(ROLES):  # colours come again: never by colour alone
            trace.line.dash = theme.DASHES[
                (theme.DASHES.index(trace.line.dash) + place // len(ROLES)) % len(theme.DASHES)
            ]
    if not log:
        top = 1.05 * max(np.max(trace.y) for trace in curves)
        figure.update_yaxes(theme.axis(theme.DENSITY, type="linear", range=[0.0, top], dtick=None))
    if edge is not None:
        figure.add_vline(
            x=edge,
            line={"dash": "dash", "width": 1.5, "color": GREY},
            annotation={"text": f"edge {edge:g}", "font": {"size": theme.FONT_SIZE - 2}},
        )
    return figure


def generalisation_figure(points, *, title="Does the flatter one generalise better?"):
    """Test error against the sharpest eigenvalue, one marker a checkpoint, bars of two standard errors.

    Parameters
    ----------
    points : dict of str to (sharpest, residual, accuracy, standard error)
        Accuracies are of test examples. Those with a sharpest eigenvalue that is not positive have no place on the
        logarithmic axis. That of the errors is linear where one of them is 0.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure(layout=theme.layout(title, height=440))
    figure.update_layout(**BELOW)
    for place, (name, (sharpest, residual, accuracy, error)) in enumerate(points.items()):
        if sharpest <= 0:
            continue
        colour = theme.ROLES[ROLES[place % len(ROLES)]].colour
        figure.add_scatter(
            x=[sharpest],
            y=[1.0 - accuracy],
            error_x={"type": "data", "array": [residual], "color": colour},
            error_y={"type": "data", "array": [2.0 * error], "color": colour},
            mode="markers",
            marker={"color": colour, "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 12},
            name=escape(name),
            hovertemplate="λ₁ = %{x:.4g}<br>test error %{y:.2%}",
        )
    figure.update_xaxes(
        theme.axis("sharpest eigenvalue λ₁", type="log", **_ticks([p[0] for p in points.values() if p[0] > 0], "{:g}"))
    )
    errors = [1.0 - p[2] for p in points.values()]
    scale = {"type": "log", **_ticks(errors, "{:.6g} %", 100.0)} if min(errors, default=0.0) > 0 else {}
    figure.update_yaxes(theme.axis("test error, ± 2 standard errors", **({"tickformat": "~%"} | scale)))
    return figure


def _ticks(shown, text, unit=1.0):
    """1, 2 and 5 of each decade, written in full, where few decades are shown."""
    if not shown or max(shown) > 1e3 * min(shown):
        return {}
    values = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    return {"tickmode": "array", "tickvals": values, "ticktext": [text.format(unit * value) for value in values]}
