"""The narrow waist: a real symmetric matrix seen through products ``A @ V``.

The protocol is ``shape``, ``dtype``, ``device`` and ``__matmul__`` on torch tensors ``(n,)`` or ``(n, k)``; a dense tensor
satisfies it as it is. Optional members, used where present: ``diagonal()``; ``matrix``, the entries (dense tensor or
SciPy CSR); ``interval``, a safe spectral interval known from theory; the in-place steps of three-term recurrences, in one
pass over the block: ``recurrence_(V, U, scale, shift)``, ``U <- scale A V + shift V - U``, and
``lanczos_product_(V, U, scale, back)``, ``U <- A V diag(scale) - U diag(back)``.

Real symmetric only: `as_operator` refuses anything else.
"""

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator as ScipyLinearOperator

from spectral_core.probes import draw_probes
from spectral_core.sparse_products import SparseProduct, unfused_lanczos_product_

__all__ = [
    "AffineOperator",
    "CountingOperator",
    "DeflatedOperator",
    "DenseOperator",
    "FunctionOperator",
    "Operator",
    "SparseOperator",
    "SumOperator",
    "as_operator",
    "as_scipy",
    "materialise",
]

DTYPES = (torch.float32, torch.float64)
LEAST = {torch.float32: 1e-18, torch.float64: 1e-150}  # size whose square is a normal number


class Operator:
    """Validates ``A @ V`` and hands a 2-D block to the subclass's ``_product``.

    A subclass writes ``_product(V)`` for ``V`` of shape ``(n, k)`` and inherits the rest.
    """

    def __init__(self, n, dtype, device):
        if n < 1:
            raise ValueError(f"an operator needs at least one row; got {n}.")
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be float32 or float64; got {dtype}: convert the matrix first.")
        self.shape, self.dtype, self.device = (int(n), int(n)), dtype, torch.device(device)

    def __matmul__(self, V):
        if V.ndim not in (1, 2) or V.shape[0] != self.shape[0]:
            raise ValueError(
                f"A @ V needs V of shape ({self.shape[0]},) or ({self.shape[0]}, k); got {tuple(V.shape)}."
            )
        if V.dtype != self.dtype or V.device.type != self.device.type:
            raise ValueError(f"A is {self.dtype} on {self.device}, V is {V.dtype} on {V.device}: move V with V.to(A).")
        return self._product(V[:, None])[:, 0] if V.ndim == 1 else self._product(V)

    def _product(self, V):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}(n={self.shape[0]}, dtype={self.dtype}, device={self.device})"


class DenseOperator(Operator):
    """A dense symmetric ``(n, n)`` tensor."""

    def __init__(self, matrix):
        super().__init__(matrix.shape[0], matrix.dtype, matrix.device)
        self.matrix = matrix

    def _product(self, V):
        return self.matrix @ V

    def diagonal(self):
        return self.matrix.diagonal()


class SparseOperator(Operator):
    """A sparse symmetric matrix, its block product by the fastest kernel known for the device.

    Parameters
    ----------
    matrix : SciPy sparse (n, n)
    interval : (float, float), optional
        A spectral interval that theory guarantees.
    symmetric : bool
        True where the builder guarantees symmetry, so that the random test is skipped.
    """

    def __init__(self, matrix, *, interval=None, symmetric=False, dtype=torch.float64, device="cpu"):
        super().__init__(matrix.shape[0], dtype, device)
        self.matrix = sparse.csr_array(matrix)
        if self.matrix.dtype.kind != "f":
            self.matrix = self.matrix.astype(np.float64)
        self.interval = interval
        self._kernel = SparseProduct(self.matrix, self.dtype, self.device)
        if not symmetric:
            check_symmetric(self, np.abs(self.matrix.data).max(initial=0.0))

    def _product(self, V):
        return self._kernel(V)

    def recurrence_(self, V, U, scale, shift):
        """``U <- scale A V + shift V - U`` in one pass over the matrix; V and U of shape (n, k)."""
        return self._kernel.recurrence_(V, U, scale, shift)

    def lanczos_product_(self, V, U, scale, back):
        """``U <- A V diag(scale) - U diag(back)`` in one pass; the column inner products of V and the new U, float64."""
        return self._kernel.lanczos_product_(V, U, scale, back)

    def diagonal(self):
        return torch.as_tensor(self.matrix.diagonal(), dtype=self.dtype, device=self.device)

    def to(self, *, dtype=None, device=None):
        """The same matrix in another precision or on another device; itself where it is so already."""
        dtype, device = dtype or self.dtype, torch.device(device or self.device)
        if (dtype, device) == (self.dtype, self.device):
            return self
        return SparseOperator(self.matrix, interval=self.interval, symmetric=True, dtype=dtype, device=device)


