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

__all__ = ["SparseProduct", "column_dots", "orthogonalise_", "unfused_lanczos_product_"]

SMALL = 1 << 20  # multiply-adds below which a single thread is as fast
ROWS = 1 << 18  # rows a chunk where torch adds up, so that float64 copies stay small


def cores():
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@lru_cache(maxsize=1)
def pool():
    threads = ThreadPool(cores())
    atexit.register(threads.close)  # else it complains while the interpreter is taken down
    return threads


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
        return pool().starmap(kernel, [(*shared, *part) for part in self._parts], chunksize=1)

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

    def lanczos_product_(self, V, U, scale, back):
        """``U <- A V diag(scale) - U diag(back)`` in place; the inner products of the columns of V and the new U."""
        small = self.nonzeros * V.shape[1] < SMALL
        if self.device.type != "cpu" or small or not (U.is_contiguous() and V.is_contiguous()):
            return unfused_lanczos_product_(self, V, U, scale, back)
        kind = self._matrix.dtype.type
        parts = self._run(_kernels().lanczos_product, V.numpy(), U.numpy(), scale.astype(kind), back.astype(kind))
        return np.sum(parts, axis=0)


def unfused_lanczos_product_(product, V, U, scale, back):
    """`SparseProduct.lanczos_product_` from any function ``V -> A V``, on any device; `scale`, `back`: (k,) arrays."""
    _combine_(U, -back, product(V), scale)
    return column_dots(V, U)


def orthogonalise_(U, V, factor):
    """``U <- U - V diag(factor)`` in place, `factor` a (k,) array; the squared norms of the columns of the new U."""
    if _by_kernel(U, V):
        kind = np.float32 if U.dtype == torch.float32 else np.float64
        parts = [(U.numpy(), V.numpy(), factor.astype(kind), *span) for span in _spans(len(U))]
        return np.sum(pool().starmap(_kernels().orthogonalise, parts, chunksize=1), axis=0)
    _combine_(U, np.ones_like(factor), V, -factor)
    return column_dots(U, U)


def column_dots(X, Y):
    """``(X * Y).sum(0)`` for blocks of shape ``(n, k)``, accumulated in float64 whatever the dtype: (k,) NumPy array.

    In float32 a sum over 10^6 rows errs by 5e-4, as much as the noise of ten probes.
    """
    rows = X.shape[0]
    if _by_kernel(X, Y):
        parts = [(X.numpy(), Y.numpy(), *span) for span in _spans(rows)]
        return np.sum(pool().starmap(_kernels().dots, parts, chunksize=1), axis=0)
    if X.device.type == "cpu":
        return np.einsum("ij,ij->j", X.numpy(), Y.numpy(), dtype=np.float64)
    total = torch.zeros(X.shape[1], dtype=torch.float64, device=X.device)
    for start in range(0, rows, ROWS):
        chunk = slice(start, start + ROWS)
        total += (X[chunk].double() * Y[chunk]).sum(0)
    return total.cpu().numpy()


def _combine_(U, own, V, factor):
    """``U <- U diag(own) + V diag(factor)``. On the CPU by NumPy: torch's threads wait for each other at every call."""
    kind = np.float32 if U.dtype == torch.float32 else np.float64
    own, factor = own.astype(kind), factor.astype(kind)
    if U.device.type == "cpu":
        u = U.numpy()
        u *= own
        u += V.numpy() * factor
        return
    U.mul_(torch.from_numpy(own).to(U.device)).addcmul_(V, torch.from_numpy(factor).to(U.device))


def _by_kernel(X, Y):
    return X.device.type == "cpu" and X.numel() >= SMALL and X.is_contiguous() and Y.is_contiguous()


def _spans(rows):
    ends = np.linspace(0, rows, 4 * cores() + 1).astype(int).tolist()
    return zip(ends[:-1], ends[1:], strict=True)
