"""Mini-batches and curvature: bulk and spike over the batch size, lambda_1 against its predictions, rates, training."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.random_matrices import MarchenkoPastur, Semicircle, SpikedCovariance, SpikedWigner

__all__ = [
    "BATCH_PREDICTIONS",
    "batch_outlier_figure",
    "batch_outlier_table",
    "bulk_and_spike_figure",
    "learning_rate_figure",
    "overlap_figure",
    "rate_table",
    "training_run_figure",
]

BATCH_SIZE = "batch size B (examples)"
BATCH_PREDICTIONS = {  # field: label, role, dash
    "refined": ("refined (k directions and every example's own)", "maxent", "solid"),
    "local": ("local, at each eigenvector", "smoothed", "dash"),
    "second_order": ("λ + s²(u)/(bλ)", "other", "dot"),
    "multiplicative": ("multiplicative Marchenko-Pastur", "kernel polynomial", "dashdot"),
    "additive": ("additive Marchenko-Pastur", "kernel polynomial", "longdash"),
    "wigner": ("Wigner", "stems", "longdashdot"),
    "free": ("free convolution", "stems", "dot"),
}
COLOURS = ("maxent", "smoothed", "kernel polynomial", "stems", "other", "exact")
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")


def bulk_and_spike_figure(batch_sizes, *, spike=1.0, noise=64.0, model="wigner", size=1000, points=400):
    """Law of bulk and spike at each batch size as plotly frames with a slider: thesis Figures 5.1 and 5.3.

    Parameters
    ----------
    batch_sizes : sequence of int
    spike : float
        ``l > 0``: the eigenvalue of all data.
    noise : float
        ``s^2`` of one example for the Wigner model, which adds a semicircle of edge ``2 s/sqrt B``; for the multiplicative model
        the ``P v`` of a population of bulk v: a Marchenko-Pastur law of ratio ``q = P/B``.
    model : {"wigner", "multiplicative"}
    size : int
        ``P`` of the multiplicative model.
    points : int
    """
    if model not in ("wigner", "multiplicative"):
        raise ValueError(f'the model is "wigner" or "multiplicative"; got {model!r}.')
    frames = [_bulk_and_spike(B, spike, noise, model, size, points) for B in batch_sizes]
    far = max(max(x.max(), outlier) for x, _, outlier, _ in frames)
    near = min(x.min() for x, *_ in frames)
    dotted = _line(theme.ROLES["exact"], "dot")
    style, sharp = theme.ROLES["maxent"], theme.ROLES["smoothed"]

    def traces(x, y, outlier, overlap):
        top = float(y.max())
        return [
            go.Scatter(x=x, y=y / top, name="bulk: noise of mini-batches", fill="tozeroy", line=_line(style)),
            go.Scatter(
                x=[outlier, outlier],
                y=[0, 1.1],
                name=f"spike, overlap {overlap:.2f}" if overlap else "spike, swallowed by the bulk",
                mode="lines+markers",
                line=_line(sharp, dash="solid"),
                marker={"symbol": "diamond", "size": [0, 11]},
            ),
            go.Scatter(
                x=[spike, spike],
                y=[0, 1.1],
                name="spike of all data",
                mode="lines",
                line=dotted,
            ),
        ]

    figure = go.Figure(
        data=traces(*frames[0]),
        frames=[go.Frame(data=traces(*frame), name=str(B)) for B, frame in zip(batch_sizes, frames, strict=True)],
        layout=theme.layout("Bulk and spike over the batch size", revision=f"{model} {spike} {noise}"),
    )
    steps = [
        {
            "label": str(B),
            "method": "animate",
            "args": [[str(B)], {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}],
        }
        for B in batch_sizes
    ]
    play = {"frame": {"duration": 350, "redraw": False}, "fromcurrent": True, "transition": {"duration": 250}}
    figure.update_layout(
        sliders=[{"steps": steps, "currentvalue": {"prefix": "B = "}, "pad": {"t": 50}}],
        updatemenus=[
            {
                "type": "buttons",
                "x": 1.0,
                "y": 1.14,
                "xanchor": "right",
                "buttons": [{"label": "Play", "method": "animate", "args": [None, play]}],
            }
        ],
        margin={"l": 70, "r": 40, "t": 115, "b": 130},
        height=560,
    )
    figure.update_xaxes(theme.axis(theme.EIGENVALUE, range=[near - 0.05 * (far - near), far + 0.05 * (far - near)]))
    figure.update_yaxes(theme.axis("density, by its maximum", range=[0, 1.2]))
    return figure


def _bulk_and_spike(B, spike, noise, model, size, points):
    """x, density, outlier and overlap at one batch size."""
    if model == "wigner":
        bulk, law = Semicircle(2.0 * np.sqrt(noise / B)), SpikedWigner(spike, np.sqrt(noise / B))
    else:
        bulk, law = MarchenkoPastur(size / B, noise / size), SpikedCovariance(spike, size / B, noise / size)
    low, high = bulk.support
    x = (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, points))
    y = np.nan_to_num(np.asarray(bulk.pdf(x), dtype=float), posinf=0.0)
    return x, y, float(law.outlier), float(law.overlap)


def batch_outlier_figure(result, *, outlier=0, models=tuple(BATCH_PREDICTIONS), title=None):
    """Measured mean of an outlier over batch sizes with two standard errors, and every model's prediction (thesis Figure 5.6)."""
    B, rank = result.batch_sizes, outlier + 1
    name = f"λ{rank}"
    figure = go.Figure(layout=theme.layout(title or f"{name} of mini-batches: measured and predicted", revision=name))
    for model in models:
        label, role, dash = BATCH_PREDICTIONS[model]
        y = getattr(result, model)[:, outlier]
        figure.add_trace(go.Scatter(x=B, y=y, name=label, mode="lines", line=_line(theme.ROLES[role], dash)))
        if model == "refined":
            figure.add_traces(_band(B, y, 2 * result.refined_error[:, outlier], theme.ROLES[role]))
    exact = theme.ROLES["exact"]
    full = float(result.full[outlier])
    figure.add_hline(
        y=full, line={"dash": "dot", "width": 1.5, "color": exact.colour}, annotation_text=f"{name} of all data"
    )
    for place, values in enumerate(result.values):
        each = values[:, outlier]
        figure.add_trace(
            go.Scatter(
                x=np.full(len(each), B[place]),
                y=each,
                name="each mini-batch",
                legendgroup="each",
                showlegend=place == 0,
                mode="markers",
                marker={"size": 5, "symbol": "circle-open", "color": theme.faded(exact.colour, 0.6)},
            )
        )
    error = np.nan_to_num(2 * result.standard_error[:, outlier], nan=0.0, posinf=0.0)
    figure.add_trace(
        go.Scatter(
            x=B,
            y=result.measured[:, outlier],
            name="measured mean ± 2 standard errors",
            mode="markers",
            error_y={"type": "data", "array": error},
            marker={"size": 10, "symbol": "square", "color": exact.colour},
        )
    )
    figure.update_xaxes(theme.axis(BATCH_SIZE, type="log", tickvals=list(B), ticktext=[str(size) for size in B]))
    figure.update_yaxes(theme.axis(f"eigenvalue {name}", type="log"))
    return figure


