"""Which random-graph model: its curve of divergences with the minimum marked, the best fits over each other, and tables."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.figures.sampling import grid, histogram

__all__ = ["best_fits", "best_fits_figure", "fits_table", "model_curve_figure", "model_curves_table"]

DIVERGENCE = "symmetric KL (nats)"
AXES = {"er": "edge probability p", "ws": "rewiring probability p", "ba": "edges of a new node, r"}
STYLES = {
    "er": theme.Style("#d55e00", "dash", 2.5, "square"),
    "ws": theme.Style("#00916a", "dashdot", 2.5, "circle"),
    "ba": theme.Style("#a259b5", "dot", 2.5, "triangle-up"),
}
DECADE = 10.0  # a parameter that spans more than this, and is far from 1, has a logarithmic axis


def model_curve_figure(fit, *, limits=None, title=None):
    """Divergence against the parameter, with a band of two standard errors, and the minimum with its interval.

    Parameters
    ----------
    fit : ModelFit
    limits : (float, float), optional
        Of the logarithmic axis of divergences, so that models are drawn alike.
    title : str, optional
        Default the model's name.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    style, x, y = STYLES[fit.model], fit.parameters, fit.divergence
    low, high = limits or (0.5 * y.min(), 2.0 * y.max())
    error = 2.0 * np.where(np.isfinite(fit.standard_error), fit.standard_error, 0.0)
    figure = go.Figure()
    lower, name = np.maximum(y - error, 0.1 * low), "± 2 standard errors"
    figure.add_scatter(**theme.band(x, y + error, lower, style.colour, 0.25, name=name, showlegend=None))
    figure.add_scatter(
        x=x,
        y=y,
        customdata=np.column_stack([error, _mean_degrees(fit)]),
        mode="lines+markers",
        line={"color": style.colour, "width": 2.0},
        marker={"symbol": style.symbol, "size": 6},
        name=fit.title,
        hovertemplate=fit.symbol
        + " = %{x:.4g}<br>%{y:.3g} ± %{customdata[0]:.2g} nats<br>mean degree %{customdata[1]:.4g}<extra></extra>",
    )
    ends = (fit.value, fit.value) if fit.stopped == "on the way" else fit.interval
    figure.add_scatter(
        x=[fit.value],
        y=[fit.least.value],
        mode="markers",
        marker={"symbol": "diamond-open", "size": 13, "color": theme.ROLES["maxent"].colour, "line": {"width": 2.5}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(ends[1] - fit.value, 0.0)],
            "arrayminus": [max(fit.value - ends[0], 0.0)],
            "thickness": 3,
            "width": 7,
            "color": theme.ROLES["maxent"].colour,
        },
        name="minimum and its interval",
        hovertemplate=f"{fit.reading}<br>divergence at least {fit.least.value:.3g} nats<extra></extra>",
    )
    margin = {"l": 10, "r": 15, "t": 50, "b": 50}
    figure.update_layout(
        theme.layout(title or fit.title, revision=fit.model, height=380, margin=margin, showlegend=False)
    )
    figure.update_layout(title={"xref": "container", "x": 0.02})
    wide = x[0] > 0 and x[-1] / x[0] > DECADE and (fit.model == "ba" or x[-1] < 0.5)
    scale = {"type": "log", "dtick": 1} if wide else {"range": [-0.03, 1.03]} if fit.model == "ws" else {}
    figure.update_xaxes(theme.axis(AXES[fit.model] + (f" (k = {fit.k})" if fit.k else ""), **scale))
    figure.update_yaxes(theme.axis(DIVERGENCE, type="log", dtick=1, range=[np.log10(low), np.log10(high)]))
    return figure


def _mean_degrees(fit):
    if fit.model == "er":
        return fit.parameters * (fit.nodes - 1)
    if fit.model == "ws":
        return np.full(len(fit.parameters), float(fit.k))
    return 2.0 * fit.parameters * (1.0 - fit.parameters / fit.size)


def best_fits(fits):
    """The densities that `best_fits_figure` draws, by name: that of the graph, then those of its models."""
    return {"the graph": fits.target} | {f"{fit.title}, {fit.label}": fit.density for fit in fits.fits}


def best_fits_figure(fits, *, eigenvalues=None, bins=100, title="The graph and the best fit of each model"):
    """The densities over each other, with bands of two standard errors, and the graph's exact histogram where there is one.

    Parameters
    ----------
    fits : ModelFits
    eigenvalues : (n,) array, optional
        All eigenvalues of the graph's normalised Laplacian.
    bins : int
    """
    densities = best_fits(fits)
    styles = [theme.ROLES["maxent"], *(STYLES[fit.model] for fit in fits.fits)]
    x = grid((0.0, 2.0), densities=list(densities.values()))
    figure = go.Figure()
    top = []
    if eigenvalues is not None:
        bars, exact = histogram(eigenvalues, interval=(0.0, 2.0), bins=bins), theme.ROLES["exact"]
        figure.add_bar(
            x=(bars.edges[1:] + bars.edges[:-1]) / 2.0,
            y=bars.density,
            width=np.diff(bars.edges),
            marker={"color": theme.faded(exact.colour, 0.4), "line": {"width": 0}},
            name=f"exact histogram (n = {bars.size})",
            hovertemplate="λ = %{x:.4g}<br>%{y:.3g} per unit λ<extra>exact</extra>",
        )
    for style, (name, density) in zip(styles, densities.items(), strict=True):
        y, error = density.pdf(x), 2.0 * density.standard_error(x)
        top.append(np.quantile(y, 0.99))
        if np.isfinite(error).all() and error.any():
            lower = np.maximum(y - error, 0.0)
            figure.add_scatter(**theme.band(x, y + error, lower, style.colour, legendgroup=name))
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": style.colour, "dash": style.dash, "width": style.width},
            name=name,
            legendgroup=name,
            hovertemplate="λ = %{x:.4g}<br>%{y:.3g} per unit λ<extra></extra>",
        )
    figure.update_layout(theme.layout(title, revision="best fits", bargap=0))
    figure.update_xaxes(theme.axis(theme.EIGENVALUE, range=[-0.04, 2.04]))
    figure.update_yaxes(theme.axis(theme.DENSITY, range=[0.0, 1.25 * max(top)]))
    return figure


def fits_table(fits):
    """A row a model, nearest first: parameter with its interval, divergence with its standard error, costs."""
    import pandas as pd

    rows = [
        {
            "model": fit.title,
            "parameter": fit.symbol,
            "value": fit.value,
            "from": fit.interval[0],
            "to": fit.interval[1],
            "k": str(fit.k or ""),
            "mean degree": fit.mean_degree,
            "divergence (nats)": fit.least.value,
            "its standard error": fit.least.standard_error,
            "points": fit.points,
            "products": fit.products,
            "minimum": "at the end of the range" if fit.at_end else "inside",
        }
        for fit in fits.fits
    ]
    return pd.DataFrame(rows)


def model_curves_table(fits):
    """All points of the curves: columns model, k, parameter, value, mean degree, divergence, standard error, unit."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "model": fit.model,
                "k": fit.k,
                "parameter": fit.symbol,
                "value": fit.parameters,
                "mean_degree": _mean_degrees(fit),
                "divergence": fit.divergence,
                "standard_error": fit.standard_error,
                "unit": "nats",
            }
        ).astype({"k": "Int64"})
        for fit in fits.fits
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
