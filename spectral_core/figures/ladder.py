"""One spectrum, fitted with more and more moments: the thesis's Figures 3.1 to 3.3."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from spectral_core.figures import theme
from spectral_core.figures.sampling import grid, histogram

__all__ = ["divergence_figure", "ladder_figure"]


def ladder_figure(fits, *, interval, eigenvalues=None, law=None, bins=500, title="Maximum entropy with m moments"):
    """A panel for each number of moments: the fit over the exact histogram, with its divergence.

    Parameters
    ----------
    fits : dict of int to (Density, Density or None)
        Number of moments to the maximum-entropy density and, for comparison, the kernel polynomial's.
    interval : (float, float)
    eigenvalues : (n,) array, optional
        Exact ones; the divergence ``KL(histogram || density)``, in nats, is written above each panel.
    law : random-matrix law, optional
        Drawn instead of a histogram, with ``KL(law || density)``.
    bins : int or dict of int to int
        Of the histogram, the same for all or for each number of moments.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    orders = sorted(fits)
    columns = min(2, len(orders))
    rows = -(-len(orders) // columns)
    bins = bins if isinstance(bins, dict) else dict.fromkeys(orders, bins)
    headings = [_heading(m, *fits[m], interval, eigenvalues, law, bins[m]) for m in orders]
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=headings, vertical_spacing=0.16)
    height = 160 + 330 * rows
    figure.update_layout(theme.layout(title, revision="ladder", height=height, bargap=0, margin={"t": 140}))
    figure.update_layout(legend={"y": 1.0 + 45.0 / (height - 200)})  # above the headings of the panels
    x = grid(interval, densities=[fit for fit, _ in fits.values()])
    for place, m in enumerate(orders):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        first = place == 0
        top = 0.0
        if eigenvalues is not None:
            bars = histogram(eigenvalues, interval=interval, bins=bins[m], atoms=fits[m][0].atoms)
            style = theme.ROLES["exact"]
            top = np.quantile(bars.density[bars.density > 0], 0.995) if bars.density.any() else 0.0
            figure.add_bar(
                x=(bars.edges[1:] + bars.edges[:-1]) / 2,
                y=bars.density,
                width=np.diff(bars.edges),
                marker={"color": theme.faded(style.colour, 0.55), "line": {"width": 0}},
                name="exact histogram",
                legendgroup="exact",
                showlegend=first,
                **cell,
            )
        curves = {"maxent": ("maximum entropy", fits[m][0].pdf), "kernel polynomial": ("Jackson-KPM", None)}
        if fits[m][1] is not None:
            curves["kernel polynomial"] = ("Jackson-KPM", fits[m][1].pdf)
        if law is not None:
            curves["exact"] = ("the law", law.pdf)
        for role, (name, pdf) in curves.items():
            if pdf is None:
                continue
            style = theme.ROLES[role]
            y = pdf(x)
            if role != "kernel polynomial":  # whose ends may be infinite
                top = max(top, float(y.max()))
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                name=name,
                legendgroup=name,
                showlegend=first,
                line={"color": style.colour, "dash": style.dash, "width": max(style.width, 2.0)},
                **cell,
            )
        figure.update_xaxes(theme.axis(theme.EIGENVALUE), **cell)
        figure.update_yaxes(theme.axis("density (per unit λ)", range=[0.0, 1.1 * top]), **cell)
    return figure


def _heading(m, fit, series, interval, eigenvalues, law, bins):
    heading = f"m = {m}"
    if eigenvalues is not None:
        edges = np.linspace(*interval, bins + 1)
        heading += f": KL {fit.divergence_from(eigenvalues, edges):.4f}"
        if series is not None:
            heading += f" (Jackson-KPM {series.divergence_from(eigenvalues, edges):.4f})"
    if law is not None:
        heading += f": KL {law.kl(fit):.2g}"
    return heading


def divergence_figure(divergences, *, title="Divergence from the truth against the number of moments"):
    """``KL(truth || fit)`` in nats against the number of moments, both axes logarithmic.

    Parameters
    ----------
    divergences : dict of str to (orders, values)
    """
    roles = {"maximum entropy": "maxent", "Jackson-KPM": "kernel polynomial"}
    figure = go.Figure(layout=theme.layout(title, revision="divergence", height=400))
    for name, (orders, values) in divergences.items():
        style = theme.ROLES[roles.get(name, "other")]
        figure.add_scatter(
            x=list(orders),
            y=np.maximum(values, 1e-16),
            name=name,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": style.width},
            marker={"symbol": style.symbol},
        )
    figure.update_xaxes(theme.axis("number of moments m", type="log"))
    figure.update_yaxes(theme.axis("Kullback-Leibler divergence (nats)", type="log"))
    return figure
