"""All layers of one or more checkpoints: one quantity side by side, and the table of everything."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme
from spectral_core.power_laws import FEWEST

__all__ = ["LAYER_QUANTITIES", "layers_figure", "weights_table"]

LAYER_QUANTITIES = {  # field of LayerSpectrum: title of the axis
    "alpha": "power-law exponent α of the tail",
    "stable_rank": "stable rank ‖W‖²<sub>F</sub> / ‖W‖²<sub>2</sub>",
    "spectral_norm": "spectral norm ‖W‖<sub>2</sub>",
    "frobenius_norm": "Frobenius norm ‖W‖<sub>F</sub>",
    "outliers": "eigenvalues beyond the bulk of noise",
}
ROLES_OF_CHECKPOINTS = ("maxent", "smoothed", "kernel polynomial", "stems", "other")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")


def layers_figure(spectra, *, quantity="alpha", title="Layer by layer"):
    """One quantity of every layer, checkpoints side by side, with standard errors where there are any.

    Exponents that are not to be relied on (`PowerLaw.doubt`) are hollow, and the subtitle says so.

    Parameters
    ----------
    spectra : dict of str to WeightSpectra
        Layers share a place by name where all checkpoints have layers of the same names and shapes, else by their number
        from input to output: a name says little in another architecture.
    quantity : str
        A key of `LAYER_QUANTITIES`.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    if quantity not in LAYER_QUANTITIES:
        raise ValueError(f"quantity must be one of {', '.join(LAYER_QUANTITIES)}; got {quantity!r}.")
    alike = len({tuple((layer.name, layer.shape) for layer in one.layers) for one in spectra.values()}) == 1
    longest = max((one.layers for one in spectra.values()), key=len)
    ticktext = [_short(layer.name) if alike else str(place + 1) for place, layer in enumerate(longest)]
    hollow = quantity == "alpha" and any(layer.doubt for one in spectra.values() for layer in one.layers)
    top = (60 if len(spectra) == 1 else 115) + 20 * hollow  # a legend or none
    figure = go.Figure(
        layout=theme.layout(
            title,
            subtitle=f"hollow: under {FEWEST} eigenvalues, or a poor fit" if hollow else "",
            revision=quantity,
            height=460,
            margin={"l": 70, "r": 20, "t": top, "b": 60},
        )
    )
    for i, (name, one) in enumerate(spectra.items()):
        style = theme.ROLES[ROLES_OF_CHECKPOINTS[i % len(ROLES_OF_CHECKPOINTS)]]
        values = [_quantity(layer, quantity) for layer in one.layers]
        shown = [place for place, value in enumerate(values) if np.isfinite(value)]
        if hollow:  # the first one is the legend's
            shown.sort(key=lambda place: bool(one.layers[place].doubt))
        errors = [layer.alpha_error for layer in one.layers] if quantity == "alpha" else []
        offset = 0.16 * (i - (len(spectra) - 1) / 2)
        figure.add_scatter(
            x=[place + offset for place in shown],
            y=[values[place] for place in shown],
            error_y={"type": "data", "array": [errors[place] for place in shown], "thickness": 1.5} if errors else None,
            mode="markers",
            marker={
                "symbol": [
                    SYMBOLS[i % len(SYMBOLS)] + "-open" * bool(hollow and one.layers[place].doubt) for place in shown
                ],
                "size": 11,
                "color": style.colour,
                "line": {"width": 2, "color": style.colour},
            },
            name=escape(name),
            customdata=[[escape(one.layers[place].name), one.layers[place].doubt if hollow else ""] for place in shown],
            hovertemplate="%{customdata[0]}<br>%{y:.4g}<br>%{customdata[1]}<extra>%{fullData.name}</extra>",
        )
    if not any(len(trace.x) for trace in figure.data):
        figure.add_annotation(text="No layer has one.", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    ticks = {
        "tickvals": list(range(len(longest))),
        "ticktext": ticktext,
        "range": [-0.5, len(longest) - 0.5],
    }
    figure.update_xaxes(theme.axis("layer, from input to output", **ticks))
    figure.update_yaxes(theme.axis(LAYER_QUANTITIES[quantity], rangemode="tozero"))
    return figure


def _short(name, longest=24):
    """A name for a tick: without what all names have, and its end where it is long."""
    name = name.removeprefix("module.").removesuffix(".weight")
    return escape(name if len(name) <= longest else f"…{name[1 - longest :]}")


def _quantity(layer, quantity):
    value = getattr(layer, quantity)
    if quantity == "outliers":
        return len(value) if layer.bulk is not None else np.nan
    return value


def weights_table(spectra):
    """A row a layer: pandas DataFrame, empty (NaN) where a layer does not have a number; `notes` says why.

    Norms in the units of the weights; `edge`, `threshold`, `xmin` and `largest_eigenvalue` in their square.
    """
    import pandas as pd  # half a second, and only a table needs it

    rows = [
        {
            "layer": layer.name,
            "shape": " × ".join(map(str, layer.shape)),
            "rows": layer.rows,
            "columns": layer.columns,
            "matrices": layer.matrices,
            "ratio": layer.ratio,
            "alpha": layer.alpha,
            "alpha_error": layer.alpha_error,
            "alpha_doubt": layer.doubt,
            "xmin": layer.xmin,
            "tail": layer.tail,
            "stable_rank": layer.stable_rank,
            "spectral_norm": layer.spectral_norm,
            "frobenius_norm": layer.frobenius_norm,
            "largest_eigenvalue": layer.spectral_norm**2,
            "bulk_variance": layer.bulk.variance if layer.bulk else np.nan,
            "bulk_variance_error": layer.bulk.variance_error if layer.bulk else np.nan,
            "edge": layer.edge,
            "threshold": layer.bulk.threshold if layer.bulk else np.nan,
            "outliers": _quantity(layer, "outliers"),
            "bulk_distance": layer.bulk.distance if layer.bulk else np.nan,
            "products": layer.products,
            "notes": " ".join(layer.notes),
        }
        for layer in spectra.layers
    ]
    return pd.DataFrame(rows)
