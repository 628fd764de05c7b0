"""Two clusters joined by more and more edges: the eigenvalue that was 0, beside the bounds on it."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["before_after_figure", "influence_figure", "influence_table"]

CURVES = {  # field of LinkedClusters: (name, role, dash)
    "shift": ("truth: λ₂, which was 0", "exact", "solid"),
    "largest_shift": ("truth: largest shift of any λ", "atom", "dash"),
    "rayleigh": ("Rayleigh quotient (bounds λ₂)", "maxent", "solid"),
    "weyl": ("Weyl: norm of the change (bounds all)", "kernel polynomial", "dashdot"),
    "corollary": ("Corollary 3.1: E/d", "stems", "longdash"),
    "corrected": ("Theorem 3, factors put back", "other", "dot"),
    "thesis": ("Theorem 3 as printed", "smoothed", "dash"),
}
SYMBOLS = {"shift": "square", "largest_shift": "diamond-open"}
WIDE = 5.0  # pixels of the truth, so that a bound on top of it does not hide it
FLOOR = 1e-15  # what is not above rounding has no place on a logarithmic axis


def influence_figure(result, *, edges=None, title="The truth and the bounds"):
    """Every curve against the number E of edges, both axes logarithmic; a vertical line at `edges`.

    Parameters
    ----------
    result : LinkedClusters
    edges : int, optional
    title : str

    Returns
    -------
    plotly.graph_objects.Figure
    """
    joined = result.edges >= 1
    figure = go.Figure()
    for field, (name, role, dash) in CURVES.items():
        values = getattr(result, field)[joined]
        keep = values > FLOOR
        if not keep.any():
            continue
        style, x = theme.ROLES[role], result.edges[joined][keep]
        marked = field in SYMBOLS or len(x) == 1
        figure.add_scatter(
            x=x,
            y=values[keep],
            mode="lines+markers" if marked else "lines",
            line={"color": style.colour, "dash": dash, "width": WIDE if field == "shift" else max(style.width, 2.0)},
            marker={"symbol": SYMBOLS.get(field, style.symbol), "size": 8 * _spread(x), "color": style.colour},
            name=name,
            hovertemplate=f"{name}<br>E = %{{x:.0f}}<br>%{{y:.4g}}<extra></extra>",
        )
    if edges:
        figure.add_vline(x=edges, line={"color": theme.ROLES["exact"].colour, "width": 1, "dash": "dot"})
    figure.add_hline(
        y=2.0,
        line={"color": theme.ROLES["exact"].colour, "width": 1},
    )
    figure.add_annotation(
        text="2: the whole spectrum",
        x=1.0,
        xref="paper",
        xanchor="right",
        y=np.log10(2.0),  # of a logarithmic axis annotations want the logarithm, shapes the number
        yanchor="top",
        showarrow=False,
        font={"size": theme.FONT_SIZE - 3},
    )
    figure.update_layout(theme.layout(title, revision="influence", height=640))
    figure.update_layout(
        legend={"y": -0.17, "yanchor": "top", "font": {"size": theme.FONT_SIZE - 2}}, margin={"t": 60, "r": 20, "b": 20}
    )
    figure.update_xaxes(
        theme.axis("edges between the clusters E", type="log", dtick="D2" if joined.sum() > 1 else None)
    )
    figure.update_yaxes(theme.axis("shift of an eigenvalue λ", type="log", exponentformat="power", dtick=1))
    return figure


def _spread(x, ratio=1.25):
    """1 for a first point and each that lies `ratio` beyond the last marked one, else 0."""
    marks, last = np.zeros(len(x)), 0.0
    for i, value in enumerate(x):
        if value >= ratio * last:
            marks[i], last = 1.0, value
    return marks


def before_after_figure(result, index, *, count=12, title="The smallest eigenvalues"):
    """Stems of the `count` lowest eigenvalues for E = 0 and for ``result.edges[index]``, side by side."""
    shown = np.arange(1, min(count, result.eigenvalues.shape[1]) + 1)
    figure = go.Figure()
    after = int(result.edges[index])
    for row, role, offset, name in (
        (0, "exact", -0.14, "apart, E = 0"),
        (index, "maxent", 0.14, f"joined by {after} edge{'' if after == 1 else 's'}"),
    ):
        style = theme.ROLES[role]
        values = result.eigenvalues[row, : len(shown)]
        figure.add_scatter(
            x=shown + offset,
            y=values,
            mode="markers",
            marker={"symbol": "square" if row == 0 else "circle", "size": 9, "color": style.colour},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": np.zeros(len(shown)),
                "arrayminus": values,
                "width": 0,
                "thickness": 2.0,
                "color": style.colour,
            },
            customdata=shown,
            name=name,
            hovertemplate="λ<sub>%{customdata}</sub> = %{y:.5g}<extra></extra>",
        )
    second = result.eigenvalues[index, 1]
    figure.add_annotation(x=2, y=second, text=f"λ₂ = {second:.2g}", showarrow=False, yshift=18)
    figure.update_layout(theme.layout(title, revision="stems", height=420))
    figure.update_layout(margin={"t": 95, "r": 20})
    figure.update_xaxes(theme.axis("index i of the eigenvalue, ascending", dtick=1, range=[0.5, len(shown) + 0.5]))
    figure.update_yaxes(theme.axis(theme.EIGENVALUE, rangemode="tozero"))
    return figure


def influence_table(result):
    """All curves, a row an E: pandas DataFrame with the columns `edges`, those of `LinkedClusters`, and its lowest λ."""
    import pandas as pd  # half a second, and only a download needs it

    columns = {"edges": result.edges.astype(int)} | {field: getattr(result, field) for field in CURVES}
    lowest = min(12, result.eigenvalues.shape[1])
    return pd.DataFrame(columns | {f"lambda_{i + 1}": result.eigenvalues[:, i] for i in range(lowest)})
