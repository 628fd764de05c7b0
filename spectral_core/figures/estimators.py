"""Estimators of a smoothed spectrum held against the exact one: errors over products and sigma, and who wins where."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["estimator_error_figure", "estimator_winners", "estimator_winners_figure", "estimator_winners_table"]

ROLES = {"lanczos": "smoothed", "kpm": "kernel polynomial"}  # the others' are their names
SYMBOLS = {
    "xnystrom": "star",
    "nystrom++": "cross",
    "nystrom": "triangle-up",
    "hutchinson": "diamond",
    "lanczos": "circle",
    "kpm": "square",
    "maxent": "hexagon2",
}
FEW = 3  # seeds below which a spread says nothing
LIKE = 1.2  # factor within which errors of fewer seeds count as equal
ERROR = "L1 error (share of the mass)"


def estimator_error_figure(x, errors, *, names, x_title, title, subtitle="", marked=None):
    """Median error of each estimator over its range across seeds, on logarithmic axes.

    Parameters
    ----------
    x : (k,) array
        Products, or sigmas.
    errors : dict of str to (seeds, k) array
        By estimator; NaN where it has no curve.
    names : dict of str to str
    x_title, title, subtitle : str
    marked : float, optional
        A vertical line.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    x = np.asarray(x, dtype=np.float64)
    figure = go.Figure(layout=theme.layout(title, subtitle=subtitle, revision=x_title))
    for name, values in errors.items():
        style = theme.ROLES[ROLES.get(name, name)]
        low, middle, high = _range(values)
        known = np.isfinite(middle)
        if not known.any():
            continue
        if len(values) > 1:
            figure.add_scatter(**theme.band(x[known], high[known], low[known], style.colour, 0.15, legendgroup=name))
        figure.add_scatter(
            x=x[known],
            y=middle[known],
            customdata=np.column_stack([low[known], high[known]]),
            mode="lines+markers",
            name=names[name],
            legendgroup=name,
            line={"color": style.colour, "dash": style.dash, "width": style.width},
            marker={"color": style.colour, "symbol": SYMBOLS[name], "size": 10},
            hovertemplate=f"{names[name]}<br>%{{x:.4g}}: %{{y:.2g}} (%{{customdata[0]:.2g}} to %{{customdata[1]:.2g}})"
            "<extra></extra>",
        )
    if marked is not None:
        figure.add_vline(x=marked, line={"dash": "dot", "width": 1.5, "color": theme.ROLES["exact"].colour})
    figure.update_xaxes(
        theme.axis(x_title, type="log", tickmode="array", tickvals=x, ticktext=[f"{one:g}" for one in x])
    )
    figure.update_yaxes(theme.axis(ERROR, type="log", dtick="D2"))
    figure.update_layout(
        legend={"orientation": "h", "y": -0.22, "yanchor": "top"}, margin={"t": 80, "b": 160}, height=520
    )
    return figure


def _range(values):
    """Least, median and largest over the seeds; NaN where there is none."""
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values).any(axis=0)
    found = np.full((3, values.shape[1]), np.nan)
    if known.any():
        part = values[:, known]
        found[:, known] = np.nanmin(part, axis=0), np.nanmedian(part, axis=0), np.nanmax(part, axis=0)
    return found


def estimator_winners(errors):
    """Who has the least mean error in each cell, and who ties with it.

    Two tie where their mean errors differ by less than two standard errors of the difference over the seeds; of fewer than
    three seeds, where the errors are within a factor 1.2.

    Parameters
    ----------
    errors : dict of str to (seeds, rows, columns) array

    Returns
    -------
    list of lists of tuples of str
        ``[row][column]``: the winner first, then those that tie with it; empty where nobody has a curve.

    Examples
    --------
    >>> estimator_winners({"a": [[[1.0, 2.0]]], "b": [[[1.1, 1.0]]]})
    [[('a', 'b'), ('b',)]]
    """
    names = list(errors)
    values = np.array([errors[name] for name in names], dtype=np.float64)
    seeds = values.shape[1]
    rows = []
    for row in range(values.shape[2]):
        cells = []
        for column in range(values.shape[3]):
            cell = values[:, :, row, column]
            known = np.flatnonzero(np.isfinite(cell).all(axis=1))
            order = known[np.argsort(cell[known].mean(axis=1), kind="stable")]
            cells.append(tuple(names[one] for one in order if _ties(cell[order[0]], cell[one], seeds)))
        rows.append(cells)
    return rows


def _ties(best, other, seeds):
    if seeds < FEW:
        return other.mean() <= LIKE * best.mean()
    spread = np.sqrt((best.var(ddof=1) + other.var(ddof=1)) / seeds)
    return other.mean() - best.mean() <= 2.0 * spread


