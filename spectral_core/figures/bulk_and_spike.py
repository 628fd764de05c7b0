"""Bulk and spike over the batch size: an animation of laws and samples, and where the spike goes."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from spectral_core.figures import theme

__all__ = ["bulk_and_spike_figure", "bulk_and_spike_table", "spike_path_figure"]

BATCH_SIZE = "batch size B (examples)"
POINTS, BINS = 240, 40
FAR = 6.0  # the widest view, in spikes
TOP = 1.12  # of the axis, in the height of the bulk


def bulk_and_spike_figure(picture, batch_sizes, samples=()):
    """The laws at each batch size as plotly frames with a slider, sampled matrices behind them: thesis Figures 5.1 and 5.3.

    Parameters
    ----------
    picture : batch_scaling.BulkAndSpike
    batch_sizes : sequence of int
    samples : sequence of SampledSpike
        One a batch size, or fewer while they come in.
    """
    frames = []
    for place, B in enumerate(batch_sizes):
        data = _traces(picture, B, samples[place] if place < len(samples) else None)
        frames.append(go.Frame(data=data, name=str(B)))
    first = _first_shown(picture, batch_sizes)
    far = min(max(float(picture.edge(batch_sizes[0])), float(picture.outlier(batch_sizes[0]))), FAR * picture.spike)
    near = max(min(picture.support(batch_sizes[0])[0], picture.atom(batch_sizes[0])[0]), -far)
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    play = {"fromcurrent": True, "frame": {"duration": 450, "redraw": True}, "transition": {"duration": 0}}
    figure = go.Figure(data=frames[first].data, frames=frames)
    figure.update_layout(
        theme.layout("", revision=f"{picture}", height=500)
        | {
            "title": None,
            "margin": {"l": 60, "r": 20, "t": 20, "b": 60},
            "bargap": 0,
            "sliders": [
                {
                    "active": first,
                    "steps": [{"label": f.name, "method": "animate", "args": [[f.name], still]} for f in frames],
                    "currentvalue": {"prefix": "B = ", "font": {"size": theme.FONT_SIZE + 2}},
                    "pad": {"t": 50},
                }
            ],
            "updatemenus": [
                {
                    "type": "buttons",
                    "direction": "left",
                    "buttons": [
                        {"label": "Play", "method": "animate", "args": [None, play]},
                        {"label": "Pause", "method": "animate", "args": [[None], still]},
                    ],
                    "x": 1.0,
                    "y": 0.0,
                    "xanchor": "right",
                    "yanchor": "top",
                    "pad": {"t": 45},
                    "showactive": False,
                }
            ],
        }
    )
    margin = 0.06 * (far - near)
    figure.update_xaxes(theme.axis(theme.EIGENVALUE, range=[near - margin, far + margin]))
    figure.update_yaxes(theme.axis("density, bulk's height = 1", range=[0, TOP + 0.2]))
    return figure


def _first_shown(picture, batch_sizes):
    """The frame that opens: the first at twice the batch size that swallows the spike, where there is one."""
    place = int(np.searchsorted(batch_sizes, 2 * picture.swallowed_below))
    return min(place, len(batch_sizes) - 1)


def _traces(picture, B, sample):
    low, high = picture.support(B)
    x = (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, POINTS))
    y = np.nan_to_num(np.asarray(picture.pdf(x, B), dtype=float), posinf=0.0)
    height = float(y[(x > low + 0.02 * (high - low))].max())  # a bulk that begins at 0 has no largest density
    outlier, overlap = float(picture.outlier(B)), float(picture.overlap(B))
    bulk, sharp, grey = theme.ROLES["maxent"], theme.ROLES["smoothed"], theme.ROLES["exact"]
    place, mass = picture.atom(B)
    bars, top = {"x": [], "y": [], "width": []}, []
    if sample is not None:
        values = sample.eigenvalues
        inside = values[(values > place + 1e-9 * abs(high)) | (mass == 0)]
        counts, edges = np.histogram(inside, bins=BINS, range=(min(low, inside.min()), max(high, inside.max())))
        width = np.diff(edges)
        bars = {"x": edges[:-1] + width / 2, "y": counts / (len(values) * width * height), "width": width}
        top = values[:1]
    told = f"overlap {overlap:.2f}" if overlap else "swallowed"
    return [
        go.Bar(
            name="a sampled matrix",
            marker={"color": theme.faded(grey.colour, 0.45), "line": {"width": 0}},
            hoverinfo="skip",
            **bars,
        ),
        go.Scatter(
            x=x, y=np.minimum(y / height, TOP), name="law of the bulk", mode="lines",
            line={"color": bulk.colour, "width": bulk.width},
        ),
        go.Scatter(
            x=[place, place] if mass else [], y=[0, mass] if mass else [], name="share exactly here", mode="lines+markers",
            line={"color": bulk.colour, "width": 3, "dash": "dot"}, marker={"symbol": "square", "size": [0, 9]},
            showlegend=picture.model != "wigner",
        ),
        go.Scatter(
            x=[picture.spike] * 2, y=[0, TOP], name="spike of all data", mode="lines",
            line={"color": grey.colour, "width": 2, "dash": "dot"},
        ),
        go.Scatter(
            x=[outlier] * 2, y=[0, TOP - 0.1], name="law of the largest", mode="lines+markers+text",
            text=["", told], textposition="top center", textfont={"size": theme.FONT_SIZE, "color": sharp.colour},
            line={"color": sharp.colour, "width": 3}, marker={"symbol": "diamond", "size": [0, 12]},
            cliponaxis=False,
        ),
        go.Scatter(
            x=top, y=[0.06] * len(top), name="its largest eigenvalue", mode="markers",
            marker={"symbol": "x", "size": 11, "color": grey.colour, "line": {"width": 1, "color": sharp.colour}},
        ),
    ]  # fmt: skip


def spike_path_figure(picture, batch_sizes, samples=()):
    """Largest eigenvalue and squared overlap against the batch size: laws as lines, one sampled matrix a point."""
    B = np.asarray(batch_sizes)
    fine = np.geomspace(B[0], B[-1], 300)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.6, 0.4])
    bulk, sharp, grey = theme.ROLES["maxent"], theme.ROLES["smoothed"], theme.ROLES["exact"]
    lines = (
        ("largest eigenvalue", picture.outlier(fine), sharp, "solid", 1),
        ("edge of the bulk", picture.edge(fine), bulk, "dash", 1),
        ("squared overlap", picture.overlap(fine), sharp, "dashdot", 2),
    )
    for name, y, style, dash, row in lines:
        line = {"color": style.colour, "width": style.width, "dash": dash}
        figure.add_trace(go.Scatter(x=fine, y=y, name=name, mode="lines", line=line), row=row, col=1)
    if samples:
        marker = {"symbol": "x", "size": 9, "color": grey.colour}
        for row, y in ((1, [s.eigenvalues[0] for s in samples]), (2, [s.overlap for s in samples])):
            points = go.Scatter(
                x=B[: len(samples)], y=y, name="sampled", mode="markers", marker=marker, showlegend=row == 1
            )
            figure.add_trace(points, row=row, col=1)
    figure.add_hline(y=picture.spike, line={"dash": "dot", "width": 1.5, "color": grey.colour}, row=1, col=1)
    if B[0] < picture.swallowed_below < B[-1]:
        figure.add_vline(x=picture.swallowed_below, line={"dash": "dot", "width": 1.5, "color": grey.colour})
    figure.update_layout(theme.layout("", revision=f"{picture}", height=500) | {"title": None})
    figure.update_layout(margin={"l": 60, "r": 20, "t": 20, "b": 60})
    ticks = {"type": "log", "tickvals": B[::2], "ticktext": [str(size) for size in B[::2]]}
    figure.update_xaxes(theme.axis("", **ticks))
    figure.update_xaxes(theme.axis(BATCH_SIZE, **ticks), row=2, col=1)
    figure.update_yaxes(theme.logarithmic_y(figure, "eigenvalue λ"), row=1, col=1)
    figure.update_yaxes(theme.axis("(u · û)²", range=[-0.03, 1.05]), row=2, col=1)
    return figure


def bulk_and_spike_table(picture, batch_sizes, samples=()):
    """Rows of batch size: largest eigenvalue, edge and overlap by the law, and those of the sampled matrix."""
    rows = []
    for place, B in enumerate(batch_sizes):
        row = {
            "batch size": int(B),
            "largest eigenvalue": float(picture.outlier(B)),
            "edge of the bulk": float(picture.edge(B)),
            "squared overlap": float(picture.overlap(B)),
        }
        if place < len(samples):
            row |= {"sampled": float(samples[place].eigenvalues[0]), "sampled overlap": samples[place].overlap}
        rows.append(row)
    return rows
