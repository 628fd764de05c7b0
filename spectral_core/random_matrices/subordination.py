"""Biane's map: where ``w = z + s^2 m(z)`` runs while `z` runs along the real axis, for atoms and a semicircle."""

import numpy as np

__all__ = ["inverse", "on_axis", "preimages", "upper_solution"]

ITERATIONS = 200
BLOCK = 1 << 18  # entries of points x nodes held at once
EPS = np.finfo(np.float64).eps


def _in_blocks(function):
    """Apply to blocks of the points and put the results together."""

    def blocked(u, t, nodes, weights, s):
        size = max(BLOCK // len(nodes), 1)
        slices = [slice(i, i + size) for i in range(0, max(len(u), 1), size)]
        parts = [function(u[i], t[i], nodes, weights, s) for i in slices]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    return blocked


@_in_blocks
def boundary(u, guess, nodes, weights, s):
    """``x, t, dx/du`` with ``w = u + i sqrt t`` on the curve ``sum_i w_i / ((l_i - u)^2 + t) = 1 / s^2``, else ``t = 0``.

    ``1 / sum`` is concave in ``t``, so that Newton's method is monotone from the left, and one step from a `guess` on the
    right goes there; ``t >= s^2 w_i - (l_i - u)^2``. With ``D = (l - u)^2 + t``, ``S = sum w / D^2`` and ``Q = sum w (l -
    u) / D^2`` the slope on the curve is ``2 s^2 (t S + Q^2 / S)``.
    """
    squares = (nodes - u[:, None]) ** 2
    least = np.maximum((s * s * weights - squares).max(axis=1), 0.0)
    t = np.maximum(guess, least)
    moving = np.arange(len(u))
    for k in range(ITERATIONS):
        inverse_D = 1.0 / (squares[moving] + t[moving, None])
        f = inverse_D @ weights
        excess = s * s * f - 1.0
        new = np.maximum(t[moving] + excess * f / ((inverse_D * inverse_D) @ weights), least[moving])
        settled = (np.abs(excess) <= 4.0 * EPS) | (np.abs(new - t[moving]) <= 4.0 * EPS * new)
        settled |= (excess < 0) & (k > 0)  # by rounding: the exact iteration only rises
        t[moving] = new
        moving = moving[~settled]
        if not len(moving):
            break
    inverse_D = 1.0 / (squares + t[:, None])
    x = u - s * s * ((nodes - u[:, None]) * inverse_D) @ weights
    inverse_D *= inverse_D
    S, Q = inverse_D @ weights, ((nodes - u[:, None]) * inverse_D) @ weights
    on_curve = 2.0 * s * s * (t * S + Q * Q / S)
    return x, t, np.where(t > 0, on_curve, 1.0 - s * s * ((squares * inverse_D) @ weights))


def on_axis(u, nodes, weights, s):
    """``x = u + s^2 sum w / (u - l)``, ``s^2 sum w / (u - l)^2 - 1`` and the slope of the second, where ``t = 0``."""
    return _on_axis(u, u, nodes, weights, s)


@_in_blocks
def _on_axis(u, _, nodes, weights, s):
    inverse_a = 1.0 / (u[:, None] - nodes)
    squares = inverse_a * inverse_a
    third = -2.0 * s * s * (squares * inverse_a) @ weights
    return u + s * s * inverse_a @ weights, s * s * squares @ weights - 1.0, third


def preimages(nodes, weights, s):
    """``(parts, 2)``: the intervals of `u` on which ``f = sum_i w_i / (l_i - u)^2 > 1 / s^2``, ascending.

    Between two nodes ``f^(-1/2)`` is concave (a power mean of the distances), so that Newton's method for ``f^(-1/2) =
    s`` from beside a node, ``|u - l_i| = s sqrt w_i``, never overshoots; a gap is closed where it finds ``f`` at its
    minimum before the end, or where the two ends of the gap would cross.
    """
    reach = s * np.sqrt(weights)
    right, open_right = _gap_ends(nodes + reach, np.r_[nodes[1:] - reach[1:], np.inf], 1.0, nodes, weights, s)
    left, open_left = _gap_ends(nodes - reach, np.r_[-np.inf, nodes[:-1] + reach[:-1]], -1.0, nodes, weights, s)
    gaps = open_right[:-1] & open_left[1:] & (right[:-1] < left[1:])
    return np.column_stack([np.r_[left[0], left[1:][gaps]], np.r_[right[:-1][gaps], right[-1]]])


def _gap_ends(u, limit, side, nodes, weights, s):
    """Where ``f`` falls to ``1 / s^2`` on the one `side` of each node, and whether it does before `limit`."""
    u = u.copy()
    found = side * (limit - u) > 0
    moving = np.flatnonzero(found)
    for _ in range(ITERATIONS):
        _, excess, slope = on_axis(u[moving], nodes, weights, s)
        falling = side * slope < 0
        root = np.sqrt(np.maximum(excess, 0.0) + 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(falling, -2.0 * (root - 1.0) * root * root / slope, np.inf * side)
        crossed = (excess > 0) & (side * (limit[moving] - u[moving] - step) <= 0)
        found[moving[crossed]] = False
        settled = crossed | (excess <= 0) | (np.abs(step) <= EPS * np.abs(u[moving]))
        u[moving[~settled]] += step[~settled]
        moving = moving[~settled]
        if not len(moving):
            break
    return u, found


def inverse(x, low, high, nodes, weights, s):
    """``u, t`` with ``x(u) = x`` for `u` in ``[low, high]``: Newton's method, safeguarded by bisection."""
    u, t = (low + high) / 2.0, np.zeros(len(x))
    tolerance = 4.0 * EPS * (np.abs(x) + s)
    moving = np.arange(len(x))
    for k in range(ITERATIONS):
        value, t[moving], slope = boundary(u[moving], t[moving], nodes, weights, s)
        error = value - x[moving]
        below = error < 0
        low[moving], high[moving] = np.where(below, u[moving], low[moving]), np.where(below, high[moving], u[moving])
        settled = (np.abs(error) <= tolerance[moving]) | (high[moving] - low[moving] <= tolerance[moving])
        with np.errstate(divide="ignore", invalid="ignore"):
            step = u[moving] - error / slope
        newton = (k % 3 < 2) & (step > low[moving]) & (step < high[moving])
        u[moving] = np.where(settled, u[moving], np.where(newton, step, (low[moving] + high[moving]) / 2.0))
        moving = moving[~settled]
        if not len(moving):
            break
    return u, t


def upper_solution(z, nodes, weights, s):
    """``w`` with ``w - s^2 sum_i w_i / (l_i - w) = z`` and ``Im w > Im z > 0``, ``nan`` where no step finds it.

    Newton's method, the imaginary part of `z` lowered from `s` by factors of 4, so that each start lies a little above
    its solution. A step that would leave the half-plane above `z`, or raise the error, gives way to the fixed-point step
    ``w <- z + s^2 m(w)``, which always converges there (Denjoy and Wolff).
    """

    def image(w, z):
        reciprocal = 1.0 / (nodes - w[:, None])
        m = reciprocal @ weights
        return z + s * s * m, w - s * s * m - z, 1.0 - s * s * (reciprocal * reciprocal) @ weights

    levels = max(int(np.ceil(np.log(s / z.imag.min(initial=s)) / np.log(4.0))), 0)
    tolerance = 16.0 * EPS * (np.abs(z) + s)
    w = z + 1j * s
    for k in range(levels + 1):
        height = z.real + 1j * np.maximum(z.imag, s * 4.0**-k if k < levels else 0.0)
        for _ in range(8 if k < levels else ITERATIONS):
            fixed, error, slope = image(w, height)
            moving = np.abs(error) > tolerance
            if not moving.any():
                break
            with np.errstate(divide="ignore", invalid="ignore"):
                step = w - error / slope
            step = np.where(step.imag > height.imag, step, fixed)
            better = np.abs(image(step, height)[1]) < np.abs(error)
            w = np.where(moving, np.where(better, step, fixed), w)
    return np.where(np.abs(image(w, z)[1]) <= 1e3 * tolerance, w, np.nan)
