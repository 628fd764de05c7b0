"""All eigenvalues of a small symmetric matrix, in a process that can be killed.

LAPACK can not be interrupted: a dense solve in a thread holds its core to the end. Here the solve is a child
process, which dies with the generator that waits for it, and with the process that started it.
"""

import math
from collections.abc import Iterator

import numpy as np

from spectral_core.child_process import child_steps, eigenvalues

SMALL = 500  # solved in place: 10 ms, less than a process takes to start
SECONDS = 8e-11  # a solve takes about SECONDS * n**3 on one core


def exact_eigenvalue_steps(
    matrix, *, largest: int = 5000, threads: int = 1
) -> Iterator[tuple[float, np.ndarray | None]]:
    """Yield ``(fraction, None)`` while ``A = Q diag(values) Q.T`` is being solved for, then ``(1.0, values)``.

    Parameters
    ----------
    matrix : (n, n) array or SciPy sparse matrix
        Real and symmetric. A sparse matrix travels to the child as its CSR parts.
    largest : int
        The largest n accepted; the child holds two dense copies, ``16 n**2`` bytes.
    threads : int
        BLAS threads of the child. Two save a third of the time at n = 3000.

    Yields
    ------
    (float, (n,) float64 array or None)
        About every 0.1 s the fraction of the expected ``O(n**3)`` time that has passed (a guess, never 1), and in
        the end the ascending eigenvalues. Closing the generator kills the child and removes its files.

    Raises
    ------
    ValueError
        If the matrix is not square, too large, not finite or not symmetric, or if the child runs out of memory or
        crashes.

    Examples
    --------
    >>> [values] = [v for _, v in exact_eigenvalue_steps(np.diag([3.0, 1.0, 2.0])) if v is not None]
    >>> values.tolist()
    [1.0, 2.0, 3.0]
    """
    parts = checked_parts(matrix, largest)
    n = int(parts["n"])
    if n <= SMALL:
        answer = eigenvalues(parts)
    else:
        try:
            answer = yield from child_steps("eigenvalues", parts, expected=0.2 + SECONDS * n**3, threads=threads)
        except MemoryError:
            gigabytes = math.ceil(16 * n**2 / 1e8) / 10
            raise ValueError(
                f"All eigenvalues of n = {n} need about {gigabytes} GB of free memory, and there is less; skip them."
            ) from None
    yield 1.0, answer["values"]


def exact_eigenvalues(matrix, *, largest: int = 5000, threads: int = 1) -> np.ndarray:
    """Return all eigenvalues in ascending order: `exact_eigenvalue_steps`, drained.

    Examples
    --------
    >>> exact_eigenvalues(np.array([[0.0, 1.0], [1.0, 0.0]])).round(12).tolist()
    [-1.0, 1.0]
    """
    *_, (_, values) = exact_eigenvalue_steps(matrix, largest=largest, threads=threads)
    return values


def checked_parts(matrix, largest: int) -> dict[str, np.ndarray]:
    """What the child needs to build the matrix: ``n`` and the CSR parts, or ``n`` and the dense array."""
    shape = np.shape(matrix)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(f"Eigenvalues need a square matrix, and this one has shape {shape}.")
    n = shape[0]
    if n > largest:
        raise ValueError(f"All eigenvalues are computed up to n = {largest}, and this matrix has n = {n}.")
    matrix = matrix.tocsr() if hasattr(matrix, "tocsr") else np.asarray(matrix)
    if matrix.dtype.kind in "biu":
        matrix = matrix.astype(np.float64)
    sparse = not isinstance(matrix, np.ndarray)
    values = matrix.data if sparse else matrix
    if matrix.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError("Eigenvalues need real, finite entries, and this matrix has complex, NaN or infinite ones.")
    asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > 100 * np.finfo(matrix.dtype).eps * np.abs(values).max(initial=0.0):
        raise ValueError(f"Eigenvalues need a symmetric matrix, and this one has A - A.T up to {asymmetry:.2g}.")
    if sparse:
        return {"n": np.array(n), "data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    return {"n": np.array(n), "dense": matrix}