def overlap_figure(result, *, outlier=0):
    """Squared overlap of an eigenvector of mini-batches with that of all data, measured and by Theorem 17 and its analogues."""
    B = result.batch_sizes
    figure = go.Figure(
        layout=theme.layout(f"Overlap of mini-batch and full eigenvector {outlier + 1}", revision=str(outlier))
    )
    for model in ("refined", "local", "wigner"):
        label, role, dash = BATCH_PREDICTIONS[model]
        y = getattr(result, f"{model}_overlap")[:, outlier]
        figure.add_trace(go.Scatter(x=B, y=y, name=label, mode="lines", line=_line(theme.ROLES[role], dash)))
    error = np.nan_to_num(2 * result.overlap_error[:, outlier], nan=0.0, posinf=0.0)
    figure.add_trace(
        go.Scatter(
            x=B,
            y=result.overlap[:, outlier],
            name="measured mean ± 2 standard errors",
            mode="markers",
            error_y={"type": "data", "array": error},
            marker={"size": 10, "symbol": "square", "color": theme.ROLES["exact"].colour},
        )
    )
    figure.update_xaxes(theme.axis(BATCH_SIZE, type="log", tickvals=list(B), ticktext=[str(size) for size in B]))
    figure.update_yaxes(theme.axis("(u · û)²", range=[-0.02, 1.05]))
    return figure


