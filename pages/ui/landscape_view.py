"""What the tabs of landscapes share: a plane as contours and surface with its switches, and its downloads."""

import io

import numpy as np
import streamlit as st

from pages.ui.controls import bound, escaped
from pages.ui.landscape_linked import link_cameras
from pages.ui.plots import plot
from pages.ui.wording import counted
from spectral_core import figures

__all__ = ["draw_compared", "draw_plane", "line_arrays", "plane_arrays", "plane_caption", "switches", "tell_divergence"]

ROWS = 3  # with finite losses that a surface begins with: of one that held none at first browsers draw nothing later on

FLAT = f"A surface is drawn from {ROWS} rows on in which the loss is finite."


def switches(scan, key) -> dict:
    """Widgets for what is shown of a plane: `name`, `quantity` and `log` of the figures."""
    with st.container(horizontal=True):
        name, quantity = scan.names[0], "loss"
        if len(scan.names) > 1:
            name = bound(
                st.segmented_control, "Data", scan.names, key=f"{key}_set", default=scan.names[0], required=True
            )
        if scan.error is not None:
            quantity = bound(
                st.segmented_control,
                "Quantity",
                ("loss", "error"),
                key=f"{key}_quantity",
                default="loss",
                required=True,
            )
        log = bound(st.toggle, "Logarithmic loss", True, key=f"{key}_log")
    return {"name": name, "quantity": quantity, "log": log}


def draw_plane(plane, key, title, *, model=None, averages=None, **moving) -> None:
    """Switches, contours and surface; `moving` are `points`, `trajectory` and `walks` of the figures."""
    chosen = switches(plane, key)
    quadratic = model if chosen["quantity"] == "loss" and chosen["name"] == plane.names[0] else None
    left, right = st.columns(2)
    with left:
        contours = figures.plane_figure(plane, model=quadratic, averages=averages, title=title, **chosen, **moving)
        plot(contours, f"contours {key}")
    with right:
        if _spans(plane):
            plot(figures.surface_figure(plane, title="The same as a surface", **chosen, **moving), f"surface {key}")
        else:
            st.caption(FLAT)
    tell_divergence([plane])


def draw_compared(planes, key, title) -> None:
    """Switches, and the planes beside each other: a view moved in one moves the other, contours and surfaces alike."""
    chosen = switches(next(iter(planes.values())), key)
    chosen["stacked"] = bound(st.toggle, "Below each other", False, key=f"{key}_stacked", help="For narrow windows.")
    plot(figures.compared_planes_figure(planes, title=title, **chosen), f"contours {key}")
    if len(planes) > 1 and all(map(_spans, planes.values())):
        st.caption("Zoom or move one, and the other follows; the surfaces turn together too.")
        surfaces = figures.compared_planes_figure(planes, title="The same as surfaces", surface=True, **chosen)
        plot(surfaces, f"surfaces {key}")
        link_cameras(f"{key}_cameras")
    else:
        st.caption(FLAT)
    tell_divergence(planes.values())


def tell_divergence(scans) -> None:
    """Say how many points have no finite loss."""
    found = sum(int(np.count_nonzero(scan.diverged)) for scan in scans)
    if found:
        st.info(
            f"At {found:,} {'point' if found == 1 else 'points'} the loss is NaN or infinite: the weights are so far out that "
            "the network overflows. They are drawn as crosses; curves and surfaces leave them out."
        )


def line_arrays(lines) -> bytes:
    """The numbers of lines as an npz file: arrays called ``direction/part/quantity``."""
    arrays = {}
    for name, line in _safe(lines).items():
        arrays[f"{name}/positions"] = line.positions
        for part, values in line.values.items():
            arrays |= _values(f"{name}/{part}", values)
    return _npz(arrays)


def plane_arrays(planes) -> bytes:
    """The grids of planes by name as an npz file: ``name/x``, ``name/y`` and ``name/part/loss`` with rows along y."""
    arrays = {}
    for name, plane in _safe(planes).items():
        arrays |= {f"{name}/x": plane.x, f"{name}/y": plane.y, f"{name}/done": plane.done}
        for part, values in plane.values.items():
            arrays |= _values(f"{name}/{part}", values)
    return _npz(arrays)


def plane_caption(plane) -> str:
    """What was measured, in Markdown."""
    angle = "" if not abs(plane.cosine) > 0.02 else f" The directions are not orthogonal: cosine {plane.cosine:.2g}."
    lengths = " and ".join(f"{norm:.3g}" for norm in plane.norms)
    unit = (
        f"one unit is {lengths} in weight space"
        if max(abs(norm - 1) for norm in plane.norms) > 1e-6
        else ("distances are those of weight space")
    )
    passes = counted(plane.passes, "forward pass")
    return escaped(f"{len(plane.x)} by {len(plane.y)} points, {passes}; {unit}.{angle} {' '.join(plane.notes)}")


def _spans(plane):
    return np.count_nonzero(np.isfinite(plane.loss).sum(axis=1) > 1) >= ROWS


def _safe(scans):
    """By names that are no paths."""
    return {name.replace("/", "-").replace("\\", "-"): scan for name, scan in scans.items()}


def _values(name, values):
    found = {"loss": values.loss, "loss_standard_error": values.loss_error, "error": values.error}
    return {f"{name}/{quantity}": array for quantity, array in found.items() if array is not None}


def _npz(arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()
