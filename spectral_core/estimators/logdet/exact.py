"""The log-determinant by a Cholesky or a sparse LU factorisation, in a process that can be killed."""

import math

import numpy as np
import torch
from scipy import sparse

from spectral_core.child_process import child_steps, log_pivots
from spectral_core.estimators.logdet.quadrature import known_lower_bound, refuse_singular
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.operators import accept, matrix_columns
from spectral_core.results import frozen

__all__ = ["exact_steps"]

SMALL = 500  # factored in place
SECONDS = 2e-11  # a Cholesky factorisation takes about SECONDS * n**3 on one core
BLOCK = 128  # columns a product where the entries have to be computed


def exact_steps(A, *, products=None, lower_bound=None, generator=None, seconds=600.0, memory=8 << 30):
    """Yield ``log det A = 2 sum_i log L_ii`` from ``A = L L.T``; a sparse matrix by ``A = L D L.T`` (SuperLU).

    Every item is a `LogDeterminant`; those on the way have the value NaN and say in `stopped` what is being done.
    Closing the generator kills the factorisation.

    Parameters
    ----------
    A : operator (n, n)
    products, lower_bound, generator
        Not needed: they are here so that all methods are called alike. A `lower_bound` that can be none is refused.
    seconds : float
        Given up after so many.
    memory : int
        Bytes the factorisation may take.

    Raises
    ------
    ValueError
        A is not positive definite, or not to working precision (a pivot of at most ``n eps`` of the largest diagonal
        entry): the sentence has the smallest Ritz value and a jitter. Too large for the time or the memory.

    Notes
    -----
    Cost: no product where the entries are known, else `n`. Rounding: relative to the pivots, ``n eps kappa(A)`` at worst.

    Examples
    --------
    >>> [*_, y] = exact_steps(torch.diag(torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)))
    >>> round(y.value, 6), y.exact
    (2.079442, True)
    """
    A = accept(A)
    n = A.shape[0]
    known_lower_bound(A, lower_bound)
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    if sparse.issparse(matrix):
        csr = sparse.csr_array(matrix)
        parts = {"n": np.array(n), "data": csr.data, "indices": csr.indices, "indptr": csr.indptr}
        spent, expected = 0, max(1.0, 2e-6 * csr.nnz)
    else:
        needed = 24 * n**2
        if needed > memory:
            raise ValueError(
                f"the exact log-determinant of n = {n} needs {_bytes(needed)} of memory ({_bytes(memory)} are allowed) "
                f"and about {_time(SECONDS * n**3)}: use an estimate, method='preconditioned' or 'slq'."
            )
        dense = matrix.double().cpu().numpy() if matrix is not None else np.empty((n, n))
        spent = 0 if matrix is not None else n
        for start in range(0, n if matrix is None else 0, BLOCK):
            end = min(start + BLOCK, n)
            rows = torch.arange(start, end, device=A.device)
            dense[:, start:end] = matrix_columns(A, rows).double().cpu().numpy()
            yield _under_way(n, end, f"computed {end} of {n} columns")
        if not np.isfinite(dense).all():
            raise ValueError("the matrix holds NaN or infinite entries: remove or replace them.")
        parts, expected = {"n": np.array(n), "dense": dense}, 0.3 + SECONDS * n**3
    yield _under_way(n, spent, "factorising")
    try:
        if n <= SMALL:
            answer = log_pivots(parts)
        else:
            work = child_steps("log_pivots", parts, expected=expected, seconds=seconds, memory=memory)
            while True:
                try:
                    fraction, _ = next(work)
                except StopIteration as done:
                    answer = done.value
                    break
                yield _under_way(n, spent, f"factorising, {fraction:.0%} of the time expected")
    except TimeoutError:
        raise ValueError(
            f"the factorisation of n = {n} was given up after {seconds:g} s: use an estimate, method='preconditioned'."
        ) from None
    except MemoryError:
        raise ValueError(
            f"the factorisation of n = {n} needs more than the {_bytes(memory)} it was given: use an estimate, "
            "method='preconditioned'."
        ) from None
    if answer["smallest"] <= n * np.finfo(np.float64).eps * answer["largest"]:
        run = refuse_singular(A, steps=min(n, 100), generator=torch.Generator())
        ritz = np.linalg.eigvalsh(run.tridiagonal())
        raise ValueError(
            f"the matrix is not positive definite to working precision: a pivot of its factorisation is not above rounding, "
            f"though its smallest Ritz value is {ritz[0]:.3g}: add a jitter to its diagonal, "
            f"{n * np.finfo(np.float64).eps * float(answer['largest']):.0e} to try first."
        )
    value = float(answer["value"])
    yield LogDeterminant(
        value=value,
        standard_error=0.0,
        products=spent,
        bar="exact",
        stopped="exact, by a " + ("sparse LU" if "data" in parts else "Cholesky") + " factorisation",
        method="exact",
        size=n,
        bracket=(value, value),
        history=frozen([(spent, value, 0.0)]),
    )


def _under_way(n, products, stopped):
    return LogDeterminant(np.nan, np.inf, products, degrees_of_freedom=1, stopped=stopped, method="exact", size=n)


def _bytes(count):
    power = min(4, int(math.log(max(count, 1), 1024)))
    return f"{count / 1024**power:.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def _time(seconds):
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds > 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
