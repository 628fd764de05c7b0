"""Counting clusters in pictures: the counting function and its plateau, densities near 0, counts against moments."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from spectral_core.figures import theme

__all__ = ["count_figure", "counting_figure", "counting_table", "density_figure", "error_figure"]

COUNT = "eigenvalues below λ"
CLUSTERS = "clusters counted"
FLOOR = 1e-4  # what is drawn for an error of 0 on a logarithmic axis


def counting_figure(count, *, eigenvalues=None, window=None, title="How many eigenvalues lie below λ?"):
    """``N(lambda)`` with two standard errors, shaded to lambda*, its plateau marked, an inset near 0, stems above.

    Parameters
    ----------
    count : ClusterCount
        With moments.
    eigenvalues : (k,) array, optional
        The smallest ones or all of them, exactly.
    window : float, optional
        Largest lambda shown; by default a little more than twice the end of the gap.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    counting, plateau = count.counting, count.plateau
    known = np.isfinite(count.threshold)
    window = _window(count) if window is None else window
    stop = min(np.searchsorted(counting.eigenvalues, window) + 1, len(counting.eigenvalues))
    x, y = counting.eigenvalues[:stop], counting.counts[:stop]
    band = np.where(np.isfinite(counting.standard_error[:stop]), 2.0 * counting.standard_error[:stop], 0.0)
    rows = 1 if eigenvalues is None else 2
    figure = make_subplots(
        rows, 1, shared_xaxes=True, row_heights=[1.0] if rows == 1 else [0.13, 0.87], vertical_spacing=0.03
    )
    style, grey = theme.ROLES["kernel polynomial"], theme.ROLES["exact"]
    if rows == 2:
        figure.add_trace(_stems(eigenvalues, window), row=1, col=1)
        figure.update_yaxes(visible=False, range=[0, 1.2], fixedrange=True, row=1, col=1)
    for trace in _band(x, y, band, style, "estimate ± 2 standard errors"):
        figure.add_trace(trace, row=rows, col=1)
    if eigenvalues is not None:
        figure.add_trace(_staircase(eigenvalues, window, grey), row=rows, col=1)
    name = f"N(λ), m = {counting.degree}"
    figure.add_trace(_line(x, y, style, name, band), row=rows, col=1)
    top = float(y[-1])
    if known and count.clear:
        top = min(top, 2.5 * max(count.value, 1.0))
        inside = x <= count.threshold
        figure.add_trace(_area(x[inside], y[inside], style), row=rows, col=1)
        _mark(figure, count.threshold, f"λ* = {count.threshold:.3g}", rows)
    if plateau is not None and plateau.clear:
        figure.add_vrect(
            x0=plateau.start, x1=min(plateau.end, window), fillcolor=theme.faded(grey.colour, 0.13), line_width=0,
            row=rows, col=1, annotation_text="gap", annotation_position="bottom right", annotation_font_size=14,
        )  # fmt: skip
    figure.update_layout(theme.layout(title, revision=f"{window:.4g}"), height=560 if rows == 2 else 500)
    figure.update_xaxes(range=[-0.01 * window, window], showgrid=rows == 1)
    figure.update_xaxes(theme.axis(theme.EIGENVALUE, range=[-0.01 * window, window]), row=rows, col=1)
    figure.update_yaxes(theme.axis(COUNT, range=[0.0, 1.08 * top]), row=rows, col=1)
    if known and plateau is not None and plateau.clear:
        _inset(figure, count, eigenvalues, style, low=count.value > 0.5 * top)
    return figure


def _window(count):
    plateau = count.plateau
    if not count.clear:
        return 0.25
    if plateau is not None:
        return min(2.0, max(1.6 * plateau.end, 0.01))
    return min(2.0, max(5.0 * count.threshold, 0.01))


