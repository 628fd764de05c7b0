"""The loss on a plane of weight space: contours and surfaces, with checkpoints, trajectories and walks on them."""

from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.interpolate import RegularGridInterpolator

from spectral_core.figures import theme

__all__ = ["CAMERA", "compared_planes_figure", "plane_figure", "plane_table", "surface_figure"]

SCALE = "Cividis"
CAMERA = {"eye": {"x": 0.95, "y": -1.35, "z": 1.6}, "center": {"x": 0.0, "y": 0.0, "z": -0.15}}
CHECKPOINT = {"symbol": "star", "size": 15, "color": "#ffffff", "line": {"color": "#000000", "width": 1.5}}
SHADOW = "0 0 3px #000000, 0 0 2px #000000"  # names stay readable on light contours
TRAJECTORY = "#e8452c"
WALKS = ("#00a878", "#e86fb4", "#3fa0e0", "#d55e00", "#9d7ad6", "#2ca02c", "#c05780", "#00b5c4")
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "pentagon", "triangle-down", "hexagon")
NOT_FINITE = "NaN or infinite"
QUANTITIES = {"loss": "mean loss", "error": "share misclassified"}


def plane_figure(
    plane, *, name=None, quantity="loss", log=True, model=None, points=None, trajectory=None, walks=None, averages=None,
    title="Loss on a plane",
):  # fmt: skip
    """Contours of the loss, with the checkpoint at the centre and what moves over the plane.

    Parameters
    ----------
    plane : LossPlane
    name : str, optional
        Of the data set, by default the first.
    quantity : {"loss", "error"}
    log : bool
        Colours by the logarithm of the loss.
    model : QuadraticModel, optional
        Along the plane's two directions; its contours, dotted.
    points : dict of str to (x, y), optional
        Other checkpoints.
    trajectory : (m, 2) array, optional
        Coordinates of a run's checkpoints in order.
    walks : dict of str to Walk, optional
    averages : dict of str to float, optional
        Losses at the last averaged points, for the legend.

    Returns
    -------
    plotly.graph_objects.Figure
        Rows that are not evaluated are empty; crosses where the loss is NaN or infinite.
    """
    figure = go.Figure(layout=_layout(plane, title, _subtitle(plane, name)))
    figure.add_traces(_contours(plane, name, quantity, log, _ends([plane], name, quantity, log), True))
    if model is not None:
        figure.add_trace(_model_contours(plane, model, name, log))
    figure.add_traces(_on_plane(points, trajectory, walks, averages or {}))
    figure.update_xaxes(_axis(plane, 0, range=[plane.x[0], plane.x[-1]], constrain="domain"))
    figure.update_yaxes(_axis(plane, 1, range=[plane.y[0], plane.y[-1]], **_square(plane)))
    return figure


def surface_figure(
    plane, *, name=None, quantity="loss", log=True, points=None, trajectory=None, walks=None, camera=None, title="Loss surface"
):  # fmt: skip
    """The loss as a surface over the plane; arguments as in `plane_figure`.

    Points and trajectories lie on the surface: a checkpoint beside the plane is drawn where its projection is. Holes where
    nothing is evaluated, crosses on the ground of holes where the loss is NaN or infinite.

    Parameters
    ----------
    camera : dict, optional
        Plotly's; by default `CAMERA`, which all surfaces share.
    """
    figure = go.Figure(layout=_layout(plane, title, _subtitle(plane, name)))
    ends = _ends([plane], name, quantity, log)
    figure.add_traces(_surface(plane, name, quantity, log, ends, True))
    figure.add_traces(_on_surface(plane, name, quantity, log, points, trajectory, walks))
    figure.update_layout(scene=_scene(plane, quantity, log, ends, camera), margin={"l": 0, "r": 0, "b": 60})
    return figure


