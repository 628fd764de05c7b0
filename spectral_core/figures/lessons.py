"""Figures of the lessons on what estimators can and cannot see: one point each."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = [
    "convergence_figure",
    "cumulative_figure",
    "distances_figure",
    "facing_stems_figure",
    "fits_of_law_figure",
    "moment_ladder_figure",
    "probabilities_figure",
    "top_eigenvalues_figure",
    "trace_error_figure",
]

SMALLEST = 1e-16  # what a logarithmic axis shows of an error that is 0 to rounding
HEIGHT = 440
EXACT = theme.ROLES["exact"]


def _figure(title, x, y):
    layout = theme.layout(title, revision="lesson", height=HEIGHT)
    return go.Figure(layout=layout | {"xaxis": x, "yaxis": y, "margin": layout["margin"] | {"r": 20}})


def _line(figure, name, x, y, style, *, hover, mode="lines", **settings):
    figure.add_scatter(
        x=x,
        y=y,
        mode=mode,
        name=name,
        line={"color": style.colour, "dash": style.dash, "width": style.width},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        hovertemplate=hover + "<extra></extra>",
        **settings,
    )


def fits_of_law_figure(law, fits, *, title="The law and its fits", points=801):
    """A law, shaded, under densities of maximum entropy.

    Parameters
    ----------
    law : random-matrix law
    fits : dict of str to Density
    """
    a, b = law.support
    x = (a + b) / 2.0 + (b - a) / 2.0 * np.cos(np.linspace(np.pi, 0.0, points))
    figure = _figure(title, theme.axis(theme.EIGENVALUE), theme.axis("density (per unit λ)", rangemode="tozero"))
    shade = theme.Style(EXACT.colour, "solid", 2.0)
    _line(figure, "the law", x, law.pdf(x), shade, hover="λ = %{x:.3f}<br>%{y:.3f} per unit λ", fill="tozeroy",
          fillcolor=theme.faded(EXACT.colour, 0.25))  # fmt: skip
    for (name, fit), style in zip(fits.items(), theme.styles(fits).values(), strict=True):
        _line(figure, name, x, fit.pdf(x), style, hover="λ = %{x:.3f}<br>%{y:.3f} per unit λ")
    return figure


def moment_ladder_figure(degrees, divergences, *, marked=(), title="Divergence from the law"):
    """``KL(law || fit)`` against the number of moments; the `marked` numbers with their values."""
    degrees, divergences = np.asarray(degrees), np.asarray(divergences)
    figure = _figure(title, theme.axis("number of moments m"), theme.axis("KL(law ‖ fit), nats", type="log", dtick=1))
    style = theme.ROLES["maxent"]
    _line(figure, "maximum entropy", degrees, divergences, style, hover="m = %{x}<br>%{y:.3g} nats",
          mode="lines+markers", showlegend=False)  # fmt: skip
    for m in marked:
        value = float(divergences[degrees == m][0])
        figure.add_annotation(
            x=m,
            y=np.log10(value),
            text=f"m = {m}: {value:.2g}",
            arrowhead=2,
            arrowcolor=EXACT.colour,
            ax=35,
            ay=-35,
            xanchor="left",
        )
    return figure


def convergence_figure(errors, bounds=None, *, goal=None, title="Error against products", quantity="relative error"):
    """Errors on a logarithmic axis against products.

    Parameters
    ----------
    errors, bounds : dict of str to (products, values, role)
        Bounds are thin and dotted.
    goal : float, optional
        A dashed line.
    """
    figure = _figure(
        title,
        theme.axis("products with the matrix", rangemode="tozero"),
        theme.axis(quantity, type="log", dtick=2, range=[-15.5, 0.8]),
    )
    dashes = iter(("solid", "dash", "dot", "dashdot", "longdash", "solid"))
    for name, (products, values, role) in errors.items():
        style = theme.ROLES[role]
        style = theme.Style(style.colour, next(dashes), 2.5)
        _line(
            figure,
            name,
            products,
            np.maximum(values, SMALLEST),
            style,
            hover=f"{name}<br>%{{x}} products<br>%{{y:.2g}}",
        )
    for name, (products, values, role) in (bounds or {}).items():
        style = theme.Style(theme.ROLES[role].colour, "dot", 1.2)
        _line(
            figure,
            name,
            products,
            np.maximum(values, SMALLEST),
            style,
            hover=f"{name}<br>%{{x}} products<br>%{{y:.2g}}",
        )
    if bounds:  # too many names for the room above on a narrow screen
        figure.update_layout(legend={"y": -0.22, "yanchor": "top"}, height=HEIGHT + 60, margin={"t": 60})
    if goal is not None:
        figure.add_hline(y=goal, line={"color": EXACT.colour, "dash": "dash", "width": 1})
    return figure


def facing_stems_figure(upper, lower, *, eigenvalues=None, title="Stems"):
    """Two sets of stems, one upwards, one downwards; exact eigenvalues as ticks between them.

    Parameters
    ----------
    upper, lower : (name, positions, weights)
    eigenvalues : (n,) array, optional
    """
    figure = _figure(title, theme.axis(theme.EIGENVALUE), theme.axis("weight (upwards and downwards)", tickformat="~g"))
    if eigenvalues is not None:
        figure.add_scatter(
            x=eigenvalues,
            y=np.zeros(len(eigenvalues)),
            mode="markers",
            name="exact eigenvalues",
            marker={"color": EXACT.colour, "symbol": "line-ns-open", "size": 14, "opacity": 0.35},
            hovertemplate="λ = %{x:.6g}<extra>exact</extra>",
        )
    for (name, positions, weights), role, sign in ((upper, "stems", 1.0), (lower, "smoothed", -1.0)):
        style = theme.ROLES[role]
        figure.add_scatter(
            x=positions,
            y=sign * np.asarray(weights),
            customdata=weights,
            mode="markers",
            name=name,
            marker={"color": style.colour, "symbol": "circle-open" if sign > 0 else "diamond-open", "size": 8},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": np.zeros(len(weights)) if sign > 0 else np.asarray(weights),
                "arrayminus": np.asarray(weights) if sign > 0 else np.zeros(len(weights)),
                "width": 0,
                "thickness": 1.5,
                "color": style.colour,
            },
            hovertemplate="λ = %{x:.6g}<br>weight %{customdata:.3g}<extra></extra>",
        )
    return figure


def top_eigenvalues_figure(top, ritz, *, title="Ritz values and the largest eigenvalues"):
    """The ``m`` largest eigenvalues and the ``m`` Ritz values, each in descending order; a line at the m-th eigenvalue."""
    rank = np.arange(1, len(top) + 1)
    figure = _figure(title, theme.axis("place in descending order"), theme.axis(theme.EIGENVALUE))
    _line(figure, f"the {len(top)} largest eigenvalues", rank, top, EXACT, hover="no. %{x}: λ = %{y:.4g}",
          mode="markers")  # fmt: skip
    _line(figure, f"the {len(ritz)} Ritz values", np.arange(1, len(ritz) + 1), ritz, theme.ROLES["stems"],
          hover="no. %{x}: θ = %{y:.4g}", mode="markers")  # fmt: skip
    figure.add_hline(y=top[-1], line={"color": EXACT.colour, "dash": "dash", "width": 1})
    return figure


def cumulative_figure(curves, *, title="Share of the spectrum below λ"):
    """Distribution functions as steps.

    Parameters
    ----------
    curves : dict of str to (positions, weights, role)
    """
    figure = _figure(
        title, theme.axis(theme.EIGENVALUE), theme.axis("share of all eigenvalues below λ", range=[-0.02, 1.02])
    )
    ends = [f(positions) for positions, *_ in curves.values() for f in (np.min, np.max)]
    a, b = min(ends), max(ends)
    margin = 0.03 * (b - a)
    for name, (positions, weights, role) in curves.items():
        order = np.argsort(positions)
        x = np.r_[a - margin, np.asarray(positions)[order], b + margin]
        y = np.r_[0.0, np.cumsum(np.asarray(weights)[order])]
        style = theme.ROLES[role]
        width = 4.0 if role == "exact" else 2.0
        figure.add_scatter(
            x=x,
            y=np.r_[y, y[-1]],
            mode="lines",
            name=name,
            line={
                "color": style.colour,
                "dash": "dash" if role == "smoothed" else "solid",
                "width": width,
                "shape": "hv",
            },
            hovertemplate=f"{name}<br>%{{y:.1%}} below λ = %{{x:.4g}}<extra></extra>",
        )
    return figure


def distances_figure(cases, distances, *, title="How far apart?"):
    """Distances of several pairs on a logarithmic axis, with two standard errors.

    Parameters
    ----------
    cases : sequence of str
    distances : dict of str to (values, standard errors or None, role)
    """
    figure = _figure(
        title,
        theme.axis(
            "", type="category", tickvals=list(cases), ticktext=[name.replace(" ", "<br>", 1) for name in cases]
        ),
        theme.axis("distance (nats; W₁ in units of λ)", type="log", dtick=1),
    )
    for (name, (values, errors, role)), symbol in zip(
        distances.items(), ("x", "circle", "square", "diamond", "cross"), strict=False
    ):
        style = theme.ROLES[role]
        values = np.maximum(np.asarray(values, dtype=np.float64), 1e-9)
        bars = None
        if errors is not None:
            whisker = 2.0 * np.asarray(errors)
            bars = {
                "type": "data",
                "array": whisker,
                "arrayminus": np.minimum(whisker, 0.9 * values),
                "symmetric": False,
            }
        figure.add_scatter(
            x=list(cases),
            y=values,
            error_y=bars,
            mode="lines+markers",
            name=name,
            line={"color": theme.faded(style.colour, 0.5), "dash": "dot", "width": 1.5},
            marker={"color": style.colour, "symbol": symbol, "size": 11},
            hovertemplate=f"{name}<br>%{{x}}: %{{y:.3g}}<extra></extra>",
        )
    return figure


def trace_error_figure(sizes, measured, standard_errors, curves, *, title="Error of the trace from one probe"):
    """Measured root mean square errors with two standard errors, over theory, on logarithmic axes.

    Parameters
    ----------
    sizes, measured, standard_errors : (k,) arrays
    curves : dict of str to ((k,) array, role)
    """
    figure = _figure(
        title,
        theme.axis("order n of the matrix", type="log", tickvals=list(sizes)),
        theme.axis("relative error of tr A", type="log", dtick="D2"),
    )
    for (name, (values, role)), dash in zip(curves.items(), ("solid", "dot"), strict=False):
        style = theme.Style(theme.ROLES[role].colour, dash, 2.5)
        _line(figure, name, sizes, values, style, hover=f"{name}<br>n = %{{x}}: %{{y:.3g}}")
    style = theme.ROLES["stems"]
    figure.add_scatter(
        x=sizes,
        y=measured,
        error_y={"type": "data", "array": 2.0 * np.asarray(standard_errors)},
        mode="markers",
        name="measured ± 2 standard errors",
        marker={"color": style.colour, "symbol": "circle-open", "size": 9},
        hovertemplate="n = %{x}: %{y:.3g} ± %{error_y.array:.1g}<extra>measured</extra>",
    )
    return figure


def probabilities_figure(labels, columns, *, title="Probabilities", axis=""):
    """Bars of several distributions on the same outcomes.

    Parameters
    ----------
    labels : sequence of str
    columns : dict of str to ((n,) array, role)
        The first one, the prior, as outlines.
    """
    figure = _figure(title, theme.axis(axis, type="category"), theme.axis("probability", rangemode="tozero"))
    figure.update_layout(barmode="group", bargap=0.25)
    for place, (name, (values, role)) in enumerate(columns.items()):
        colour = theme.ROLES[role].colour
        figure.add_bar(
            x=list(labels),
            y=values,
            name=name,
            marker={
                "color": theme.faded(colour, 0.15 if place == 0 else 0.75),
                "line": {"color": colour, "width": 2},
                "pattern": {"shape": ("", "", "/")[place % 3]},
            },
            text=[f"{value:.3f}" for value in values] if place else None,
            textposition="outside",
            textfont={"size": theme.FONT_SIZE - 4},
            constraintext="none",
            textangle=0,
            cliponaxis=False,
            hovertemplate=f"{name}<br>%{{x}}: %{{y:.4f}}<extra></extra>",
        )
    return figure