def estimator_winners_figure(
    products, sigmas, errors, *, names, titles=None, title="Which estimator wins where", marked=None, awaited=()
):
    """A map of `estimator_winners`: products across, sigma up, each cell with symbol, name and error.

    Parameters
    ----------
    products, sigmas : sequences
    errors : dict of str to (seeds, len(sigmas), len(products)) array
    names : dict of str to str
        Short names, which the cells carry.
    titles : dict of str to str, optional
        Names for the legend.
    marked : (float, float), optional
        Products and sigma of the cell that is framed.
    awaited : sequence of int, optional
        Places of the sigmas that are not measured, or not yet.
    """
    winners = estimator_winners(errors)
    seeds = len(next(iter(errors.values())))
    subtitle = f"{seeds} seed{'s' * (seeds != 1)}; “=” joins those that tie within the error"
    figure = go.Figure(layout=theme.layout(title, subtitle=subtitle, revision="winners", showlegend=True))
    across, up = [f"{one:,}" for one in products], [f"{one:g}" for one in sigmas]
    first = {name: ([], []) for name in errors}
    for row, cells in enumerate(winners):
        for column, cell in enumerate(cells):
            if cell:
                first[cell[0]][0].append(column)
                first[cell[0]][1].append(row)
            figure.add_annotation(
                x=column, y=row, text="not measured" if row in awaited else _words(cell, names, errors, row, column),
                showarrow=False, yshift=-16,
                font={"size": theme.FONT_SIZE - 4},
            )  # fmt: skip
    for name, (x, y) in first.items():
        if x:
            style = theme.ROLES[ROLES.get(name, name)]
            for column, row in zip(x, y, strict=True):
                figure.add_shape(
                    type="rect", x0=column - 0.48, x1=column + 0.48, y0=row - 0.46, y1=row + 0.46, layer="below",
                    line={"width": 1, "color": style.colour}, fillcolor=theme.faded(style.colour, 0.22),
                )  # fmt: skip
            figure.add_scatter(
                x=x, y=np.array(y) + 0.27, mode="markers", name=(titles or names)[name], hoverinfo="skip",
                marker={"symbol": SYMBOLS[name], "size": 13, "color": style.colour},
            )  # fmt: skip
    if marked is not None and marked[0] in products and marked[1] in sigmas:
        column, row = list(products).index(marked[0]), list(sigmas).index(marked[1])
        figure.add_shape(
            type="rect", x0=column - 0.48, x1=column + 0.48, y0=row - 0.46, y1=row + 0.46,
            line={"width": 3, "dash": "dot", "color": theme.ROLES["exact"].colour},
        )  # fmt: skip
    ends = {"zeroline": False, "showgrid": False}
    figure.update_xaxes(
        theme.axis(
            "products, each estimator",
            tickvals=list(range(len(across))),
            ticktext=across,
            range=[-0.55, len(across) - 0.45],
            **ends,
        )
    )
    figure.update_yaxes(
        theme.axis(
            "σ (share of the interval)",
            tickvals=list(range(len(up))),
            ticktext=up,
            range=[-0.55, len(up) - 0.45],
            **ends,
        )
    )
    figure.update_layout(height=150 + 100 * max(len(up), 3))
    return figure


def _words(cell, names, errors, row, column):
    """Who, who ties, and the error, a line each."""
    if not cell:
        return "nobody"
    mean = float(np.mean([one[row][column] for one in errors[cell[0]]]))
    tied = "<br>= ".join(names[name] for name in cell[:2]) + (f" + {len(cell) - 2}" if len(cell) > 2 else "")
    return f"{tied}<br>{mean:.2g}"


def estimator_winners_table(products, sigmas, errors, *, names):
    """One row a cell and estimator: median, least and largest error over the seeds, and whether it wins or ties."""
    import pandas as pd

    winners, rows = estimator_winners(errors), []
    for row, sigma in enumerate(sigmas):
        for column, budget in enumerate(products):
            for name, values in errors.items():
                cell = np.asarray(values, dtype=np.float64)[:, row, column]
                known = cell[np.isfinite(cell)]
                low, middle, high = (known.min(), np.median(known), known.max()) if len(known) else (np.nan,) * 3
                won = winners[row][column]
                place = "wins" if won[:1] == (name,) else "ties" if name in won else ""
                rows.append((sigma, budget, names[name], middle, low, high, len(known), place))
    columns = ["sigma (share)", "products", "estimator", "median L1 error", "least", "largest", "seeds", "place"]
    return pd.DataFrame(rows, columns=columns)