def compared_planes_figure(
    planes, *, name=None, quantity="loss", log=True, surface=False, stacked=False, camera=None, title="Two landscapes"
):
    """Planes of several models beside each other, in one colour scale, with views that belong together.

    Contours share their axes: a zoom in one is a zoom in all. Surfaces start from one camera; plotly does not link scenes by
    itself, so ``layout.meta["linked"]`` names them: who shows the figure copies ``<scene>.camera`` of a `plotly_relayout` event
    to the others by `Plotly.relayout`.

    Parameters
    ----------
    planes : dict of str to LossPlane
    name, quantity, log, camera
        As in `surface_figure`.
    surface : bool
        Surfaces instead of contours.
    stacked : bool
        Below each other, for narrow pages.
    """
    count, first = len(planes), next(iter(planes.values()))
    kind = {"type": "scene" if surface else "xy"}
    figure = make_subplots(
        rows=count if stacked else 1,
        cols=1 if stacked else count,
        specs=[[kind]] * count if stacked else [[kind] * count],
        subplot_titles=[escape(label) for label in planes],
        horizontal_spacing=0.04 if surface else 0.1,
    )
    ends = _ends(planes.values(), name, quantity, log)
    draw = _surface if surface else _contours
    for place, plane in enumerate(planes.values(), 1):
        cell = {"row": place, "col": 1} if stacked else {"row": 1, "col": place}
        for trace in draw(plane, name, quantity, log, ends, place == count):
            trace.showlegend = bool(trace.showlegend) and place == 1
            figure.add_trace(trace, **cell)
        if surface:
            figure.update_scenes(_scene(plane, quantity, log, ends, camera), **cell)
        else:
            figure.update_xaxes(_axis(plane, 0), **cell)
            figure.update_yaxes(_axis(plane, 1) if stacked or place == 1 else theme.axis(""), **cell)
    figure.update_layout(
        _layout(first, title, name or first.names[0]) | {"margin": {"l": 70, "r": 20, "t": 110, "b": 60}}
    )
    if stacked:
        figure.update_layout(height=200 + 360 * count)
    scenes = ["scene", *(f"scene{k}" for k in range(2, count + 1))]
    figure.update_layout(meta={"linked": scenes if surface else []})
    if not surface:
        figure.update_xaxes(matches="x")
        figure.update_yaxes(matches="y")
    figure.update_annotations(font_size=theme.FONT_SIZE - 1)
    return figure


def plane_table(plane):
    """A row a grid point and data set: x, y, whether evaluated, loss, its standard error, share misclassified."""
    import pandas as pd  # half a second, and only a download needs it

    x, y = np.meshgrid(plane.x, plane.y)
    done = np.broadcast_to(plane.done[:, None], x.shape)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "data": name,
                    "x": x.ravel(),
                    "y": y.ravel(),
                    "evaluated": done.ravel(),
                    "loss": values.loss.ravel(),
                    "loss_standard_error": values.loss_error.ravel(),
                    "error": np.nan if values.error is None else values.error.ravel(),
                }
            )
            for name, values in plane.values.items()
        ],
        ignore_index=True,
    )


def _heights(plane, name, quantity, log):
    """What is drawn: NaN where nothing is, or nothing finite."""
    values = plane.values[name or plane.names[0]]
    z = values.loss if quantity == "loss" else values.error
    if z is None:
        raise ValueError("there is no share misclassified: the loss is no cross-entropy.")
    return _scaled(z, quantity, log)


def _scaled(z, quantity, log):
    z = np.where(np.isfinite(z), z, np.nan)
    if not (log and quantity == "loss"):
        return z
    positive = z[z > 0]
    return np.log10(np.where(z <= 0, positive.min() if len(positive) else np.nan, z))  # an exact zero has no logarithm


def _ends(planes, name, quantity, log):
    finite = [z[np.isfinite(z)] for z in (_heights(plane, name, quantity, log) for plane in planes)]
    finite = np.concatenate(finite)
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _bar(quantity, log, ends):
    title = {"text": QUANTITIES[quantity], "font": {"size": theme.FONT_SIZE - 3}}
    bar = {"title": title, "tickfont": {"size": theme.FONT_SIZE - 4}, "thickness": 14}
    return bar | _ticks(ends) if log and quantity == "loss" else bar


