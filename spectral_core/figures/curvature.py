"""Curvature spectra: stems on a logarithmic axis, several below each other, curves over each other, and a run's epochs."""

from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from spectral_core.figures import theme

__all__ = [
    "differences_figure",
    "eigenvector_figure",
    "epochs_figure",
    "resampled_figure",
    "smoothed_figure",
    "stem_panels_figure",
    "stems_of",
    "training_figure",
]

ROLES = ("maxent", "smoothed", "kernel polynomial", "stems", "other", "exact")
PANEL = 210  # pixels
LEAST = 1e-9  # of all eigenvalues: no stem is drawn below


def stem_panels_figure(spectra, *, threshold=None, title="Spectra", bins=400):
    """Each spectrum as stems on a logarithmic weight axis, one below the other on one axis of eigenvalues.

    Parameters
    ----------
    spectra : dict of str to Quadrature or (k,) array
        An array is of all eigenvalues, or of the entries of a diagonal that stands for them; each has the weight 1/k, and
        those within a bin are one stem.
    threshold : float, optional
        A horizontal line at this weight: kappa / P of the thesis's Figure 6.1.
    title : str
    bins : int
        Stems within ``1 / bins`` of the common range are one.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    stems, _, floor = _common(spectra, threshold, bins)
    figure = make_subplots(
        rows=len(stems),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=min(0.08, 0.3 / len(stems)),
        subplot_titles=[escape(name) for name in stems],
    )
    for row, (name, (x, w)) in enumerate(stems.items(), 1):
        figure.add_trace(_lollipops(x, w, floor, theme.ROLES[ROLES[(row - 1) % len(ROLES)]], name), row=row, col=1)
        if threshold:
            figure.add_hline(y=threshold, line={"dash": "dash", "width": 1.5, "color": "#7f7f7f"}, row=row, col=1)
    figure.update_layout(
        theme.layout(title, revision=" ".join(stems), height=110 + PANEL * len(stems), showlegend=False)
        | {"margin": {"l": 70, "r": 20, "t": 80, "b": 60}}
    )
    figure.update_annotations(font_size=theme.FONT_SIZE - 1)
    figure.update_yaxes(theme.axis("weight", type="log", range=[np.log10(floor), 0.3], dtick=2, exponentformat="power"))
    figure.update_xaxes(theme.axis(""))
    figure.update_xaxes(theme.axis(theme.EIGENVALUE), row=len(stems), col=1)
    return figure


def smoothed_figure(quadratures, *, sigma, title="Smoothed spectra", points=1200):
    """Smoothed densities of several spectra over each other, logarithmic, with bands of two standard errors.

    Parameters
    ----------
    quadratures : dict of str to Quadrature
    sigma : float
        Width of the Gaussian, in the units of the eigenvalues.
    """
    ends = [_ends(q) for q in quadratures.values()]
    low, high = min(a for a, _ in ends) - 4 * sigma, max(b for _, b in ends) + 4 * sigma
    x = np.linspace(low, high, points)
    figure = go.Figure(layout=theme.layout(title, subtitle=f"σ = {sigma:.3g}", revision=" ".join(quadratures)))
    lowest = np.inf
    for place, (name, q) in enumerate(quadratures.items()):
        style = theme.ROLES[ROLES[place % len(ROLES)]]
        density = q.density(sigma)
        y, error = density.pdf(x), density.standard_error(x)
        lowest = min(lowest, 1.0 / (q.size * sigma))
        if np.isfinite(error).all():
            upper, lower = y + 2 * error, np.maximum(y - 2 * error, 1e-3 * lowest)
            figure.add_scatter(**theme.band(x, upper, lower, style.colour, legendgroup=name))
        line = {"color": style.colour, "dash": style.dash, "width": style.width}
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, name=escape(name), legendgroup=name))
    figure.update_xaxes(theme.axis(theme.EIGENVALUE))
    top = np.log10(max(trace.y.max() for trace in figure.data)) + 0.2
    figure.update_yaxes(theme.axis(theme.DENSITY, type="log", range=[np.log10(lowest) - 1.0, top], dtick=1))
    return figure


def resampled_figure(quadrature, resamples, *, sigma, interval, points=1200):
    """The smoothed density with its band over probes, and over it those of resampled data: two sources of error.

    Parameters
    ----------
    quadrature : Quadrature
        Of the data themselves.
    resamples : sequence of Quadrature
        One Lanczos run each, from one start vector.
    sigma : float
    interval : (float, float)
    """
    figure = smoothed_figure({"the data, band over probes": quadrature}, sigma=sigma, title="Resampled data")
    x = np.linspace(*interval, points)
    style = theme.ROLES["kernel polynomial"]
    for place, q in enumerate(resamples):
        line = {"color": style.colour, "width": 1.2, "dash": style.dash}
        name = f"resampled data ({len(resamples)})"
        figure.add_trace(
            go.Scatter(x=x, y=q.smoothed(x, sigma), mode="lines", line=line, name=name, legendgroup="resampled",
                       showlegend=not place, hoverinfo="skip")
        )  # fmt: skip
    return figure


def eigenvector_figure(pairs, shapes):
    """``||v_i on layer||^2``: how much of each eigenvector lies in each parameter, a row a parameter.

    Parameters
    ----------
    pairs : Eigenpairs
    shapes : dict of str to shape
        Of the parameters, in the order of the vector.
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    squares = np.square(pairs.vectors) / np.square(pairs.vectors).sum(axis=0)
    share = np.add.reduceat(squares, np.r_[0, ends[:-1]], axis=0)
    random = np.diff(np.r_[0, ends]) / ends[-1]
    columns = [f"λ{i + 1} = {value:.3g}" for i, value in enumerate(pairs.values)]
    figure = go.Figure(
        go.Heatmap(
            z=np.column_stack([share, random]),
            x=[*columns, "random vector"],
            y=[escape(name) for name in shapes],
            zmin=0.0,
            zmax=1.0,
            colorscale="Cividis",
            colorbar={"title": {"text": "share"}},
            texttemplate="%{z:.2f}",
            hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
        )
    )
    figure.update_layout(
        theme.layout("Where the sharpest directions live", subtitle="share of the eigenvector's square in each parameter",
                     height=200 + 34 * len(shapes))
        | {"margin": {"l": 70, "r": 20, "t": 90, "b": 60}}
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", automargin=True, tickfont={"size": theme.FONT_SIZE - 2})
    figure.update_xaxes(automargin=True, tickfont={"size": theme.FONT_SIZE - 2})
    return figure


def differences_figure(errors, *, title="Products from differences of gradients"):
    """Relative error of central and one-sided differences against their step, both logarithmic.

    Parameters
    ----------
    errors : dict of str to FiniteDifferenceErrors
        By precision.
    """
    figure = go.Figure(layout=theme.layout(title, subtitle="against the exact product in float64"))
    for place, (name, one) in enumerate(errors.items()):
        style = theme.ROLES[ROLES[place]]
        for kind, values, dash in (("central", one.central, "solid"), ("one-sided", one.one_sided, "dot")):
            line = {"color": style.colour, "width": style.width, "dash": dash}
            marker = {"symbol": style.symbol if place else "diamond", "size": 6}
            label = f"{name}, {kind}"
            figure.add_trace(
                go.Scatter(x=one.steps, y=values, mode="lines+markers", line=line, marker=marker, name=label)
            )
    figure.update_xaxes(theme.axis("step h", type="log", dtick=2))
    figure.update_yaxes(theme.axis("relative error of the product", type="log", dtick=2))
    return figure


def epochs_figure(spectra, *, threshold=None, title="A run, epoch by epoch", bins=400):
    """Stems of a run's checkpoints as an animation, on axes that stay.

    Parameters
    ----------
    spectra : dict of int to Quadrature
        By epoch.
    threshold : float, optional
    """
    stems, (low, high), floor = _common(spectra, threshold, bins)
    style = theme.ROLES["stems"]
    frames = [
        go.Frame(data=[_lollipops(x, w, floor, style, f"epoch {epoch}")], name=str(epoch))
        for epoch, (x, w) in stems.items()
    ]
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    play = {"fromcurrent": True, "frame": {"duration": 700, "redraw": True}, "transition": {"duration": 0}}
    buttons = [
        {"label": "Play", "method": "animate", "args": [None, play]},
        {"label": "Pause", "method": "animate", "args": [[None], still]},
    ]
    slider = {
        "steps": [{"label": frame.name, "method": "animate", "args": [[frame.name], still]} for frame in frames],
        "currentvalue": {"prefix": "epoch "},
        "pad": {"t": 50},
        "x": 0.15,
        "len": 0.85,
    }
    figure = go.Figure(data=frames[0].data, frames=frames)
    figure.update_layout(
        theme.layout(title, revision=title, height=560, showlegend=False)
        | {
            "margin": {"l": 70, "r": 20, "t": 70, "b": 60},
            "sliders": [slider],
            "updatemenus": [
                {"type": "buttons", "direction": "left", "buttons": buttons, "x": 0.0, "y": -0.2, "xanchor": "left",
                 "yanchor": "top", "pad": {"t": 30}, "showactive": False}
            ],
        }
    )  # fmt: skip
    if threshold:
        figure.add_hline(y=threshold, line={"dash": "dash", "width": 1.5, "color": "#7f7f7f"})
    margin = 0.03 * (high - low) or 1.0
    figure.update_xaxes(theme.axis(theme.EIGENVALUE, range=[low - margin, high + margin]))
    figure.update_yaxes(theme.axis(theme.WEIGHT, type="log", range=[np.log10(floor), 0.3], dtick=1))
    return figure


def training_figure(table, *, title="Along the run", columns=2):
    """Every quantity of a run against the epoch, a panel each, with error bars.

    Parameters
    ----------
    table : dict of str to (epochs, values, errors)
        Title of a panel, with its unit: arrays of one length; errors are standard errors, None where there are none.
    """
    rows = -(-len(table) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes=True,
        subplot_titles=[escape(name) for name in table],
        vertical_spacing=min(0.1, 0.35 / rows),
        horizontal_spacing=0.12,
    )
    for place, (_, (epochs, values, errors)) in enumerate(table.items()):
        style = theme.ROLES[ROLES[place % len(ROLES)]]
        bars = None if errors is None else {"type": "data", "array": 2.0 * np.asarray(errors), "visible": True}
        figure.add_trace(
            go.Scatter(
                x=epochs,
                y=values,
                error_y=bars,
                mode="lines+markers",
                line={"color": style.colour, "width": 2},
                marker={"size": 8},
                showlegend=False,
            ),
            row=place // columns + 1,
            col=place % columns + 1,
        )
    figure.update_layout(
        theme.layout(title, subtitle="bars: ± 2 standard errors", revision=title, height=130 + 230 * rows)
        | {"margin": {"l": 70, "r": 20, "t": 110, "b": 60}}
    )
    figure.update_annotations(font_size=theme.FONT_SIZE - 1)
    figure.update_yaxes(theme.axis(""))
    figure.update_xaxes(theme.axis(""))
    figure.update_xaxes(theme.axis("epoch"), row=rows)
    return figure


def _ends(quadrature):
    x, _ = quadrature.stems()
    return float(x.min()), float(x.max())


def _common(spectra, threshold, bins):
    """Stems by name in common bins, the range that they share, and the floor of their logarithmic axis."""
    stems = {name: stems_of(one) for name, one in spectra.items()}
    everything = np.concatenate([x for x, _ in stems.values()])
    low, high = float(everything.min()), float(everything.max())
    width = (high - low) / bins or 1.0
    stems = {name: _binned(x, w, low, width) for name, (x, w) in stems.items()}
    floor = 0.3 * min([w.min() for _, w in stems.values()] + ([threshold] if threshold else []))
    return stems, (low, high), floor


def stems_of(spectrum):
    """Positions and weights, ascending, of a Quadrature, or of values that weigh the same each."""
    if hasattr(spectrum, "stems"):
        return spectrum.stems()
    values = np.sort(np.asarray(spectrum, dtype=np.float64).ravel())
    return values, np.full(len(values), 1.0 / len(values))


def _binned(x, w, low, width):
    place = np.floor((x - low) / width + 1e-9).astype(np.int64)
    mass = np.bincount(place, weights=w)
    centre = np.bincount(place, weights=w * x)
    there = mass > LEAST
    return centre[there] / mass[there], mass[there]


def _lollipops(x, w, floor, style, name):
    """Stems from the floor of a logarithmic axis, as error bars of markers."""
    return go.Scatter(
        x=x,
        y=w,
        mode="markers",
        marker={"color": style.colour, "symbol": style.symbol, "size": 6},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.zeros(len(w)),
            "arrayminus": np.maximum(w - 1e-3 * floor, 0.0),
            "width": 0,
            "thickness": 1.5,
            "color": style.colour,
        },
        name=escape(name),
        hovertemplate="λ = %{x:.4g}<br>weight %{y:.3g}<extra></extra>",
    )