def _inset(figure, count, eigenvalues, style, *, low):
    """The low end, up to where the clusters' own eigenvalues end, in a corner that the curve leaves free."""
    counting = count.counting
    end = min(max(0.3 * count.threshold, 1e-5), 2.0)
    keep = counting.eigenvalues <= end
    if keep.sum() < 3:
        return
    x, y = counting.eigenvalues[keep], counting.counts[keep]
    figure.add_trace(
        go.Scatter(x=x, y=y, xaxis="x9", yaxis="y9", mode="lines", line={"color": style.colour, "width": 2},
                   showlegend=False, hoverinfo="skip")
    )  # fmt: skip
    if eigenvalues is not None:
        steps = _staircase(eigenvalues, end, theme.ROLES["exact"])
        steps.update(xaxis="x9", yaxis="y9", showlegend=False)
        figure.add_trace(steps)
    small = {
        "tickfont": {"size": 11},
        "gridcolor": theme.GRID,
        "showline": True,
        "mirror": True,
        "linecolor": theme.GRID,
        "exponentformat": "power",
    }
    title = {"text": "near 0", "font": {"size": 12}, "standoff": 2}
    height = [0.14, 0.41] if low else [0.53, 0.8]
    figure.update_layout(
        xaxis9=small | {"domain": [0.12, 0.4], "anchor": "y9", "range": [0, end], "nticks": 4, "title": title},
        yaxis9=small | {"domain": height, "anchor": "x9", "range": [0, 1.15 * max(count.value, 1.0)], "nticks": 4},
    )


def density_figure(densities, counts, *, atoms=None, eigenvalues=None, window=0.25, title="Density near 0"):
    """Densities near 0, each shaded up to its own lambda*: the shaded mass times n is its count (thesis Figures 3.6, 3.7).

    Parameters
    ----------
    densities : dict of str to Density
    counts : dict of str to ClusterCount
        For those that have a threshold.
    atoms : (k, 2) array, optional
        Known eigenvalues beside the densities that do not hold them: position and mass, drawn as stems with their mass.
    eigenvalues : (k,) array, optional
    window : float
    """
    rows = 1 if eigenvalues is None else 2
    figure = make_subplots(
        rows, 1, shared_xaxes=True, row_heights=[1.0] if rows == 1 else [0.13, 0.87], vertical_spacing=0.03
    )
    if rows == 2:
        figure.add_trace(_stems(eigenvalues, window), row=1, col=1)
        figure.update_yaxes(visible=False, range=[0, 1.2], fixedrange=True, row=1, col=1)
    x = window * (1.0 - np.cos(np.linspace(0.0, np.pi / 2.0, 900)))
    highest = []
    for name, style in theme.styles(densities).items():
        y = np.maximum(densities[name].pdf(x[1:]), 1e-12)
        highest.append(y.max())
        count = counts.get(name)
        if count is not None and np.isfinite(count.threshold):
            inside = x[1:] <= count.threshold
            figure.add_trace(_area(x[1:][inside], y[inside], style), row=rows, col=1)
            if count.threshold < window:
                line = {"color": style.colour, "dash": style.dash, "width": 1.5}
                figure.add_vline(x=count.threshold, line=line, row=rows, col=1)
        label = name if count is None or not np.isfinite(count.value) else f"{name}: {count.value:,.4g}"
        figure.add_trace(_line(x[1:], y, style, label, None), row=rows, col=1)
    floor = min(1e-5 * max(highest), 1e-3)
    for position, mass in atoms if atoms is not None else ():
        if position <= window:
            figure.add_trace(
                go.Scatter(x=[position] * 2, y=[floor, max(highest)], mode="lines+markers", showlegend=False,
                           line={"color": theme.ROLES["atom"].colour, "width": 3}, marker={"symbol": "diamond", "size": 9},
                           hovertemplate=f"known exactly at λ = {position:g}: mass {mass:.3g}<extra></extra>"),
                row=rows, col=1,
            )  # fmt: skip
    figure.update_layout(theme.layout(title), height=580 if rows == 2 else 520)
    figure.update_xaxes(theme.axis(theme.EIGENVALUE, range=[-0.01 * window, window]), row=rows, col=1)
    low = np.log10(floor)
    figure.update_yaxes(
        theme.axis("density (share per unit λ)", type="log", range=[low, np.log10(3.0 * max(highest))], dtick=1),
        row=rows, col=1,
    )  # fmt: skip
    return figure


