"""Chebyshev moments ``v . T_j(A) v`` by doubling: two moments a product."""

import numpy as np
import torch

from spectral_core.operators import recurrence_
from spectral_core.sparse_products import column_dots

__all__ = ["chebyshev_moment_steps"]


def chebyshev_moment_steps(A, V, *, degree, interval):
    """Yield ``(moments, products)`` after every product; all moments up to the degree reached are final.

    With ``t_j = T_j(A) v`` for `A` mapped from `interval` to [-1, 1]:
    ``v.T_2j v = 2 t_j.t_j - v.v`` and ``v.T_(2j+1) v = 2 t_(j+1).t_j - t_1.v``, so ``degree`` moments take
    ``ceil(degree / 2)`` products a probe, and ``v`` need not be kept.

    Parameters
    ----------
    A : operator (n, n)
    V : (n, p) tensor
        Probes.
    degree : int
        Highest moment.
    interval : (lower, upper)
        Holds the spectrum. An eigenvalue outside makes moments grow like ``cosh(j arccosh t)``: found out and raised.

    Yields
    ------
    moments : (p, j + 1) float64 array
        ``v.T_i(A) v / v.v``.
    products : int

    Notes
    -----
    Inner products are accumulated in float64 whatever the dtype. Memory: three blocks of ``(n, p)``. Source: Weisse et
    al. 2006, equations 34 and 35 (the thesis's Algorithms 2 and 6 overwrite the probe: wrong).
    """
    lower, upper = interval
    p = V.shape[1]
    if not isinstance(degree, int) or degree < 1:
        raise ValueError(f"the degree must be a whole number, at least 1; got {degree}.")
    scale, shift = 2.0 / (upper - lower), -(upper + lower) / (upper - lower)
    norms = column_dots(V, V)
    moments = np.empty((p, 2 * ((degree + 1) // 2) + 1))
    moments[:, 0] = 1.0
    slack = 1.0 + 1e3 * torch.finfo(A.dtype).eps
    # t_1 = (scale A + shift) v, then t_(j+1) = 2 (scale A + shift) t_j - t_(j-1)
    previous, current = V, recurrence_(A, V, torch.zeros_like(V), scale, shift)
    first = moments[:, 1] = column_dots(current, V) / norms
    for j in range(1, (degree + 1) // 2 + 1):
        if j > 1:
            target = previous if previous is not V else V.clone()
            previous, current = current, recurrence_(A, current, target, 2.0 * scale, 2.0 * shift)
            moments[:, 2 * j - 1] = 2.0 * column_dots(current, previous) / norms - first
        moments[:, 2 * j] = 2.0 * column_dots(current, current) / norms - 1.0
        worst = np.abs(moments[:, 2 * j - 1 : 2 * j + 1]).max()
        if not worst <= slack + 1e-9 * j:
            raise ValueError(
                f"an eigenvalue lies outside the interval ({lower:g}, {upper:g}) or a product is not finite (moment "
                f"{2 * j} is {worst:.3g}, above 1): pass a wider interval, or none to have one found."
            )
        yield moments[:, : min(2 * j, degree) + 1].copy(), p * j
