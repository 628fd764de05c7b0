"""The compiled inner loops of `sparse_products`; importing this module imports numba."""

import numba
import numpy as np

__all__ = ["dots", "lanczos_product", "orthogonalise", "product", "recurrence"]


@numba.njit(inline="always")
def _add_row(indices, data, V, total, start, stop):
    """``total += sum_j data[j] V[indices[j]]``, four rows of V under way at a time: the gathers wait for memory."""
    k = V.shape[1]
    whole = start + (stop - start) // 4 * 4
    for j in range(start, whole, 4):
        a, b, c, d = data[j], data[j + 1], data[j + 2], data[j + 3]
        p, q, r, s = indices[j], indices[j + 1], indices[j + 2], indices[j + 3]
        for i in range(k):
            total[i] += a * V[p, i] + b * V[q, i] + c * V[r, i] + d * V[s, i]
    for j in range(whole, stop):
        a, p = data[j], indices[j]
        for i in range(k):
            total[i] += a * V[p, i]


@numba.njit(nogil=True, cache=True)
def product(indptr, indices, data, V, out, first, last):
    """``out[first:last] = (A V)[first:last]`` for row-major blocks."""
    k = V.shape[1]
    total = np.empty(k, V.dtype)
    for row in range(first, last):
        for i in range(k):
            total[i] = 0
        _add_row(indices, data, V, total, indptr[row], indptr[row + 1])
        for i in range(k):
            out[row, i] = total[i]


@numba.njit(nogil=True, cache=True)
def recurrence(indptr, indices, data, V, U, scale, shift, first, last):
    """``U[first:last] = (scale A V + shift V - U)[first:last]`` for row-major blocks."""
    k = V.shape[1]
    total = np.empty(k, V.dtype)
    for row in range(first, last):
        for i in range(k):
            total[i] = 0
        _add_row(indices, data, V, total, indptr[row], indptr[row + 1])
        for i in range(k):
            U[row, i] = scale * total[i] + shift * V[row, i] - U[row, i]


@numba.njit(nogil=True, cache=True)
def dots(X, Y, first, last):
    """``sum_i X[i] Y[i]`` over the rows ``first:last``, a column each, in float64."""
    total = np.zeros(X.shape[1])
    for row in range(first, last):
        for i in range(X.shape[1]):
            total[i] += np.float64(X[row, i]) * np.float64(Y[row, i])
    return total


@numba.njit(nogil=True, cache=True)
def lanczos_product(indptr, indices, data, V, U, scale, back, first, last):
    """``U[first:last] = (A V diag(scale) - U diag(back))[first:last]``; column sums of ``V * U`` in float64."""
    k = V.shape[1]
    total = np.empty(k, V.dtype)
    dots = np.zeros(k)
    for row in range(first, last):
        for i in range(k):
            total[i] = 0
        _add_row(indices, data, V, total, indptr[row], indptr[row + 1])
        for i in range(k):
            entry = scale[i] * total[i] - back[i] * U[row, i]
            U[row, i] = entry
            dots[i] += np.float64(entry) * np.float64(V[row, i])
    return dots


@numba.njit(nogil=True, cache=True)
def orthogonalise(U, V, factor, first, last):
    """``U[first:last] -= (V diag(factor))[first:last]``; column sums of ``U * U`` in float64."""
    k = V.shape[1]
    squares = np.zeros(k)
    for row in range(first, last):
        for i in range(k):
            entry = U[row, i] - factor[i] * V[row, i]
            U[row, i] = entry
            squares[i] += np.float64(entry) * np.float64(entry)
    return squares
