"""Mini-batches and curvature: lambda_1 over the batch size against its predictions, rates, training."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = [
    "BATCH_PREDICTIONS",
    "batch_outlier_figure",
    "batch_outlier_table",
    "learning_rate_figure",
    "overlap_figure",
    "rate_table",
    "training_run_figure",
]

BATCH_SIZE = "batch size B (examples)"
BATCH_PREDICTIONS = {  # field: label, role, dash
    "refined": ("refined", "maxent", "solid"),
    "local": ("local, at each eigenvector", "smoothed", "dash"),
    "second_order": ("λ + s²(u)/(bλ)", "other", "dot"),
    "multiplicative": ("multiplicative Marchenko-Pastur", "kernel polynomial", "dashdot"),
    "additive": ("additive Marchenko-Pastur", "kernel polynomial", "longdash"),
    "wigner": ("Wigner", "stems", "longdashdot"),
    "free": ("free convolution", "stems", "dot"),
}
COLOURS = ("maxent", "smoothed", "kernel polynomial", "stems", "other", "exact")
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")


def batch_outlier_figure(result, *, outlier=0, models=tuple(BATCH_PREDICTIONS), title=None):
    """Measured mean of an outlier over batch sizes with two standard errors, and every model's prediction (thesis Figure 5.6)."""
    B, rank = result.batch_sizes, outlier + 1
    name = f"λ{rank}"
    figure = go.Figure(layout=theme.layout(title or f"{name} of mini-batches", revision=name))
    for model in models:
        label, role, dash = BATCH_PREDICTIONS[model]
        y = getattr(result, model)[:, outlier]
        figure.add_trace(go.Scatter(x=B, y=y, name=label, mode="lines", line=_line(theme.ROLES[role], dash)))
        if model == "refined":
            figure.add_scatter(**_band(B, y, 2 * result.refined_error[:, outlier], theme.ROLES[role]))
    exact = theme.ROLES["exact"]
    full = float(result.full[outlier])
    figure.add_hline(y=full, line={"dash": "dot", "width": 1.5, "color": exact.colour})
    if full > 0:
        note = {
            "text": f"{name} of all data",
            "xref": "paper",
            "xanchor": "left",
            "yanchor": "top",
            "showarrow": False,
        }
        figure.add_annotation(x=0.01, y=np.log10(full), **note)
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
    _measured(figure, B, result.measured[:, outlier], result.standard_error[:, outlier])
    figure.update_yaxes(theme.logarithmic_y(figure, f"eigenvalue {name}"))
    return _legend_below(figure)


def overlap_figure(result, *, outlier=0):
    """Squared overlap of an eigenvector of mini-batches with that of all data, measured and by Theorem 17 and its analogues."""
    B = result.batch_sizes
    figure = go.Figure(layout=theme.layout(f"Overlap of eigenvector {outlier + 1}", revision=str(outlier)))
    for model in ("refined", "local", "wigner"):
        label, role, dash = BATCH_PREDICTIONS[model]
        y = getattr(result, f"{model}_overlap")[:, outlier]
        figure.add_trace(go.Scatter(x=B, y=y, name=label, mode="lines", line=_line(theme.ROLES[role], dash)))
    _measured(figure, B, result.overlap[:, outlier], result.overlap_error[:, outlier])
    figure.update_yaxes(theme.axis("(u · û)²", range=[-0.02, 1.05]))
    return figure