def count_figure(ladder, *, truth=None, title="Clusters counted with m moments"):
    """Counts with two standard errors against m.

    Parameters
    ----------
    ladder : dict of str to list of (m, ClusterCount)
        By name of the method; counts without a clear gap are left out.
    truth : (float, str), optional
        The number and how it is known.
    """
    figure = go.Figure()
    for (name, found), style in zip(ladder.items(), _styles(ladder), strict=True):
        m, value, error = _points(found)
        figure.add_trace(
            go.Scatter(x=m, y=value, name=name, mode="lines+markers", customdata=2 * error,
                       error_y={"type": "data", "array": 2 * error, "width": 4, "color": style.colour},
                       line={"color": style.colour, "dash": style.dash, "width": style.width},
                       marker={"symbol": style.symbol, "size": 8, "color": style.colour},
                       hovertemplate="m = %{x}<br>%{y:,.5g} ± %{customdata:.2g}<extra>" + name + "</extra>")
        )  # fmt: skip
    if truth is not None:
        figure.add_trace(_level(ladder, truth[0], f"{truth[1]}: {truth[0]:,}", "solid"))
    figure.update_layout(theme.layout(title), margin_t=150, height=540)  # five names are five rows on a phone
    figure.update_xaxes(theme.axis("number of moments m (Lanczos: steps)"))
    values = np.concatenate([_points(found)[1] for found in ladder.values()] + [[] if truth is None else [truth[0]]])
    wide = len(values) > 0 and values.max() > 100 * max(values.min(), 1e-3)
    figure.update_yaxes(theme.axis(CLUSTERS, **({"type": "log", "dtick": 1} if wide else {"rangemode": "tozero"})))
    return figure


def error_figure(ladder, truth, *, probes=None, title="Error of the count (Figure 3.5)"):
    """``|N / truth - 1|`` on a logarithmic axis against m; arguments as in `count_figure`.

    With `probes`, the floor ``sqrt(2 / (probes truth))`` is drawn, below which a count gets by luck alone.
    """
    figure = go.Figure()
    lowest = 1e-2
    for (name, found), style in zip(ladder.items(), _styles(ladder), strict=True):
        m, value, error = _points(found)
        y = np.abs(value / truth[0] - 1.0)
        lowest = min(lowest, y[y > 0].min(initial=1.0))
        figure.add_trace(
            go.Scatter(x=m, y=np.maximum(y, FLOOR), name=name, mode="lines+markers", customdata=error / truth[0],
                       line={"color": style.colour, "dash": style.dash, "width": style.width},
                       marker={"symbol": style.symbol, "size": 8, "color": style.colour},
                       hovertemplate="m = %{x}<br>off by %{y:.2%}<br>one standard error: %{customdata:.2%}<extra>" + name
                       + "</extra>")
        )  # fmt: skip
    if probes is not None:
        figure.add_trace(_level(ladder, np.sqrt(2.0 / (probes * truth[0])), f"floor of {probes} probes", "dot"))
    low = np.log10(max(FLOOR, lowest)) - 0.2
    figure.update_layout(theme.layout(title), margin_t=150, height=540)  # five names are five rows on a phone
    figure.update_xaxes(theme.axis("number of moments m (Lanczos: steps)"))
    figure.update_yaxes(theme.axis("relative error |N / truth − 1|", type="log", range=[min(low, -2.2), 0.3], dtick=1))
    return figure