class FunctionOperator(Operator):
    """``A @ V = function(V)`` for a callable that takes ``(n, k)`` tensors."""

    def __init__(self, function, n, *, dtype=torch.float64, device="cpu"):
        super().__init__(n, dtype, device)
        self.function = function

    def _product(self, V):
        product = self.function(V)
        if not torch.is_tensor(product) or product.shape != V.shape:
            came = f"shape {tuple(product.shape)}" if hasattr(product, "shape") else type(product).__name__
            raise ValueError(f"the function must return a tensor of its argument's shape {tuple(V.shape)}; got {came}.")
        return product.to(dtype=self.dtype, device=self.device)


class SumOperator(Operator):
    """``sum_i A_i``: one product with each term."""

    def __init__(self, *terms):
        first = terms[0]
        for term in terms[1:]:
            if (term.shape, term.dtype, term.device) != (first.shape, first.dtype, first.device):
                raise ValueError(f"the terms of a sum share shape, dtype and device; got {first!r} and {term!r}.")
        super().__init__(first.shape[0], first.dtype, first.device)
        self.terms = terms

    def _product(self, V):
        total = self.terms[0] @ V
        for term in self.terms[1:]:
            total = total + term @ V
        return total


class AffineOperator(Operator):
    """``scale A + shift I``."""

    def __init__(self, operator, *, scale=1.0, shift=0.0):
        super().__init__(operator.shape[0], operator.dtype, operator.device)
        self.operator, self.scale, self.shift = operator, float(scale), float(shift)
        interval = getattr(operator, "interval", None)
        if interval is not None:
            self.interval = tuple(sorted(self.scale * end + self.shift for end in interval))

    def _product(self, V):
        return (self.operator @ V).mul_(self.scale).add_(V, alpha=self.shift)


class DeflatedOperator(Operator):
    """``A - Q diag(values - destination) Q.T``: known eigenvalues moved to `destination`.

    `A` itself on the complement of `Q`. A destination inside the interval of a Chebyshev recurrence keeps what rounding
    puts back into `Q` from growing.

    Parameters
    ----------
    operator : operator (n, n)
    eigenspace : Eigenspace
        Exact eigenpairs of `operator`.
    """

    def __init__(self, operator, eigenspace, *, destination=0.0):
        super().__init__(operator.shape[0], operator.dtype, operator.device)
        self.operator, self.eigenspace = operator, eigenspace
        self.destination = float(destination)
        self.interval = getattr(operator, "interval", None)
        self._excess = torch.as_tensor(eigenspace.values - destination, dtype=self.dtype, device=self.device)[:, None]
        vectors = eigenspace.vectors
        if sparse.issparse(vectors):
            self._out = SparseProduct(vectors.tocsr(), self.dtype, self.device)
            self._in = SparseProduct(vectors.T.tocsr(), self.dtype, self.device)
        else:
            dense = torch.as_tensor(vectors, dtype=self.dtype, device=self.device)
            self._out, self._in = (lambda C: dense @ C), (lambda V: dense.T @ V)

    def project_(self, V):
        """``V <- V - Q Q.T V``, in place, for V of shape (n, k)."""
        return V.sub_(self._out(self._in(V)))

    def _correction(self, V):
        return self._out(self._excess * self._in(V))

    def _product(self, V):
        return (self.operator @ V).sub_(self._correction(V))

    def recurrence_(self, V, U, scale, shift):
        recurrence_(self.operator, V, U, scale, shift)
        return U.sub_(self._correction(V), alpha=scale)


class CountingOperator(Operator):
    """Counts products: ``.products`` grows by the number of columns of each block; entries asked for are none."""

    def __init__(self, operator):
        super().__init__(operator.shape[0], operator.dtype, operator.device)
        self.operator, self.products = operator, 0
        for name in ("interval", "matrix", "diagonal", "columns", "squared_frobenius_norm"):
            if hasattr(operator, name):
                setattr(self, name, getattr(operator, name))

    def _product(self, V):
        self.products += V.shape[1]
        return self.operator @ V

    def recurrence_(self, V, U, scale, shift):
        self.products += V.shape[1]
        return recurrence_(self.operator, V, U, scale, shift)

    def lanczos_product_(self, V, U, scale, back):
        self.products += V.shape[1]
        return lanczos_product_(self.operator, V, U, scale, back)


