"""Least damping against batch size."""

import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["damping_figure"]


def damping_figure(damping):
    """`batch_scaling.Damping`: what the noise of random directions asks for, and that at the sharpest eigenvector."""
    figure = go.Figure(layout=theme.layout("Least damping", revision="damping"))
    for name, values, role in (
        ("noise at the sharpest eigenvector", damping.local, "maxent"),
        ("noise of random directions", damping.isotropic, "smoothed"),
    ):
        style, there = theme.ROLES[role], values > 0
        line = {"color": style.colour, "dash": style.dash, "width": style.width}
        figure.add_trace(
            go.Scatter(x=damping.batch_sizes[there], y=values[there], name=name, mode="lines+markers", line=line)
        )
    figure.update_layout(height=400)
    figure.update_xaxes(theme.axis("batch size B (examples)", type="log", dtick=1))
    figure.update_yaxes(theme.axis("damping δ", type="log"))
    return figure