def counting_table(count):
    """The counting function as a pandas.DataFrame: lambda, count, standard error, and the part known exactly."""
    import pandas as pd  # half a second, and only a download needs it

    counting = count.counting
    return pd.DataFrame(
        {
            "lambda": counting.eigenvalues,
            "count": counting.counts,
            "standard_error": np.where(np.isfinite(counting.standard_error), counting.standard_error, np.nan),
            "known_exactly": counting.known,
        }
    )


METHOD_STYLES = {
    "plateau": ("kernel polynomial", "dashdot", "diamond"),
    "first minimum": ("maxent", "solid", "circle"),
    "deepest minimum": ("maxent", "dash", "square"),
    "lanczos": ("smoothed", "dash", "triangle-up"),
}


def _styles(ladder):
    for name in ladder:
        key = next((key for key in METHOD_STYLES if key in name.casefold()), None)
        role, dash, symbol = METHOD_STYLES.get(key, ("other", "dot", "x"))
        yield theme.Style(theme.ROLES[role].colour, dash, 2.5, symbol)


def _level(ladder, y, name, dash):
    orders = [m for found in ladder.values() for m, _ in found]
    style = theme.ROLES["exact"]
    return go.Scatter(
        x=[min(orders), max(orders)], y=[y, y], mode="lines", name=name, hoverinfo="name",
        line={"color": style.colour, "dash": dash, "width": 2},
    )  # fmt: skip


def _points(found):
    kept = [(m, one.value, one.standard_error) for m, one in found if one.clear and np.isfinite(one.value)]
    m, value, error = np.array(kept, dtype=np.float64).reshape(-1, 3).T
    return m, value, np.where(np.isfinite(error), error, 0.0)


def _stems(eigenvalues, window):
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64))
    values = np.maximum(values[values <= window], 0.0)
    style = theme.ROLES["exact"]
    return go.Scatter(
        x=values,
        y=np.ones(len(values)),
        customdata=np.arange(1, len(values) + 1),
        mode="markers",
        marker={"size": 4, "color": style.colour},
        error_y={"type": "data", "symmetric": False, "array": np.zeros(len(values)), "arrayminus": np.ones(len(values)),
                 "width": 0, "thickness": 1.2, "color": style.colour},
        name="exact eigenvalues",
        hovertemplate="eigenvalue %{customdata}: %{x:.5g}<extra>exact</extra>",
    )  # fmt: skip


def _staircase(eigenvalues, window, style):
    values = np.maximum(np.sort(np.asarray(eigenvalues, dtype=np.float64)), 0.0)
    inside = values[values <= window]
    x, y = np.r_[0.0, inside, window], np.r_[0, np.arange(1, len(inside) + 1), len(inside)]
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": style.colour, "width": 2, "shape": "hv"}, name="exact N(λ)",
        hovertemplate="λ = %{x:.4g}<br>%{y} eigenvalues<extra>exact</extra>",
    )  # fmt: skip


def _band(x, y, band, style, name):
    if band.max(initial=0.0) > 0:
        yield go.Scatter(**theme.band(x, y + band, np.maximum(y - band, 0.0), style.colour, 0.25, name=name))


def _line(x, y, style, name, band):
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": style.colour, "dash": style.dash, "width": style.width}, name=name,
        customdata=band, hovertemplate="λ = %{x:.4g}<br>%{y:,.5g}" + ("" if band is None else " ± %{customdata:.2g}")
        + "<extra></extra>",
    )  # fmt: skip


def _area(x, y, style):
    return go.Scatter(
        x=x, y=y, mode="lines", line={"width": 0}, fill="tozeroy", fillcolor=theme.faded(style.colour, 0.3),
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip


def _mark(figure, x, text, row):
    style = theme.ROLES["other"]
    figure.add_vline(
        x=x, line={"color": style.colour, "dash": "dot", "width": 2}, row=row, col=1, annotation_text=text,
        annotation_position="top", annotation_font_size=15,
    )  # fmt: skip
