"""Where a sequence of quadrature rules is going."""

import numpy as np

__all__ = ["limit_of_rules", "slow_limit", "thirds"]

POWERS = np.linspace(0.25, 40.0, 400)
SLOWEST = 0.9  # ratio of successive differences above which a sequence is not taken for geometric


def thirds(k):
    """The steps after which the three rules for `limit_of_rules` are taken: a third, two thirds and all of `k`."""
    return -(-k // 3), -(-2 * k // 3), k


def limit_of_rules(gauss, radau):
    """The common limit of rules that bound an integral from above and from below, and how far it is uncertain.

    Two guesses. Aitken's: with ``d_1, d_2`` the differences of the three Gauss rules, ``g_3 - d_2^2 / (d_1 - d_2)``, right
    where the error falls geometrically and too high where it falls more slowly. The meeting point: the straight line
    through the points ``(r_2, g_2)`` and ``(r_3, g_3)``, followed to ``r = g``, right where both errors fall by the same
    law, whichever it is, and too low where the prescribed node lies far below the smallest eigenvalue. Between them lies,
    as a rule, the limit.

    Parameters
    ----------
    gauss, radau : (3,) arrays
        The rules after a third, two thirds and all of the steps; `radau` may be ``-inf``.

    Returns
    -------
    value, uncertainty : float
        The mean of the two guesses and half their distance; without a lower bound Aitken's guess, and the larger of what it
        takes off the last Gauss rule and its distance to `slow_limit`. Always within the bounds.

    Notes
    -----
    Ours, a heuristic. On squared exponential kernels of condition number 1e3 to 5e10, whole and with 200 and 480 columns
    eliminated, after 15 to 150 steps, the limit lay between the guesses or within their distance of the nearer one.
    Aitken 1926.

    Examples
    --------
    >>> limit_of_rules(1.0 + 0.5 ** np.arange(3), 1.0 - 2.0 * 0.5 ** np.arange(3))
    (1.0, 0.0)
    """
    first, second = max(gauss[0] - gauss[1], 0.0), max(gauss[1] - gauss[2], 0.0)
    ratio = min(second / first, SLOWEST) if first > 0 else 0.0
    gap = gauss[2] - radau[2]
    geometric = min(second * ratio / (1.0 - ratio), gap)
    if not np.isfinite(gap):
        value = gauss[2] - geometric
        return float(value), float(max(geometric, value - slow_limit(gauss)))
    closing = (gauss[1] - radau[1]) - gap
    meeting = min(second * gap / closing, gap) if closing > 0 else gap / 2.0
    return float(gauss[2] - (geometric + meeting) / 2.0), float(abs(geometric - meeting) / 2.0)


def slow_limit(gauss):
    """The limit of Gauss rules whose error falls like a power of the steps, ``c / k^p``: a guess on the safe side.

    From the rules after a third, two thirds and all of the steps: with ``d_1, d_2`` their differences,
    ``d_1 / d_2 = (3^p - 1.5^p) / (1.5^p - 1)`` gives `p`, at least 1/4, and ``g_3 - d_2 / (1.5^p - 1)`` the limit, which
    lies below Aitken's. So does the error fall on spectra that reach down to 0, more slowly than on others.

    Examples
    --------
    >>> round(slow_limit(1.0 + 1.0 / np.array([4.0, 8.0, 12.0]) ** 2), 3)
    1.0
    """
    first, second = max(gauss[0] - gauss[1], 0.0), max(gauss[1] - gauss[2], 0.0)
    if second == 0.0:
        return float(gauss[2])
    ratios = (3.0**POWERS - 1.5**POWERS) / (1.5**POWERS - 1.0)
    power = np.interp(first / second, ratios, POWERS)
    return float(gauss[2] - second / (1.5**power - 1.0))