def _ticks(ends):
    """Labels of logarithms as the numbers themselves."""
    steps = np.arange(np.floor(ends[0]), np.ceil(ends[1]) + 1)
    if len(steps) > 9:
        steps = steps[:: len(steps) // 8]
    elif len(steps) < 4:
        steps = np.log10([m * 10.0**k for k in steps for m in (1, 2, 5)])
    return {"tickvals": steps.tolist(), "ticktext": [f"{10.0**k:.3g}" for k in steps]}


def _contours(plane, name, quantity, log, ends, with_scale):
    z = _heights(plane, name, quantity, log)
    shown = 10.0**z if log and quantity == "loss" else z
    traces = [
        go.Contour(
            x=plane.x,
            y=plane.y,
            z=z,
            customdata=shown,
            zmin=ends[0],
            zmax=ends[1],
            contours={"start": ends[0], "end": ends[1], "size": (ends[1] - ends[0]) / 20},
            line={"width": 0.7},
            colorscale=SCALE,
            colorbar=_bar(quantity, log, ends),
            showscale=with_scale,
            connectgaps=False,
            hovertemplate="%{x:.3g}, %{y:.3g}: %{customdata:.4g}<extra></extra>",
            showlegend=False,
        )
    ]
    bad = _diverged(plane, name)
    if bad.any():
        rows, columns = np.nonzero(bad)
        marker = {"symbol": "x", "size": 5, "color": "#7f7f7f"}
        traces.append(
            go.Scatter(x=plane.x[columns], y=plane.y[rows], mode="markers", marker=marker, name=NOT_FINITE, showlegend=True,
                       hovertemplate="%{x:.3g}, %{y:.3g}: not a finite number<extra></extra>")
        )  # fmt: skip
    return traces


def _model_contours(plane, model, name, log):
    z = _scaled(model.on_grid(plane.x, plane.y), "loss", log)
    low, high = _ends([plane], name, "loss", log)
    levels = {"start": low, "end": high, "size": (high - low) / 10, "coloring": "none"}
    line = {"color": "#e0e0e0", "width": 1.5, "dash": "dot"}
    return go.Contour(x=plane.x, y=plane.y, z=z, contours=levels, line=line, showscale=False, hoverinfo="skip",
                      name="quadratic model", showlegend=True)  # fmt: skip


def _on_plane(points, trajectory, walks, averages):
    marks = {"model": (0.0, 0.0)} | dict(points or {})
    where = np.array(list(marks.values()))
    traces = []
    if trajectory is not None:
        path = np.asarray(trajectory)
        style = {"line": {"color": TRAJECTORY, "width": 3}, "marker": {"size": 7, "symbol": "circle-open"}}
        traces.append(go.Scatter(x=path[:, 0], y=path[:, 1], mode="lines+markers", name="training run", **style))
    for place, (label, walk) in enumerate((walks or {}).items()):
        path = walk.positions[np.isfinite(walk.positions).all(axis=1)]
        colour, symbol = WALKS[place % len(WALKS)], MARKERS[place % len(MARKERS)]
        end = "diverged" if walk.diverged else f"{walk.losses[-1]:.3g}"
        size = [0] * (len(path) - 1) + [11]
        line = {"color": colour, "width": 2.5, "dash": theme.DASHES[place % len(theme.DASHES)]}
        marker = {"size": size, "symbol": symbol, "line": {"color": "#000000", "width": 1}}
        traces.append(
            go.Scatter(x=path[:, 0], y=path[:, 1], mode="lines+markers", line=line, marker=marker,
                       name=f"{escape(label)}: {end}")
        )  # fmt: skip
        if not np.array_equal(walk.averages, walk.positions):
            mean = walk.averages[np.isfinite(walk.averages).all(axis=1)]
            end = f", {averages[label]:.3g}" if label in averages else ""
            traces.append(
                go.Scatter(x=mean[:, 0], y=mean[:, 1], mode="lines", line={"color": colour, "width": 2, "dash": "dot"},
                           name=f"{escape(label)}: average{end}")
            )  # fmt: skip
    traces.append(
        go.Scatter(x=where[:, 0], y=where[:, 1], mode="markers+text", marker=CHECKPOINT, text=[escape(m) for m in marks],
                   textposition=_beside(where), textfont={"color": "#ffffff", "shadow": SHADOW}, name="checkpoint",
                   showlegend=False)
    )  # fmt: skip
    return traces


def _beside(where):
    """Where the name of each checkpoint goes, so that it stays on the plane."""
    low, high = where[:, 0].min(), where[:, 0].max()
    thirds = [(x - low) / (high - low) if high > low else 0.5 for x in where[:, 0]]
    sides = ["right" if t < 1 / 3 else "left" if t > 2 / 3 else "center" for t in thirds]
    return [f"{'bottom' if place % 2 else 'top'} {side}" for place, side in enumerate(sides)]


def _surface(plane, name, quantity, log, ends, with_scale):
    z = _heights(plane, name, quantity, log)
    shown = 10.0**z if log and quantity == "loss" else z
    traces = [
        go.Surface(x=plane.x, y=plane.y, z=z, customdata=shown, cmin=ends[0], cmax=ends[1], colorscale=SCALE,
                   colorbar=_bar(quantity, log, ends) | {"len": 0.7}, showscale=with_scale, connectgaps=False,
                   hovertemplate="%{x:.3g}, %{y:.3g}: %{customdata:.4g}<extra></extra>", showlegend=False)
    ]  # fmt: skip
    bad = _diverged(plane, name)
    if bad.any():
        rows, columns = np.nonzero(bad)
        marker = {"symbol": "x", "size": 2, "color": "#7f7f7f"}
        traces.append(
            go.Scatter3d(x=plane.x[columns], y=plane.y[rows], z=np.full(len(rows), ends[0]), mode="markers", marker=marker,
                         name=NOT_FINITE, showlegend=True)
        )  # fmt: skip
    return traces


def _on_surface(plane, name, quantity, log, points, trajectory, walks):
    z = _heights(plane, name, quantity, log)
    heights = RegularGridInterpolator((plane.y, plane.x), z, bounds_error=False, fill_value=np.nan)
    lift = 0.01 * float(np.ptp(z[np.isfinite(z)])) if np.isfinite(z).any() else 0.0

    def on(path):
        path = np.asarray(path, dtype=np.float64).reshape(-1, 2)
        return {"x": path[:, 0], "y": path[:, 1], "z": heights(path[:, ::-1]) + lift}

    traces = []
    if trajectory is not None:
        style = {"line": {"color": TRAJECTORY, "width": 5}, "marker": {"size": 4, "symbol": "circle-open"}}
        traces.append(go.Scatter3d(**on(trajectory), mode="lines+markers", name="training run", **style))
    for place, (label, walk) in enumerate((walks or {}).items()):
        path = walk.positions[np.isfinite(walk.positions).all(axis=1)]
        line = {"color": WALKS[place % len(WALKS)], "width": 5, "dash": theme.DASHES[place % len(theme.DASHES)]}
        traces.append(go.Scatter3d(**on(path), mode="lines", line=line, name=escape(label)))
    marks = {"model": (0.0, 0.0)} | dict(points or {})
    marker = {"symbol": "diamond", "size": 5, "color": "#ffffff", "line": {"color": "#000000", "width": 2}}
    traces.append(
        go.Scatter3d(**on(list(marks.values())), mode="markers", marker=marker, text=[escape(m) for m in marks],
                     hovertemplate="%{text}<extra></extra>", name="checkpoint", showlegend=False)
    )  # fmt: skip
    return traces


def _diverged(plane, name):
    loss = plane.values[name or plane.names[0]].loss
    return plane.done[:, None] & ~np.isfinite(loss)


def _scene(plane, quantity, log, ends, camera):
    title = {"text": QUANTITIES[quantity], "font": {"size": theme.FONT_SIZE - 3}}
    height = {"title": title, "range": [ends[0], ends[1] + 0.03 * (ends[1] - ends[0])]}
    if log and quantity == "loss":
        height |= _ticks(ends)
    small = {"tickfont": {"size": theme.FONT_SIZE - 5}, "nticks": 6}
    axes = [
        {"title": {"text": side, "font": {"size": theme.FONT_SIZE}}, "range": [float(at[0]), float(at[-1])]} | small
        for side, at in zip("xy", plane.positions, strict=True)
    ]
    return {
        "xaxis": axes[0],
        "yaxis": axes[1],
        "zaxis": small | height,
        "camera": camera or CAMERA,
        "aspectmode": "manual",
        "aspectratio": {"x": 1.0, "y": 1.0, "z": 0.8},
    }


def _axis(plane, side, **settings):
    title = {
        "text": f"{'xy'[side]}: {escape(plane.directions[side])}",
        "font": {"size": theme.FONT_SIZE - 3},
        "standoff": 6,
    }
    return theme.axis("") | {"title": title} | settings


def _subtitle(plane, name):
    """The data set, what a unit is, and how much is there."""
    norms = plane.norms
    unit = (
        ""
        if max(abs(norm - 1.0) for norm in norms) < 1e-6
        else f"; 1 is {norms[0]:.3g} and {norms[1]:.3g} in weight space"
    )
    return f"{name or plane.names[0]}{unit}{_steps(plane)}"


def _square(plane):
    """Angles and lengths as in weight space, where both directions are at right angles and have one unit."""
    alike = np.isclose(plane.norms[0], plane.norms[1], rtol=0.1) and abs(plane.cosine) < 0.1
    return {"scaleanchor": "x", "scaleratio": plane.norms[1] / plane.norms[0], "constrain": "domain"} if alike else {}


def _steps(plane):
    share = plane.share_done
    return "" if share == 1.0 else f", {share:.0%} of the rows"


def _layout(plane, title, subtitle):
    return theme.layout(title, subtitle=escape(subtitle), revision=plane.key, height=620) | {
        "legend": theme.BELOW | {"y": -0.16},
        "margin": {"l": 50, "r": 10, "t": 80, "b": 120},
    }
