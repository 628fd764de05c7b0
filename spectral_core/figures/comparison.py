"""Graphs compared: heatmap of their divergences, their densities over each other, and the table of pairs."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.figures.sampling import grid

__all__ = ["heatmap_figure", "overlay_figure", "pairs_table"]

WRITTEN = 16  # values are written into the cells up to so many graphs
DRAWN = 8  # densities are drawn at first; a click on the legend shows the others
DISTANCES = {
    "divergence": ("symmetric KL (nats)", "standard_error"),
    "wasserstein": ("Wasserstein distance (units of λ)", "wasserstein_error"),
}
COLOURS = ("#1f7fc4", "#d55e00", "#00916a", "#a259b5", "#8a7000", "#7f7f7f")  # the theme's hues, each with a dash


def heatmap_figure(names, matrix, *, errors=None, unit="symmetric KL (nats)", title="How far apart", order=None):
    """A cell for each pair, coloured by the logarithm of its distance, with the value written in it.

    Parameters
    ----------
    names : sequence of str
    matrix, errors : (k, k) arrays
        Distances and their standard errors (hover); 0 on the diagonal.
    unit, title : str
    order : sequence of int, optional
        Rows and columns in this order.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    order = np.arange(len(names)) if order is None else np.asarray(order)
    values = np.asarray(matrix)[np.ix_(order, order)]
    numbers = [str(place + 1) for place in range(len(order))]
    rows = [f"{_short(names[i], 22)}  {number}" for i, number in zip(order, numbers, strict=True)]
    off = ~np.eye(len(order), dtype=bool)
    positive = values[off & (values > 0)]
    low, high = (positive.min(), positive.max()) if len(positive) else (1e-3, 1.0)
    logarithm = np.where(off, np.log10(np.clip(values, low, high)), np.nan)
    bars = np.full(values.shape, np.nan) if errors is None else np.asarray(errors)[np.ix_(order, order)]
    hover = [
        [
            f"{names[order[i]]}<br>{names[order[j]]}<br>{_with_error(values[i, j], bars[i, j])}"
            for j in range(len(order))
        ]
        for i in range(len(order))
    ]
    figure = go.Figure(layout=_square(title, len(order)))
    ticks = np.linspace(np.log10(low), np.log10(high), 5) if high > low else [np.log10(high)]
    figure.add_heatmap(
        z=logarithm,
        x=numbers,
        y=rows,
        colorscale="Cividis",
        reversescale=True,
        text=[[f"{v:.2g}" if off[i, j] else "" for j, v in enumerate(row)] for i, row in enumerate(values)],
        texttemplate="%{text}" if len(order) <= WRITTEN else None,
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
        xgap=1,
        ygap=1,
        colorbar={
            "title": {"text": unit, "side": "top"},
            "orientation": "h",
            "y": -0.1,
            "yanchor": "top",
            "thickness": 12,
            "tickvals": list(ticks),
            "ticktext": [f"{10**t:.2g}" for t in ticks],
        },
    )
    figure.update_yaxes(autorange="reversed")
    return figure


def _square(title, count):
    size = min(max(360, 230 + 40 * count), 1000)
    named = {
        "tickfont": {"size": theme.FONT_SIZE - 3},
        "automargin": True,
        "showgrid": False,
        "ticks": "",
        "type": "category",
    }
    settings = {"height": size, "margin": {"l": 20, "r": 20, "t": 60, "b": 40}, "xaxis": named, "yaxis": named}
    return theme.layout(title, revision="heatmap", **settings)


def overlay_figure(densities, *, interval=(0.0, 2.0), title="Densities of maximum entropy"):
    """Densities over each other, a colour and a dash each, with bands of two standard errors for up to three.

    Eight are drawn, and more at a click on the legend.

    Parameters
    ----------
    densities : dict of str to Density
    interval : (float, float)

    Returns
    -------
    plotly.graph_objects.Figure
    """
    x = grid(interval, densities=list(densities.values())[:DRAWN])
    figure = go.Figure()
    top = 0.0
    for place, (name, density) in enumerate(densities.items()):
        colour = COLOURS[place % len(COLOURS)]
        dash = theme.DASHES[(place + place // len(COLOURS)) % len(theme.DASHES)]
        y = density.pdf(x)
        top = max(top, float(np.quantile(y, 0.98)))
        if len(densities) <= 3 and np.isfinite(error := density.standard_error(x)).all():
            lower = np.maximum(y - 2 * error, 0.0)
            figure.add_scatter(**theme.band(x, y + 2 * error, lower, colour, legendgroup=name))
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=_short(name),
            legendgroup=name,
            visible=True if place < DRAWN else "legendonly",
            line={"color": colour, "dash": dash, "width": 2.5},
            hovertemplate="λ = %{x:.3f}, %{y:.3g}<extra>" + _short(name) + "</extra>",
        )
    below = {
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top"},
        "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
    }
    figure.update_layout(theme.layout(title, revision="overlay", **below))
    figure.update_xaxes(theme.axis(theme.EIGENVALUE))
    figure.update_yaxes(theme.axis(theme.DENSITY, range=[0.0, 1.15 * top or 1.0]))
    return figure


def pairs_table(similarity):
    """A row a pair, nearest first: both distances with their standard errors, empty where those are unknown."""
    import pandas as pd

    names = similarity.names
    rows = [
        {
            "graph": names[i],
            "other graph": names[j],
            "symmetric KL (nats)": similarity.divergence[i, j],
            "its standard error": _known(similarity.standard_error[i, j]),
            "noise floor": _known(similarity.noise_floor[i] + similarity.noise_floor[j]),
            "Wasserstein (units of λ)": similarity.wasserstein[i, j],
            "its bar": _known(similarity.wasserstein_error[i, j]),
        }
        for i in range(len(names))
        for j in range(i)
    ]
    return pd.DataFrame(rows).sort_values("symmetric KL (nats)", ignore_index=True)


def _known(error):
    return error if np.isfinite(error) else None


def _short(name, most=28):
    name = name.replace("<", "‹").replace(">", "›")  # plotly would read tags
    return name if len(name) <= most else name[: most - 9] + "…" + name[-8:]


def _with_error(value, error):
    return f"{value:.4g}" + (f" ± {error:.2g}" if np.isfinite(error) else ", error unknown")
