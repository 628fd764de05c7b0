"""The compiled inner loops of `sparse_products`; importing this module imports numba."""

import numba
import numpy as np

__all__ = ["dots", "product", "recurrence"]


@numba.njit(nogil=True, cache=True)
def product(indptr, indices, data, V, out, first, last):
    """``out[first:last] = (A V)[first:last]`` for row-major blocks."""
    k = V.shape[1]
    total = np.empty(k, V.dtype)
    for i in range(first, last):
        for c in range(k):
            total[c] = 0
        for j in range(indptr[i], indptr[i + 1]):
            a, row = data[j], indices[j]
            for c in range(k):
                total[c] += a * V[row, c]
        for c in range(k):
            out[i, c] = total[c]


@numba.njit(nogil=True, cache=True)
def recurrence(indptr, indices, data, V, U, scale, shift, first, last):
    """``U[first:last] = (scale A V + shift V - U)[first:last]`` for row-major blocks."""
    k = V.shape[1]
    total = np.empty(k, V.dtype)
    for i in range(first, last):
        for c in range(k):
            total[c] = shift * V[i, c] - U[i, c]
        for j in range(indptr[i], indptr[i + 1]):
            a, row = scale * data[j], indices[j]
            for c in range(k):
                total[c] += a * V[row, c]
        for c in range(k):
            U[i, c] = total[c]


@numba.njit(nogil=True, cache=True)
def dots(X, Y, first, last):
    """``sum_i X[i] Y[i]`` over the rows ``first:last``, a column each, in float64."""
    total = np.zeros(X.shape[1])
    for i in range(first, last):
        for c in range(X.shape[1]):
            total[c] += np.float64(X[i, c]) * np.float64(Y[i, c])
    return total
