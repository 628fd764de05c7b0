"""Tiles of squared distances, and ``exp(-x)`` in place: what a covariance function spends its time on.

Squared distances are sums of squared differences, not ``|x|^2 + |y|^2 - 2 x.y``: that one loses ``eps |x|^2``, which in
float32 is 3e-4 for a length scale of 0.05, and it is not faster for the few dimensions that tables have.
"""

from functools import lru_cache

import numpy as np
import torch

from spectral_core.sparse_products import SMALL, cores, pool

__all__ = ["decay_", "squared_distances"]


@lru_cache(maxsize=1)
def _compiled():
    """Compiled at first use (numba takes a second to import), cached on disk."""
    from spectral_core.kernels import distance_kernels

    return distance_kernels


def _on_rows(kernel, *blocks):
    """`kernel` on all rows of the last block, by all cores where that pays."""
    rows, entries = blocks[-1].shape[0], blocks[-1].size
    if entries < SMALL // 2:
        return kernel(*blocks, 0, rows)
    ends = np.linspace(0, rows, min(rows, cores()) + 1).astype(int).tolist()
    pool().starmap(kernel, [(*blocks, a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)], chunksize=1)


def squared_distances(X, Y):
    """``|x_i - y_j|^2`` for X of shape (r, d) and Y of shape (c, d): an (r, c) tensor, exactly 0 between equal points."""
    out = torch.empty(X.shape[0], Y.shape[0], dtype=X.dtype, device=X.device)
    if X.device.type == "cpu":
        _on_rows(_compiled().squared_distances, X.contiguous().numpy(), Y.T.contiguous().numpy(), out.numpy())
        return out
    gap = torch.empty_like(out)
    out.zero_()
    for k in range(X.shape[1]):
        torch.sub(X[:, k, None], Y[:, k], out=gap)
        out.addcmul_(gap, gap)
    return out


def decay_(values):
    """``exp(-values)`` in place, for values of at least 0; never below exp(-80) in float32 and exp(-700) in float64.

    Smaller ones soon are subnormal numbers, which take ten times as long to multiply.
    """
    if values.device.type == "cpu" and values.is_contiguous():
        _on_rows(_compiled().decay, *_compiled().EXPONENTIAL[values.numpy().dtype], values.numpy())
        return values
    return values.neg_().clamp_min_(-80.0 if values.dtype == torch.float32 else -700.0).exp_()
