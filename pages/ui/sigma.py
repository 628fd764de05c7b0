"""The first picture of a spectrum: drawn as SVG in the browser, and smoothed anew there while sigma is dragged.

The component holds nodes and weights, so that a new sigma needs neither the server nor a product. Curves that are no
mixture come as ladders, each with its curves at some sigmas, between which the browser interpolates. Python hears of a new
sigma when the slider is let go.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import streamlit as st

from spectral_core.figures.theme import ROLES

__all__ = ["current_sigma", "reset_sigma", "set_sigma", "sigma_view"]

HERE = Path(__file__).parent
HTML = """
<div class="view">
  <div class="row legend" role="group" aria-label="Curves shown"></div>
  <svg class="plot" role="img" tabindex="0" aria-label="Spectrum"></svg>
  <div class="row slider">
    <label for="sigma">smoothing width σ</label>
    <input id="sigma" type="range" min="0" max="300" step="1">
    <output for="sigma"></output>
  </div>
  <div class="row foot">
    <p class="readout"></p>
    <div class="row tools" role="group" aria-label="View">
      <button type="button" class="whole">Whole</button>
      <button type="button" class="near" title="The lowest quarter of what is shown; press again to go closer">Lower end</button>
      <button type="button" class="png" title="Download the drawing as PNG">PNG</button>
      <button type="button" class="svg" title="Download the drawing as SVG">SVG</button>
    </div>
  </div>
