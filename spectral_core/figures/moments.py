"""Why smoothing misleads: the moments of each curve against the measured ones."""

import numpy as np
import plotly.graph_objects as go

from spectral_core.figures import theme

__all__ = ["deviations", "moments_figure"]

FLOOR = 1e-16  # below rounding: what is drawn for a deviation of 0 on a logarithmic axis


def deviations(measured, densities, degree=20):
    """``|E_q[x^k] - mu_k| / s_k`` for ``k = 1..degree``, with ``mu_k`` measured and ``s_k`` the size of ``|x|^k``.

    ``s_k = mu_k`` for even ``k`` and for spectra that are nowhere negative; else ``s_k = sqrt(mu_(k-1) mu_(k+1))``,
    which is at least ``E|x|^k`` (Cauchy and Schwarz) and not 0 where positive and negative eigenvalues cancel.

    Parameters
    ----------
    measured : Moments
    densities : dict of str to Density
    degree : int
        Fewer where fewer are measured.

    Returns
    -------
    orders : (d,) array
    relative : dict of str to (d,) array
        Without the curves that have no moments.
    error : (d,) array
        Standard errors of the measured moments in the same units; 0 if exact, ``inf`` from one probe.
    missing : list of str
        Curves that have no moments, such as Cauchy-smoothed ones.
    """
    positive = measured.interval[0] >= 0.0
    degree = min(degree, measured.degree - (0 if positive else 1))
    if degree < 1:
        raise ValueError("comparing moments needs at least one measured moment, two if eigenvalues may be negative.")
    values, errors = measured.raw(degree if positive else degree + 1)
    orders = np.arange(1, degree + 1)
    scale = np.abs(values[orders])
    if not positive:
        odd = orders % 2 == 1
        scale[odd] = np.sqrt(np.maximum(values[orders[odd] - 1], 0.0)) * np.sqrt(
            np.maximum(values[orders[odd] + 1], 0.0)
        )
    scale = np.maximum(scale, np.finfo(float).tiny)
    relative, missing = {}, []
    for name, density in densities.items():
        try:
            moments = np.array([density.moment(int(k)) for k in orders])
        except ValueError:
            missing.append(name)
        else:
            relative[name] = np.abs(moments - values[orders]) / scale
    return orders, relative, errors[orders] / scale, missing


def moments_figure(measured, densities, degree=20, *, title="Moments of each curve against the measured ones"):
    """`deviations` on a logarithmic axis; inside the shaded area a curve agrees with what was measured.

    Parameters
    ----------
    measured : Moments
    densities : dict of str to Density
    degree : int

    Returns
    -------
    plotly.graph_objects.Figure
    """
    orders, relative, error, missing = deviations(measured, densities, degree)
    error, notes = 2.0 * error, []
    every = np.concatenate([*relative.values(), error[np.isfinite(error)]])
    visible = every[np.isfinite(every) & (every > 1e-14)]
    low = max(FLOOR, 10.0 ** np.floor(np.log10(visible.min(initial=1e-2))) / 3.0)
    high = 3.0 * max(visible.max(initial=1.0), 1e-3)
    figure = go.Figure()
    if not np.isfinite(error).all():
        notes.append("one probe: the error of the measured moments is not known")
    elif error.max() > 0:
        figure.add_trace(_band(orders, np.maximum(error, low), low))
    else:
        notes.append("the measured moments are exact")
    for name, style in theme.styles(densities).items():
        if name in relative:
            figure.add_trace(_points(name, style, orders, relative[name], low))
    if missing:
        notes.append(f"a Cauchy kernel has no moments: left out {', '.join(missing)}")
    scale = "E[x^k]" if measured.interval[0] >= 0.0 else "(E[x^k], odd k √(E[x^(k−1)] E[x^(k+1)]))"
    figure.update_layout(theme.layout(title, subtitle="; ".join(notes)))
    figure.update_xaxes(theme.axis("order k of the moment E[x^k]", dtick=max(1, len(orders) // 10), tick0=0))
    figure.update_yaxes(theme.axis(f"deviation / {scale}", type="log", range=[np.log10(low), np.log10(high)]))
    figure.update_yaxes(exponentformat="power", dtick=max(1, round((np.log10(high / low)) / 6)))
    return figure


def _band(orders, upper, low):
    style = theme.ROLES["exact"]
    border = {"color": style.colour, "width": 1, "dash": "dot"}
    name = "within ± 2 standard errors of the measured moments"
    lower = np.full(len(orders), low)
    return go.Scatter(**theme.band(orders, upper, lower, style.colour, 0.25, line=border, name=name, showlegend=None))


def _points(name, style, orders, relative, low):
    return go.Scatter(
        x=orders,
        y=np.maximum(relative, low),
        customdata=relative,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": style.width},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        name=name,
        hovertemplate="k = %{x}<br>off by %{customdata:.2g} of the scale<extra></extra>",
    )