def learning_rate_figure(rates, *, found=(), optimisers=("sgd", "sharpness", "momentum")):
    """Largest stable learning rates against batch size, predicted, and those found by training (`StableRate`) beside them.

    `optimisers` are fields of `LearningRates`, or "adam": the shape for small damping at the level of the rates found.
    """
    labels = {
        "sgd": ("SGD, 2/(λ + s²/(bλ))", "maxent", "solid"),
        "sharpness": ("2/λ₁(B), the mean mini-batch", "other", "dot"),
        "momentum": ("heavy ball", "smoothed", "dash"),
        "adam_damped": ("Adam, large damping", "kernel polynomial", "dashdot"),
        "adam": ("Adam, √B up to the critical batch size, at the level found", "kernel polynomial", "dashdot"),
    }
    figure = go.Figure(layout=theme.layout("Largest stable learning rate", revision=" ".join(optimisers)))
    for name in optimisers:
        label, role, dash = labels[name]
        y = rates.of(name, found)
        figure.add_trace(
            go.Scatter(x=rates.batch_sizes, y=y, name=label, mode="lines", line=_line(theme.ROLES[role], dash))
        )
        if name == "sgd":
            figure.add_scatter(**_band(rates.batch_sizes, y, 2 * rates.sgd_error, theme.ROLES[role]))
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
    turns = ((rates.linear_until, "linear", "right"), (rates.saturated_from, "saturated", "left"))  # of SGD's curve
    for place, text, side in turns if "sgd" in optimisers else ():
        if first < place < last:
            figure.add_vline(x=place, line={"dash": "dot", "width": 1.5, "color": "#7f7f7f"})
            note = {"text": text, "yref": "paper", "xanchor": side, "yanchor": "bottom", "showarrow": False}
            figure.add_annotation(x=np.log10(place), y=1, **note)
    shown = rates.batch_sizes[:: max(len(rates.batch_sizes) // 6, 1)]
    ticks = {"tickvals": shown, "ticktext": [str(size) for size in shown]}
    figure.update_xaxes(theme.axis(BATCH_SIZE, type="log", **ticks))
    figure.update_yaxes(theme.logarithmic_y(figure, "learning rate"))
    return _legend_below(figure)


def training_run_figure(runs, *, title="Training from the checkpoint"):
    """Loss on all data against examples seen, a colour a rule and a symbol a batch size; a cross where a run diverged."""
    figure = go.Figure(layout=theme.layout(title, revision="training"))
    sizes, rules = sorted({run.batch_size for run in runs}), list(dict.fromkeys(run.rule for run in runs))
    for run in runs:
        place = sizes.index(run.batch_size)
        colour = theme.ROLES[COLOURS[rules.index(run.rule) % len(COLOURS)]].colour
        kept = np.isfinite(run.loss)
        figure.add_trace(
            go.Scatter(
                x=run.examples[kept],
                y=run.loss[kept],
                name=escape(f"{run.rule}, B = {run.batch_size}"),
                hovertext=f"learning rate {run.learning_rate:.3g}",
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
                    hovertext=f"diverged after {run.diverged_at} updates",
                    mode="markers",
                    marker={"symbol": "x", "size": 13, "color": colour},
                )
            )
    figure.update_xaxes(theme.axis("examples seen"))
    figure.update_yaxes(theme.logarithmic_y(figure, "loss on all data, in nats"))
    return _legend_below(figure)


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


def rate_table(rates, found=(), *, optimiser="sgd"):
    """Rows of batch size, predicted rates, the rate found by training with `optimiser`, and predicted by found."""
    known, predicted = {each.batch_size: each for each in found}, rates.of(optimiser, found)
    rows = []
    for place, B in enumerate(rates.batch_sizes):
        row = {
            "batch size": int(B),
            "SGD": float(rates.sgd[place]),
            "2/λ₁(B)": float(rates.sharpness[place]),
            "heavy ball": float(rates.momentum[place]),
            "SGD's slope": float(rates.exponent[place]),
        }
        if int(B) in known:
            row |= {"found": known[int(B)].value, "predicted / found": float(predicted[place]) / known[int(B)].value}
        rows.append(row)
    return rows


def _legend_below(figure):
    """Long legends cover the title on a narrow screen."""
    legend = theme.BELOW | {"y": -0.22}
    return figure.update_layout(legend=legend, margin={"l": 70, "r": 20, "t": 70, "b": 60}, height=560)


def _measured(figure, B, mean, error):
    """Points with their bars, and the batch sizes as the ticks of the axis."""
    figure.add_scatter(
        x=B,
        y=mean,
        name="measured mean ± 2 standard errors",
        mode="markers",
        error_y={"type": "data", "array": np.nan_to_num(2 * error, nan=0.0, posinf=0.0)},
        marker={"size": 10, "symbol": "square", "color": theme.ROLES["exact"].colour},
    )
    figure.update_xaxes(theme.axis(BATCH_SIZE, type="log", tickvals=list(B), ticktext=[str(size) for size in B]))


def _line(style, dash=None):
    return {"color": style.colour, "dash": dash or style.dash, "width": style.width}


def _band(x, y, half, style):
    """Between ``y - half`` and ``y + half``, no lower than a logarithmic axis can show."""
    half = np.where(np.isfinite(half), half, 0.0)
    return theme.band(x, y + half, np.maximum(y - half, 1e-12), style.colour)
