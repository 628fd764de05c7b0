"""The log marginal likelihood over length scales: its two terms, the maximum, and how far off the log-determinant is."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["likelihood_error_figure", "likelihood_figure", "likelihood_table"]

TERMS = {  # name: (style, share of the curve)
    "log marginal likelihood": theme.Style("#1f7fc4", "solid", 3.0, "circle"),
    "−½ log det K (complexity)": theme.Style("#d55e00", "dash", 2.5, "diamond"),
    "−½ yᵀK⁻¹y (fit)": theme.Style("#00916a", "dot", 2.5, "square"),
}
TICKS = [step * 10.0**power for power in range(-4, 5) for step in (1, 2, 5)]
LENGTH = "length scale ℓ (units of the inputs, logarithmic)"


def likelihood_figure(estimate, exact=None, *, truth=None, limits=None, title="Log marginal likelihood"):
    """Estimates as coloured curves with bars, the exact curves thin and grey, diamonds at the maxima.

    The likelihood's bars are its `lower` and `upper`, those of the log-determinant two standard errors.

    Parameters
    ----------
    estimate, exact : LengthScaleCurve
        `exact` is optional.
    truth : float, optional
        The length scale that the target was drawn at.
    limits : (float, float), optional
        Length scales that the axis spans, while the curve is still growing.
    """
    figure = go.Figure()
    if exact is not None and len(exact.value):
        for name, values in _terms(exact).items():
            figure.add_scatter(
                x=exact.lengthscale,
                y=values,
                mode="lines",
                line={"color": theme.ROLES["exact"].colour, "width": 5 if name.startswith("log") else 3.5},
                opacity=0.55,
                name="exact",
                legendgroup="exact",
                showlegend=name.startswith("log"),
                hovertemplate=f"{name}, exact<br>ℓ = %{{x:.4g}}: %{{y:.6g}} nats<extra></extra>",
            )
    for name, values in _terms(estimate).items():
        style = TERMS[name]
        below, above = _whiskers(name, estimate)
        figure.add_scatter(
            x=estimate.lengthscale,
            y=values,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": style.width},
            marker={"symbol": style.symbol, "size": 7, "color": style.colour},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": above,
                "arrayminus": below,
                "thickness": 2,
                "width": 5,
                "color": style.colour,
            },
            name=name,
            hovertemplate=f"{name}<br>ℓ = %{{x:.4g}}: %{{y:.6g}} nats<extra>estimate</extra>",
        )
    for curve, role, label in ((exact, "exact", "maximum, exact"), (estimate, "maxent", "maximum")):
        if curve is not None and len(curve.value):
            top = int(np.argmax(curve.value))
            figure.add_scatter(
                x=[curve.lengthscale[top]],
                y=[curve.value[top]],
                mode="markers",
                marker={
                    "symbol": "diamond-open",
                    "size": 22 if role == "exact" else 15,
                    "color": theme.ROLES[role].colour,
                    "line": {"width": 3},
                },
                name=label,
                showlegend=role != "exact",
                hovertemplate=f"{label}: ℓ = %{{x:.4g}}, %{{y:.6g}} nats<extra></extra>",
            )
    if truth is not None:
        figure.add_vline(x=truth, line={"color": theme.ROLES["exact"].colour, "width": 2, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(truth), y=0.0, yref="paper", yanchor="bottom", text="drawn at", showarrow=False, xshift=38
        )
    margin = {"l": 70, "r": 20, "t": 50, "b": 60}
    figure.update_layout(theme.layout(title, revision="likelihood", height=600, legend=theme.BELOW, margin=margin))
    figure.update_xaxes(_lengths(limits))
    figure.update_yaxes(theme.axis("nats", range=_window(estimate, exact), exponentformat="none", tickformat=",~g"))
    return figure


def _lengths(limits):
    """The axis of length scales."""
    span = {} if limits is None else {"range": np.log10([limits[0] / 1.1, limits[1] * 1.1])}
    return theme.axis(LENGTH, type="log", tickvals=TICKS, exponentformat="none", **span)


def _terms(curve):
    values = (curve.value, -0.5 * curve.logdet, -0.5 * curve.quadratic)
    return dict(zip(TERMS, values, strict=True))


def _whiskers(name, curve):
    """How far the interval reaches below and above."""
    if name.startswith("log"):
        below, above = curve.value - curve.lower, curve.upper - curve.value
    elif "det" in name:
        below = above = curve.logdet_standard_error  # 2 standard errors, halved
    else:
        below = above = np.zeros(len(curve.value))
    return tuple(np.where(np.isfinite(side), np.maximum(side, 0.0), 0.0) for side in (below, above))


def _window(estimate, exact):
    """What holds all terms wherever the likelihood is within half a nat a row of its best: elsewhere they may run away."""
    low, high = [], []
    for curve in (estimate, exact):
        if curve is not None and len(curve.value):
            near = curve.value >= curve.value.max() - 0.5 * _rows(curve)
            terms = np.array([term[near] for term in _terms(curve).values()])
            low.append(terms.min())
            high.append(terms.max())
    if not low:
        return None
    margin = 0.08 * max(max(high) - min(low), 1e-6)
    return [min(low) - margin, max(high) + margin]


def _rows(curve):
    """n, from the constant of the likelihood."""
    constant = -0.5 * curve.logdet[0] - 0.5 * curve.quadratic[0] - curve.value[0]
    return 2.0 * constant / np.log(2.0 * np.pi)


def likelihood_error_figure(estimate, exact, *, limits=None, title="How far off the log-determinant is"):
    """``log det K`` by estimate less exactly, with 95 % of the Monte-Carlo error, at the length scales that both have.

    Parameters
    ----------
    estimate, exact : LengthScaleCurve
    limits : (float, float), optional
        As in `likelihood_figure`.
    """
    count = min(len(estimate.value), len(exact.value))
    error = 1.96 * np.where(np.isfinite(estimate.logdet_standard_error), estimate.logdet_standard_error, 0.0)[:count]
    style = TERMS["−½ log det K (complexity)"]
    figure = go.Figure()
    figure.add_hline(y=0.0, line={"color": theme.ROLES["exact"].colour, "width": 2.5})
    figure.add_scatter(
        x=estimate.lengthscale[:count],
        y=(estimate.logdet[:count] - exact.logdet[:count]),
        customdata=np.column_stack([estimate.logdet[:count], exact.logdet[:count]]),
        mode="markers",
        marker={"symbol": style.symbol, "size": 9, "color": style.colour},
        error_y={"type": "data", "array": error, "thickness": 2, "width": 5, "color": style.colour},
        name="estimate less exact",
        hovertemplate="ℓ = %{x:.4g}<br>log det K %{customdata[0]:.6g}, exact %{customdata[1]:.6g}"
        "<br>off by %{y:.3g}<extra></extra>",
    )
    margin = {"l": 70, "r": 20, "t": 50, "b": 60}
    figure.update_layout(theme.layout(title, revision="likelihood error", height=320, showlegend=False, margin=margin))
    figure.update_xaxes(_lengths(limits))
    figure.update_yaxes(theme.axis("nats"))
    return figure


def likelihood_table(estimate, exact=None):
    """A row a length scale, as a pandas DataFrame; values of the exact curve beside those of the estimate."""
    import pandas as pd

    table = pd.DataFrame(
        {
            "length scale": estimate.lengthscale,
            "log marginal likelihood": estimate.value,
            "standard error": estimate.standard_error,
            "lower": estimate.lower,
            "upper": estimate.upper,
            "log det K": estimate.logdet,
            "its standard error": estimate.logdet_standard_error,
            "y.K^-1 y": estimate.quadratic,
        }
    )
    table = table.replace([np.inf, -np.inf], np.nan)
    if exact is not None:
        for name, values in (("log marginal likelihood", exact.value), ("log det K", exact.logdet)):
            known = np.full(len(table), np.nan)
            count = min(len(values), len(table))
            known[:count] = values[:count]
            table[f"{name}, exact"] = known
    return table
