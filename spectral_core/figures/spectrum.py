"""A spectrum as a picture: exact histogram, atoms, Lanczos stems and density curves with their error bands."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.figures.sampling import grid, histogram, known_atoms, merged_stems
from spectral_core.polynomials import checked_interval

__all__ = ["spectrum_figure", "stem_figure", "zoom_figure"]


def spectrum_figure(
    *,
    interval,
    stems=None,
    densities=None,
    eigenvalues=None,
    bins=100,
    bands=True,
    x=None,
    window=None,
    title="Spectrum",
):
    """Densities on the left axis, masses on the right one.

    Parameters
    ----------
    interval : (float, float)
        Holds the spectrum.
    stems : Quadrature, optional
        Drawn as weights; stems of different probes within 1/200 of the interval are one.
    densities : dict of str to Density, optional
        Curves show the continuous part; atoms are drawn once, as lollipops with their mass.
    eigenvalues : (n,) array, optional
        All of them, for a histogram whose area is 1 less the atoms.
    bins : int
    bands : bool
        Whether to draw plus and minus two standard errors.
    x : (k,) array, optional
        Where to evaluate the densities.
    window : (float, float), optional
        Show this part of the interval only.
    title : str

    Returns
    -------
    plotly.graph_objects.Figure
    """
    densities = densities or {}
    interval = checked_interval(interval)
    shown = interval if window is None else checked_interval(window)
    atoms = known_atoms(stems, densities)
    inside = (atoms[:, 0] >= shown[0]) & (atoms[:, 0] <= shown[1])
    x = (
        grid(shown, near=0.05 if window is None else 0.0, densities=densities.values())
        if x is None
        else np.asarray(x, dtype=np.float64)
    )
    figure = go.Figure(layout=_layout(title, shown))
    if eigenvalues is not None:
        figure.add_trace(_bars(histogram(eigenvalues, interval=shown, bins=bins, atoms=atoms)))
    for name, style in theme.styles(densities).items():
        for trace in _curve(name, densities[name], style, x, bands):
            figure.add_trace(trace)
    if stems is not None:
        merged = merged_stems(stems, interval=interval)
        keep = (merged.positions >= shown[0]) & (merged.positions <= shown[1])
        if keep.any():
            figure.add_trace(
                _lollipops("Lanczos stems (right axis)", merged.positions[keep], merged.weights[keep], "stems")
            )
    if inside.any():
        figure.add_trace(_lollipops("known atoms (right axis)", *atoms[inside].T, "atom"))
        for position, mass in atoms[inside]:
            figure.add_annotation(
                x=position, y=mass, yref="y2", text=f"{mass:.3g}", showarrow=False, yshift=14, xshift=12
            )
    masses = np.r_[merged.weights[keep] if stems is not None else [], atoms[inside, 1]]
    figure.update_yaxes(range=[0.0, 1.6 * masses.max(initial=0.0) or 1.0], selector={"side": "right"})
    figure.update_layout(yaxis2_visible=bool(len(masses)))
    return figure


def zoom_figure(*, interval, share=0.05, title=None, **settings):
    """`spectrum_figure` of the first `share` of the interval, drawn anew at the finer scale; heights stay comparable."""
    a, b = checked_interval(interval)
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must be above 0 and at most 1; got {share:g}.")
    title = f"The first {100 * share:g} % of the spectrum" if title is None else title
    return spectrum_figure(interval=(a, b), window=(a, a + share * (b - a)), title=title, **settings)


def stem_figure(quadrature, *, bins=200, title="Lanczos quadrature"):
    """Stems with plus and minus two standard errors over the probes; atoms beside them. All masses sum to 1.

    Parameters
    ----------
    quadrature : Quadrature
    bins : int
        Stems within ``1 / bins`` of the range are one.
    """
    stems = merged_stems(quadrature, bins=bins)
    figure = go.Figure()
    name = "mean over 1 probe (no error bars)"
    if quadrature.probes > 1:
        name = f"mean over {quadrature.probes} probes ± 2 standard errors"
        style = theme.ROLES["stems"]
        whisker = 2.0 * stems.standard_error
        error = {"type": "data", "array": whisker, "arrayminus": np.minimum(whisker, stems.weights), "width": 4}
        figure.add_trace(
            go.Scatter(
                x=stems.positions,
                y=stems.weights,
                error_y=error | {"thickness": 2.0, "color": theme.faded(style.colour, 0.6)},
                mode="markers",
                marker={"size": 1, "color": style.colour},
                name="± 2 standard errors",
                showlegend=False,
                hoverinfo="skip",
            )
        )
    figure.add_trace(_lollipops(name, stems.positions, stems.weights, "stems", error=stems.standard_error, axis="y"))
    if len(quadrature.atoms):
        figure.add_trace(_lollipops("known atoms", *quadrature.atoms.T, "atom", axis="y"))
    figure.update_layout(theme.layout(title))
    figure.update_xaxes(theme.axis(theme.EIGENVALUE))
    figure.update_yaxes(theme.axis(theme.WEIGHT, rangemode="tozero"))
    return figure


def _layout(title, shown):
    return theme.layout(title, revision=f"{shown[0]:g} to {shown[1]:g}", barmode="overlay", bargap=0) | {
        "xaxis": theme.axis(theme.EIGENVALUE, range=_widened(shown)),
        "yaxis": theme.axis(theme.DENSITY, rangemode="tozero"),
        "yaxis2": theme.axis(
            theme.WEIGHT, overlaying="y", side="right", rangemode="tozero", tickmode="auto", showgrid=False
        ),
    }


def _widened(shown):
    margin = 0.02 * (shown[1] - shown[0])
    return [shown[0] - margin, shown[1] + margin]


def _bars(bars):
    style = theme.ROLES["exact"]
    return go.Bar(
        x=(bars.edges[1:] + bars.edges[:-1]) / 2.0,
        y=bars.density,
        width=np.diff(bars.edges),
        customdata=bars.counts,
        marker={"color": theme.faded(style.colour, 0.4), "line": {"width": 0.5, "color": style.colour}},
        name=f"exact histogram (n = {bars.size})",
        hovertemplate="λ = %{x:.4g}<br>%{y:.3g} per unit λ<br>%{customdata:.0f} eigenvalues<extra>exact</extra>",
    )


def _curve(name, density, style, x, bands):
    y = density.pdf(x)
    error = density.standard_error(x) if bands else np.zeros_like(x)
    known = np.isfinite(error).all()
    if bands and known and error.max(initial=0.0) > 0:
        upper, lower = y + 2.0 * error, np.maximum(y - 2.0 * error, 0.0)
        label = f"{name} ± 2 standard errors"
        yield go.Scatter(**theme.band(x, upper, lower, style.colour, 0.25, name=label, legendgroup=name))
    yield go.Scatter(
        x=x,
        y=y,
        customdata=2.0 * error if known else None,
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "width": style.width},
        name=name if known else f"{name} (one probe: no error band)",
        legendgroup=name,
        hovertemplate="λ = %{x:.4g}<br>%{y:.3g}"
        + (" ± %{customdata:.2g}" if known and bands else "")
        + " per unit λ<extra></extra>",
    )


def _lollipops(name, positions, weights, role, *, error=None, axis="y2"):
    """Stems down to 0 as error bars of markers: one trace, no gaps to encode."""
    style = theme.ROLES[role]
    known = error is not None and np.isfinite(error).all()
    return go.Scatter(
        x=positions,
        y=weights,
        yaxis=axis,
        customdata=2.0 * error if known else None,
        mode="markers",
        marker={"color": style.colour, "symbol": style.symbol, "size": 11 if role == "atom" else 6},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.zeros(len(weights)),
            "arrayminus": weights,
            "width": 0,
            "thickness": style.width,
            "color": style.colour,
        },
        name=name,
        hovertemplate="λ = %{x:.4g}<br>weight %{y:.3g}" + (" ± %{customdata:.2g}" if known else "") + "<extra></extra>",
    )