</div>
"""
DASHES = {"solid": "none", "dash": "8 3", "dot": "2 4", "dashdot": "9 4 2 4"}
DASHES |= {"longdash": "14 5", "longdashdot": "14 4 2 4"}
STYLES = {role: asdict(style) | {"dash": DASHES[style.dash]} for role, style in ROLES.items()}
KERNELS = ("gaussian", "cauchy")

_component = st.components.v2.component(
    "eigenscope.sigma",
    html=HTML,
    css=(HERE / "sigma.css").read_text(encoding="utf-8"),
    js="".join((HERE / name).read_text(encoding="utf-8") for name in ("sigma_plotting.js", "sigma.js")),
)


def sigma_view(
    *,
    key,
    interval,
    nodes=(),
    weights=(),
    stems=None,
    atoms=(),
    curves=(),
    histogram=None,
    sigma=None,
    kernel="gaussian",
    sigma_range=None,
    x_label="eigenvalue λ",
    log=False,
    threshold=None,
    height=440,
    ladders=(),
    truth=False,
    big=False,
):
    """Draw a spectrum with a sigma slider; return the sigma chosen.

    Parameters
    ----------
    key : str
        Names the view. New data under the same key keep zoom, switches and slider.
    interval : (float, float)
        Range of the axis.
    nodes, weights : (k,) arrays
        The Dirac mixture to smooth, atoms included: `Quadrature.stems`.
    stems : (positions, weights), optional
        Drawn as stems; default `nodes` and `weights`. Stems at an atom are left to the atom.
    atoms : (c, 2) array
        ``(position, mass)``, drawn as lollipops with their mass.
    curves : list of dict
        ``name``, ``x``, ``y``, optionally ``se`` (standard errors, drawn twice as a band; none if not finite) and
        ``role`` of `figures.theme.ROLES`.
    histogram : dict, optional
        ``edges`` and ``density``.
    sigma : float, optional
        At first; afterwards the view keeps its own, which `set_sigma` changes. Default 1/40 of the interval.
    kernel : {"gaussian", "cauchy"}
    sigma_range : (float, float), optional
        Default 1/1000 to 1/4 of the interval.
    x_label : str
    log : bool
        Density and weight on logarithmic axes of equally many decades.
    threshold : (weight, text), optional
        A horizontal line at this weight, with its text.
    height : int
        Of the drawing, in pixels.
    ladders : list of dict
        ``name``, ``role``, ``x`` (p,), ``sigmas`` (s,) ascending and ``y`` (s, p): curves at these sigmas. Between them the
        view interpolates in log sigma and says so; beyond them it draws nothing. Optionally ``exact``, a dict of ``sigma``,
        ``y``, ``se`` and points ``x`` of its own: the curve itself at one sigma, which takes the place of an interpolated one.
    truth : bool
        Whether the nodes are the spectrum itself: their smoothed curve is called exact and drawn as an area.
    big : bool
        Whether the slider is the main control: a larger track and thumb.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Numbers that are not finite, lengths that differ, an unknown role or kernel.
    """
    low, high = (float(end) for end in interval)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"an interval needs finite ends with lower < upper; got ({low:g}, {high:g}).")
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}.")
    least, most = sigma_range or (1e-3 * (high - low), 0.25 * (high - low))
    if not (np.isfinite([least, most]).all() and 0 < least < most):
        raise ValueError(f"sigma_range needs 0 < lower < upper; got ({least:g}, {most:g}).")
    memory = _memory(key)
    if memory not in st.session_state:
        st.session_state[memory] = 0.025 * (high - low) if sigma is None else float(sigma)
    chosen = current_sigma(key, interval, sigma_range)
    atoms = _numbers("atoms", np.reshape(np.asarray(atoms, dtype=np.float64), -1)).reshape(-1, 2)
    nodes, weights = _mixture("nodes", nodes, weights, 1e-4 * (high - low))
    stems = (nodes, weights) if stems is None else _pair("stems", *stems)
    apart = np.abs(stems[0][:, None] - atoms[:, 0]).min(axis=1, initial=np.inf) > 1e-9 * (high - low)
    data = {
        "interval": [low, high],
        "nodes": _short(nodes, 9),
        "weights": _short(weights),
        "stems": {"x": _short(stems[0][apart]), "y": _short(stems[1][apart])},
        "atoms": [_short(row) for row in atoms],
        "curves": [_curve(**curve) for curve in curves],
        "histogram": None if histogram is None else _histogram(**histogram),
        "sigma": chosen,
        "sigma_range": [least, most],
        "kernel": kernel,
        "x_label": str(x_label),
        "log": bool(log),
        "threshold": None if threshold is None else {"weight": float(threshold[0]), "text": str(threshold[1])},
        "height": int(height),
        "ladders": [_ladder(**ladder) for ladder in ladders],
        "truth": bool(truth),
        "big": bool(big),
        "styles": STYLES,
    }
    _component(key=key, data=data, on_sigma_change=lambda: _remember(key))
    return chosen


def current_sigma(key, interval, sigma_range=None):
    """The sigma at which the view `key` of this range stands: what `sigma_view` will return, before it is drawn."""
    width = interval[1] - interval[0]
    least, most = sigma_range or (1e-3 * width, 0.25 * width)
    return float(np.clip(st.session_state.get(_memory(key), 0.025 * width), least, most))


def set_sigma(key, sigma):
    """Move the slider of the view `key`, for a preset; call before `sigma_view` in the script or in a callback."""
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be positive; got {sigma}.")
    st.session_state[_memory(key)] = float(sigma)


def reset_sigma(key):
    """Let the view `key` begin with its default again."""
    st.session_state.pop(_memory(key), None)


def _memory(key):
    return f"{key}: sigma"


def _remember(key):
    value = st.session_state[key].get("sigma")
    if isinstance(value, (int, float)) and np.isfinite(value) and value > 0:
        st.session_state[_memory(key)] = float(value)


def _numbers(name, values):
    values = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite numbers; {np.count_nonzero(~np.isfinite(values))} are not.")
    return values


def _pair(name, x, y):
    x, y = _numbers(name, x), _numbers(name, y)
    if len(x) != len(y):
        raise ValueError(f"{name} needs as many values as positions; got {len(x)} and {len(y)}.")
    return x, y


def _mixture(name, nodes, weights, resolution):
    """Nodes ascending, those within `resolution` (a tenth of the least sigma) of each other as one, none of weight 0."""
    nodes, weights = _pair(name, nodes, weights)
    order = np.argsort(nodes, kind="stable")
    order = order[weights[order] > 1e-10]
    nodes, weights = nodes[order], weights[order]
    if not len(nodes):
        return nodes, weights
    _, place = np.unique(np.round(nodes / resolution), return_inverse=True)
    mass = np.bincount(place, weights=weights)
    return np.bincount(place, weights=weights * nodes) / mass, mass


def _curve(name, x, y, se=None, role="other"):
    if role not in STYLES:
        raise ValueError(f"role must be one of {', '.join(STYLES)}; got {role!r}.")
    x, y = _pair(f"curve {name}", x, y)
    error = None
    if se is not None:
        se = np.asarray(se, dtype=np.float64).ravel()
        if len(se) != len(x):
            raise ValueError(f"curve {name} needs as many standard errors as points; got {len(se)} and {len(x)}.")
        error = _short(se, 3) if np.isfinite(se).all() and se.any() else None
    return {"name": str(name), "role": role, "x": _short(x), "y": _short(y, 5), "se": error}


def _ladder(name, x, sigmas, y, role="other", exact=None):
    sigmas = _numbers(f"the sigmas of {name}", sigmas)
    y = np.asarray(y, dtype=np.float64).reshape(len(sigmas), -1) if len(sigmas) else np.zeros((0, len(x)))
    if y.shape != (len(sigmas), len(x)) or not np.isfinite(y).all():
        raise ValueError(f"ladder {name} needs finite values of shape ({len(sigmas)}, {len(x)}); got {y.shape}.")
    if (sigmas <= 0).any() or (np.diff(sigmas) <= 0).any():
        raise ValueError(f"the sigmas of ladder {name} must be positive and ascending; got {sigmas.tolist()}.")
    if exact is not None:
        curve = _curve(name, exact.get("x", x), exact["y"], exact.get("se"), role)
        exact = {"sigma": float(exact["sigma"])} | {part: curve[part] for part in ("x", "y", "se")}
    made = _curve(name, x, np.zeros(len(x)), None, role)
    return made | {"sigmas": _short(sigmas, 9), "y": [_short(row, 4) for row in y], "exact": exact}


def _histogram(edges, density):
    edges, density = _numbers("histogram edges", edges), _numbers("histogram density", density)
    if len(edges) != len(density) + 1:
        raise ValueError(f"a histogram needs one edge more than bars; got {len(edges)} and {len(density)}.")
    return {"edges": _short(edges), "density": _short(density)}


def _short(values, digits=6):
    """A list of floats rounded to so many significant digits: a third of the bytes."""
    return [float(f"{value:.{digits}g}") for value in values]
