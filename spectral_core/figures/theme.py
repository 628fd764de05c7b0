"""One look for every figure: colours with fixed meanings, readable on white and on black and without colour vision.

The hues are Okabe and Ito's, made a little darker or lighter so that each has a contrast of at least 3:1 against each
of Streamlit's backgrounds. Every role has a line style of its own too, so that colour is never the only difference.
"""

from dataclasses import dataclass, replace

import numpy as np

__all__ = [
    "BACKGROUNDS",
    "BELOW",
    "ROLES",
    "Style",
    "band",
    "contrast_ratio",
    "faded",
    "layout",
    "logarithmic",
    "logarithmic_y",
    "role_of",
    "styles",
]

BACKGROUNDS = {"light": "#ffffff", "dark": "#171614", "older dark": "#0e1117"}  # Streamlit's
GRID = "rgba(128, 128, 128, 0.25)"
BELOW = {"orientation": "h", "x": 0.0, "xanchor": "left", "y": -0.2, "yanchor": "top"}  # a legend that may wrap
FONT_SIZE = 16  # readable from the last row of a lecture room

EIGENVALUE = "eigenvalue λ"
DENSITY = "density (share of eigenvalues per unit λ)"
WEIGHT = "weight (share of all eigenvalues)"


@dataclass(frozen=True)
class Style:
    """How a role is drawn: `colour` ``#rrggbb``, `dash` (plotly's names), `width` in pixels, `symbol` of markers."""

    colour: str
    dash: str = "solid"
    width: float = 2.5
    symbol: str = "circle"


ROLES = {
    "exact": Style("#7f7f7f", "solid", 1.0, "square"),
    "atom": Style("#7f7f7f", "solid", 3.0, "diamond"),
    "maxent": Style("#1f7fc4", "solid", 3.0),
    "smoothed": Style("#d55e00", "dash", 2.5),
    "kernel polynomial": Style("#00916a", "dashdot", 2.5),
    "stems": Style("#a259b5", "solid", 1.5, "circle-open"),
    "hutchinson": Style("#b07a00", "longdashdot", 2.0, "diamond"),
    "nystrom": Style("#5f8787", "dot", 2.5, "triangle-up"),
    "nystrom++": Style("#7d74d1", "longdash", 2.5, "cross"),
    "xnystrom": Style("#c2479a", "solid", 2.5, "star"),
    "other": Style("#8a7000", "dot", 2.5),
}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
ROLE_OF_TYPE = {
    "MaxEntDensity": "maxent",
    "LogScaleDensity": "maxent",
    "SmoothedDensity": "smoothed",
    "ChebyshevDensity": "kernel polynomial",
}


def role_of(density):
    """The role of a density, by its type; "other" for types without a role of their own."""
    return ROLE_OF_TYPE.get(type(density).__name__, "other")


def styles(densities):
    """A `Style` for each name of a dict of densities: the role's colour, another dash for the second of a role.

    >>> styles({})
    {}
    """
    chosen, taken = {}, {}
    for name, density in densities.items():
        role = role_of(density)
        style, count = ROLES[role], taken.get(role, 0)
        taken[role] = count + 1
        turned = DASHES[(DASHES.index(style.dash) + count) % len(DASHES)]
        chosen[name] = replace(style, dash=turned)
    return chosen


def faded(colour, opacity):
    """``#rrggbb`` as ``rgba(r, g, b, opacity)``.

    >>> faded("#ff8000", 0.5)
    'rgba(255, 128, 0, 0.5)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def band(x, upper, lower, colour, opacity=0.2, **options):
    """The arguments of a scatter trace that fills what lies between `upper` and `lower`, by itself not in the legend.

    >>> band([0, 1], [2, 2], [1, 1], "#ff8000")["y"]
    array([2, 2, 1, 1])
    """
    return {
        "x": np.r_[x, x[::-1]],
        "y": np.r_[upper, lower[::-1]],
        "fill": "toself",
        "fillcolor": faded(colour, opacity),
        "line": {"width": 0},
        "mode": "lines",
        "showlegend": False,
        "hoverinfo": "skip",
    } | options


def contrast_ratio(first, second):
    """``(L1 + 0.05) / (L2 + 0.05)`` of the relative luminances, the lighter first. Source: WCAG 2.2, definition.

    >>> round(contrast_ratio("#ffffff", "#000000"), 9)
    21.0
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def axis(title, **settings):
    """Settings of an axis: its title with units, faint grid, no colour of text, which the page's theme gives."""
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": FONT_SIZE}},
        "tickfont": {"size": FONT_SIZE - 2},
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "exponentformat": "power",
        "automargin": True,
    } | settings


def logarithmic(low, high):
    """An axis over ``10^low`` to ``10^high``: ticks at powers of ten, at 1, 2 and 5, or evenly, whichever are few."""
    span, tickformat = high - low, "~g"  # in full: 0.2 and not 2
    if span > 2.2:
        dtick, tickformat = (1 if span < 6 else 2), tickformat if low > -4 and high < 6 else None
    elif span > 0.6:
        dtick = "D2"
    else:
        third = (10**high - 10**low) / 3
        power = 10 ** np.floor(np.log10(third))
        dtick = f"L{max(step for step in (1, 2, 5) if step * power <= third) * power:.0e}"
    return {"type": "log", "range": [low, high], "dtick": dtick, "tickformat": tickformat}


def logarithmic_y(figure, title):
    """The y axis of one figure: logarithmic, with the ticks that its traces ask for, the range left to plotly."""
    mine = (trace.y for trace in figure.data if trace.y is not None and trace.yaxis in (None, "y"))
    values = np.concatenate([np.asarray(y, dtype=float) for y in mine])
    shown = np.log10(values[np.isfinite(values) & (values > 0)])
    settings = logarithmic(shown.min() - 0.05, shown.max() + 0.05) if len(shown) else {"type": "log"}
    return axis(title, **(settings | {"range": None}))


def layout(title, *, subtitle="", revision="view", **settings):
    """Layout that all figures share: transparent, legend above, zoom kept while data of the same `revision` come in."""
    return {
        "title": {
            "text": title,
            "font": {"size": FONT_SIZE + 2},
            "subtitle": {"text": subtitle, "font": {"size": FONT_SIZE - 2}},
            "x": 0.0,
            "xref": "paper",
            "y": 0.98,
            "yanchor": "top",
        },
        "font": {"size": FONT_SIZE},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "uirevision": revision,
        "hovermode": "closest",
        "hoverlabel": {"font": {"size": FONT_SIZE - 1}},
        "legend": {"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 70, "r": 70, "t": 115 + (20 if subtitle else 0), "b": 60},
        "height": 500 + (20 if subtitle else 0),
    } | settings
