"""Work on blocks on all cores: ``out = A V`` for sparse A, the step ``U <- s A V + t V - U``, inner products of columns.

On the CPU a compiled kernel reads the block row by row, so that each non-zero costs one contiguous read of ``k`` numbers;
rows are dealt out to one process-wide pool of threads by equal numbers of non-zeros. Any number of callers share the
pool, so two runs at once do not oversubscribe the cores. Small products go to SciPy, on the caller's thread. Elsewhere
torch's CSR does it.
"""

import atexit
import os
import warnings
from functools import lru_cache
from multiprocessing.pool import ThreadPool

import numpy as np
import torch
from scipy import sparse

__all__ = ["SparseProduct", "column_dots"]

SMALL = 1 << 20  # multiply-adds below which a single thread is as fast
ROWS = 1 << 14  # rows a chunk where torch adds up, so that float64 copies stay in the cache


def cores():
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@lru_cache(maxsize=1)
def _pool():
    pool = ThreadPool(cores())
    atexit.register(pool.close)  # else it complains while the interpreter is taken down
    return pool


@lru_cache(maxsize=1)
def _kernels():
    """Compiled at first use (numba takes a second to import), cached on disk."""
    from spectral_core import sparse_kernels

    return sparse_kernels


class SparseProduct:
    """``V -> A V`` for a SciPy CSR matrix of any shape and tensors of one dtype and device."""

    def __init__(self, matrix, dtype, device):
        self.device, self.dtype = torch.device(device), dtype
        self.shape, self.nonzeros = matrix.shape, int(matrix.nnz)
        numpy_dtype = np.float32 if dtype == torch.float32 else np.float64
        if self.device.type == "cpu":
            index = np.int32 if max(*matrix.shape, self.nonzeros) < 2**31 else np.int64
            parts = matrix.data.astype(numpy_dtype, copy=False), matrix.indices.astype(index, copy=False)
            self._matrix = sparse.csr_array((*parts, matrix.indptr.astype(index, copy=False)), shape=matrix.shape)
            self._parts = self._balanced_rows(4 * cores())
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            self._matrix = torch.sparse_csr_tensor(
                torch.as_tensor(matrix.indptr),
                torch.as_tensor(matrix.indices),
                torch.as_tensor(matrix.data.astype(numpy_dtype)),
                size=matrix.shape,
                device=self.device,
            )

    def _balanced_rows(self, parts):
        """Row ranges of about equal numbers of non-zeros plus rows."""
        rows = self.shape[0]
        work = self._matrix.indptr.astype(np.int64) + np.arange(rows + 1)
        cuts = np.searchsorted(work, np.linspace(0, work[-1], min(parts, rows) + 1))
        cuts[0], cuts[-1] = 0, rows
        return [(int(a), int(b)) for a, b in zip(cuts[:-1], cuts[1:], strict=True) if b > a]

    def _run(self, kernel, *blocks):
        A = self._matrix
        shared = (A.indptr, A.indices, A.data, *blocks)
        _pool().starmap(kernel, [(*shared, *part) for part in self._parts], chunksize=1)

    def __call__(self, V):
        if self.device.type != "cpu":
            return self._matrix @ V
        block = V.contiguous().numpy()
        if self.nonzeros * block.shape[1] < SMALL:
            return torch.from_numpy(np.ascontiguousarray(self._matrix @ block))
        out = torch.empty(self.shape[0], block.shape[1], dtype=self.dtype)
        self._run(_kernels().product, block, out.numpy())
        return out

    def recurrence_(self, V, U, scale, shift):
        """``U <- scale A V + shift V - U`` in place."""
        small = self.nonzeros * V.shape[1] < SMALL
        if self.device.type != "cpu" or small or not (U.is_contiguous() and V.is_contiguous()):
            return U.neg_().add_(V, alpha=shift).add_(self(V), alpha=scale)
        kind = self._matrix.dtype.type
        self._run(_kernels().recurrence, V.numpy(), U.numpy(), kind(scale), kind(shift))
        return U


def column_dots(X, Y):
    """``(X * Y).sum(0)`` for blocks of shape ``(n, k)``, accumulated in float64 whatever the dtype: (k,) NumPy array.

    In float32 a sum over 10^6 rows errs by 5e-4, as much as the noise of ten probes.
    """
    rows = X.shape[0]
    if X.device.type == "cpu" and X.numel() >= SMALL and X.is_contiguous() and Y.is_contiguous():
        ends = np.linspace(0, rows, 4 * cores() + 1).astype(int).tolist()
        a, b = X.numpy(), Y.numpy()
        parts = [(a, b, *span) for span in zip(ends[:-1], ends[1:], strict=True)]
        return np.sum(_pool().starmap(_kernels().dots, parts, chunksize=1), axis=0)
    total = torch.zeros(X.shape[1], dtype=torch.float64, device=X.device)
    for start in range(0, rows, ROWS):
        chunk = slice(start, start + ROWS)
        total += (X[chunk].double() * Y[chunk]).sum(0)
    return total.cpu().numpy()