def learning_rate_figure(rates, *, found=(), optimisers=("sgd", "sharpness", "momentum")):
    """Largest stable learning rates against batch size, predicted, and those found by training (`StableRate`) beside them."""
    labels = {
        "sgd": ("SGD, 2/(λ + s²/(bλ))", "maxent", "solid"),
        "sharpness": ("2/λ₁(B), the mean mini-batch", "other", "dot"),
        "momentum": ("heavy ball", "smoothed", "dash"),
        "adam_damped": ("Adam, large damping", "kernel polynomial", "dashdot"),
    }
    figure = go.Figure(layout=theme.layout("Largest stable learning rate", revision=" ".join(optimisers)))
    for name in optimisers:
        label, role, dash = labels[name]
        y = getattr(rates, name)
        figure.add_trace(
            go.Scatter(x=rates.batch_sizes, y=y, name=label, mode="lines", line=_line(theme.ROLES[role], dash))
        )
        if name == "sgd":
            figure.add_traces(_band(rates.batch_sizes, y, 2 * rates.sgd_error, theme.ROLES[role]))
    if found:
        known = [each for each in found if each.bracketed]
        value = np.array([each.value for each in known])
        figure.add_trace(
            go.Scatter(
                x=[each.batch_size for each in known],
                y=value,
                name="found by training",
                mode="markers",
                error_y={
                    "type": "data",
                    "array": [each.unstable - each.value for each in known],
                    "arrayminus": [each.value - each.stable for each in known],
                },
                marker={"size": 10, "symbol": "square", "color": theme.ROLES["exact"].colour},
            )
        )
    first, last = rates.batch_sizes[0], rates.batch_sizes[-1]
    for place, text in ((rates.linear_until, "linear up to here"), (rates.saturated_from, "saturated from here")):
        if first < place < last:
            figure.add_vline(x=place, line={"dash": "dot", "width": 1.5, "color": "#7f7f7f"}, annotation_text=text)
    figure.update_xaxes(theme.axis(BATCH_SIZE, type="log"))
    figure.update_yaxes(theme.axis("learning rate", type="log"))
    return figure


def training_run_figure(runs, *, title="Training from the checkpoint"):
    """Loss on all data against examples seen, a colour a rule and a symbol a batch size; a cross where a run diverged."""
    figure = go.Figure(layout=theme.layout(title, revision="training"))
    sizes, rules = sorted({run.batch_size for run in runs}), list(dict.fromkeys(run.rule for run in runs))
    for run in runs:
        place = sizes.index(run.batch_size)
        colour = theme.ROLES[COLOURS[rules.index(run.rule) % len(COLOURS)]].colour
        kept = np.isfinite(run.loss)
        ended = f", diverged after {run.diverged_at} steps" if run.diverged_at is not None else ""
        figure.add_trace(
            go.Scatter(
                x=run.examples[kept],
                y=run.loss[kept],
                name=escape(f"{run.rule}, B = {run.batch_size}, rate {run.learning_rate:.3g}{ended}"),
                mode="lines+markers",
                line={"color": colour, "width": 2, "dash": theme.DASHES[place % len(theme.DASHES)]},
                marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 5, "color": colour},
            )
        )
        if run.diverged_at is not None and kept.any():
            figure.add_trace(
                go.Scatter(
                    x=run.examples[kept][-1:],
                    y=run.loss[kept][-1:],
                    showlegend=False,
                    hovertext="diverged",
                    mode="markers",
                    marker={"symbol": "x", "size": 13, "color": colour},
                )
            )
    figure.update_xaxes(theme.axis("examples seen"))
    figure.update_yaxes(theme.axis("loss on all data, in nats", type="log"))
    return figure


def batch_outlier_table(result, *, outlier=0):
    """Rows of batch size, measured mean and standard error, and each prediction divided by the measurement."""
    rows = []
    for place, B in enumerate(result.batch_sizes):
        measured = float(result.measured[place, outlier])
        row = {
            "batch size": int(B),
            "mini-batches": int(result.draws[place]),
            "measured": measured,
            "standard error": float(result.standard_error[place, outlier]),
        }
        for model, (label, *_) in BATCH_PREDICTIONS.items():
            row[f"{label} / measured"] = float(getattr(result, model)[place, outlier]) / measured
        rows.append(row)
    return rows


def rate_table(rates, found=()):
    """Rows of batch size, predicted rates, the rate found by training, and predicted by found."""
    known = {each.batch_size: each for each in found}
    rows = []
    for place, B in enumerate(rates.batch_sizes):
        row = {
            "batch size": int(B),
            "SGD": float(rates.sgd[place]),
            "2/λ₁(B)": float(rates.sharpness[place]),
            "heavy ball": float(rates.momentum[place]),
            "slope": float(rates.exponent[place]),
        }
        if int(B) in known:
            row |= {"found": known[int(B)].value, "predicted / found": float(rates.sgd[place]) / known[int(B)].value}
        rows.append(row)
    return rows


def _line(style, dash=None):
    return {"color": style.colour, "dash": dash or style.dash, "width": style.width}


def _band(x, y, half, style):
    """Between ``y - half`` and ``y + half``, two traces."""
    half = np.where(np.isfinite(half), half, 0.0)
    plain = {"x": x, "mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    filled = {"fill": "tonexty", "fillcolor": theme.faded(style.colour, 0.2)}
    return [go.Scatter(y=np.maximum(y - half, 1e-12), **plain), go.Scatter(y=y + half, **plain, **filled)]