def recurrence_(A, V, U, scale, shift):
    """``U <- scale A V + shift V - U`` in place: fused where the operator can, else from its product."""
    if isinstance(A, Operator) and hasattr(A, "recurrence_"):
        return A.recurrence_(V, U, scale, shift)
    return U.neg_().add_(V, alpha=shift).add_(A @ V, alpha=scale)


def lanczos_product_(A, V, U, scale, back):
    """``U <- A V diag(scale) - U diag(back)`` in place and ``(V * U).sum(0)``: fused where the operator can."""
    if isinstance(A, Operator) and hasattr(A, "lanczos_product_"):
        return A.lanczos_product_(V, U, scale, back)
    return unfused_lanczos_product_(lambda block: A @ block, V, U, scale, back)


def check_symmetric(A, scale=None, *, pairs=4, generator=None):
    """Refuse an `A` with ``|u.(A v) - v.(A u)|`` beyond rounding for random Gaussian ``u, v``.

    Tolerance ``32 eps sqrt(n) (||u|| ||A v|| + ||v|| ||A u||)``. Costs two block products of `pairs` columns. An
    asymmetric part smaller than that, relative to the matrix, is not seen.
    """
    generator = generator if generator is not None else torch.Generator()
    n = A.shape[0]
    if scale is not None and not np.isfinite(scale):
        raise ValueError("the matrix holds NaN or infinite entries: remove or replace them.")
    u, v = (draw_probes(n, pairs, generator=generator, kind="gaussian").to(A.dtype).to(A.device) for _ in range(2))
    Au, Av = (A @ u).double(), (A @ v).double()
    if not (torch.isfinite(Au).all() and torch.isfinite(Av).all()):
        raise ValueError("a product with the matrix is NaN or infinite: look for such entries, or for an overflow.")
    u, v = u.double(), v.double()
    largest, norm = float(max(Au.abs().max(), Av.abs().max())), torch.linalg.vector_norm
    if not (largest == 0.0 or LEAST[A.dtype] < largest < 1.0 / LEAST[A.dtype]):
        raise ValueError(
            f"products with the matrix are of size {largest:.0e}, whose squares do not fit into {A.dtype}: divide the matrix "
            "by the size of its entries."
        )
    gap = ((u * Av).sum(0) - (v * Au).sum(0)).abs()
    size = norm(u, dim=0) * norm(Av, dim=0) + norm(v, dim=0) * norm(Au, dim=0)
    tolerance = 32 * torch.finfo(A.dtype).eps * size
    if (gap > tolerance).any():
        worst = float((gap / size).max())
        raise ValueError(
            f"the matrix is not symmetric (u.Av and v.Au differ by {worst:.1e} of their size): "
            "pass (A + A.T) / 2, or A.T @ A for singular values; row-standardised weights W belong in I - rho W, which "
            "kernels.spatial_operator(W, rho) makes symmetric."
        )


