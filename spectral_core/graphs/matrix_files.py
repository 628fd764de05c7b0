"""Matrix Market and SciPy's sparse npz: the matrix's entries as rows of an edge list."""

import numpy as np

from spectral_core.matrix_files import archive_arrays, market_entries, sparse_entries

__all__ = ["matrix_market", "scipy_npz"]


def matrix_market(data):
    """``(rows, cols, options)`` of Matrix Market text."""
    return _edges(market_entries(data))


def scipy_npz(data, max_bytes):
    """``(rows, cols, options)`` of what `scipy.sparse.save_npz` wrote."""
    return _edges(sparse_entries(archive_arrays(data, max_bytes)))


def _edges(entries):
    """The entries other than 0 as rows of an edge list; of a symmetric matrix each pair once."""
    rows, cols, weights = entries.rows, entries.cols, None
    if entries.values is not None and entries.values.dtype.kind != "b":
        keep = entries.values != 0
        rows, cols, weights = rows[keep], cols[keep], entries.values[keep].astype(np.float64)
        weights = None if np.all(weights == 1) else weights
    return rows, cols, {"weights": weights, "n": entries.n, "undirected": entries.symmetric}