def as_operator(matrix, *, n=None, dtype=None, device=None, generator=None):
    """An operator from a NumPy array, SciPy sparse matrix or ``LinearOperator``, torch tensor or callable.

    Parameters
    ----------
    matrix : (n, n) array, SciPy sparse, SciPy LinearOperator, dense or sparse-CSR tensor, operator, or callable
        A callable takes an ``(n, k)`` tensor to one of the same shape; it needs `n`.
    dtype : torch.float32 or torch.float64, optional
        Default: that of a tensor or operator, else float64.
    device : optional
        Default: that of a tensor or operator, else the CPU.
    generator : torch.Generator, optional
        For the random test of symmetry.

    Raises
    ------
    ValueError
        Not square, complex, not finite, not symmetric, or of a type that is none of these.

    Examples
    --------
    >>> as_operator(np.diag([1.0, 2.0])) @ torch.ones(2, dtype=torch.float64)
    tensor([1., 2.], dtype=torch.float64)
    """
    if isinstance(matrix, Operator):
        return matrix
    shape = getattr(matrix, "shape", None if n is None else (n, n))
    if shape is None and callable(matrix):
        raise ValueError("a callable needs its size: as_operator(f, n=...).")
    if shape is None:
        raise ValueError(
            f"a square matrix is needed; got a {type(matrix).__name__}: pass an array, as np.array(...), a sparse one or f(V)."
        )
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"a square matrix is needed; got {type(matrix).__name__} of shape {shape}.")
    if "complex" in str(getattr(matrix, "dtype", "")):
        raise ValueError("the matrix is complex; only real symmetric ones are supported: pass its real form.")
    if getattr(getattr(matrix, "dtype", None), "kind", "f") not in "biuf":
        raise ValueError(f"the matrix must hold real numbers; got {matrix.dtype} entries: convert it to float64.")
    if torch.is_tensor(matrix):
        dtype = dtype or (matrix.dtype if matrix.dtype in DTYPES else torch.float64)
        device = device or matrix.device
    dtype, device = dtype or torch.float64, device or "cpu"
    if torch.is_tensor(matrix) and matrix.layout != torch.strided:
        matrix = _scipy_from_torch(matrix)
    if sparse.issparse(matrix):
        exact = SparseOperator(matrix, dtype=torch.float64, symmetric=True)
        check_symmetric(exact, np.abs(exact.matrix.data).max(initial=0.0), generator=generator)
        return exact.to(dtype=dtype, device=device)
    if isinstance(matrix, ScipyLinearOperator):
        operator = FunctionOperator(
            lambda V: torch.as_tensor(np.ascontiguousarray(matrix.matmat(V.cpu().numpy()))),
            shape[0],
            dtype=dtype,
            device=device,
        )
    elif isinstance(matrix, np.ndarray) or torch.is_tensor(matrix):
        tensor = torch.as_tensor(matrix, dtype=dtype, device=device)
        if not torch.isfinite(tensor).all():
            raise ValueError("the matrix holds NaN or infinite entries: remove or replace them.")
        operator = DenseOperator(tensor)
    elif hasattr(matrix, "__matmul__") and hasattr(matrix, "dtype"):
        operator = FunctionOperator(lambda V: matrix @ V, shape[0], dtype=matrix.dtype, device=matrix.device)
    elif callable(matrix):
        operator = FunctionOperator(matrix, shape[0], dtype=dtype, device=device)
    else:
        raise ValueError(
            f"no operator can be made of a {type(matrix).__name__}: pass an array, a sparse matrix or f(V)."
        )
    check_symmetric(operator, generator=generator)
    return operator


def accept(matrix):
    """What estimators do first: an operator as it is, for it was tested when it was made; anything else by `as_operator`."""
    return matrix if isinstance(matrix, Operator) else as_operator(matrix)


def _scipy_from_torch(tensor):
    if tensor.layout == torch.sparse_csr:
        parts = (tensor.values(), tensor.col_indices(), tensor.crow_indices())
        return sparse.csr_array(tuple(part.cpu().numpy() for part in parts), shape=tuple(tensor.shape))
    if tensor.layout == torch.sparse_coo:
        tensor = tensor.coalesce()
        return sparse.coo_array((tensor.values().cpu().numpy(), tensor.indices().cpu().numpy()), tuple(tensor.shape))
    raise ValueError(
        f"a tensor must be dense, sparse CSR or COO; got {tensor.layout}: convert it with .to_sparse_csr()."
    )


def as_scipy(A):
    """A SciPy ``LinearOperator`` that multiplies by `A`, so that SciPy's solvers (``eigsh``, ``cg``, ...) take it.

    Examples
    --------
    >>> as_scipy(as_operator(np.diag([1.0, 2.0]))).matvec(np.ones(2))
    array([1., 2.])
    """
    dtype = np.dtype(str(A.dtype).removeprefix("torch."))

    def product(V):
        block = torch.as_tensor(np.ascontiguousarray(V, dtype=dtype), device=A.device)
        return (A @ block).cpu().numpy()

    return ScipyLinearOperator(A.shape, matvec=product, matmat=product, rmatvec=product, rmatmat=product, dtype=dtype)


def materialise(A, *, block=256):
    """The dense ``(n, n)`` float64 NumPy array, at the cost of ``n`` products (none where the entries are known)."""
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    if sparse.issparse(matrix):
        return matrix.toarray().astype(np.float64)
    if matrix is not None:
        return matrix.double().cpu().numpy()
    n = A.shape[0]
    dense = np.empty((n, n))
    for start in range(0, n, block):
        end = min(start + block, n)
        dense[:, start:end] = matrix_columns(A, torch.arange(start, end, device=A.device)).double().cpu().numpy()
    return dense


def matrix_columns(A, indices):
    """``A[:, indices]``: from the entries where they are known, else from products with unit vectors."""
    if hasattr(A, "columns"):
        return A.columns(indices)
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    if torch.is_tensor(matrix):
        return matrix[:, indices]
    if sparse.issparse(matrix):  # symmetric: a row is a column
        return torch.as_tensor(matrix[indices.cpu().numpy()].toarray().T, dtype=A.dtype, device=A.device)
    block = torch.zeros(A.shape[0], len(indices), dtype=A.dtype, device=A.device)
    block[indices, torch.arange(len(indices), device=A.device)] = 1.0
    return A @ block
