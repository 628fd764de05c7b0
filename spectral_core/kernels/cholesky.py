"""A Cholesky factorisation that can be stopped between its blocks."""

import torch

__all__ = ["cholesky_steps"]

BLOCK = 128  # columns a step: a quarter of a second at n = 5000 on one core


def cholesky_steps(matrix):
    """Overwrite the lower triangle of `matrix` by ``L``, ``A = L L.T``, yielding the fraction of the work done.

    For a block of columns: ``L_11 L_11.T = A_11``, ``L_21 = A_21 L_11^-T``, ``A_22 <- A_22 - L_21 L_21.T``.

    Parameters
    ----------
    matrix : (n, n) float64 tensor
        Symmetric. What is left above the diagonal means nothing.

    Raises
    ------
    ValueError
        A squared pivot at most ``n eps`` of the largest diagonal entry, so that A is not positive definite to working
        precision: the sentence has a jitter to try.

    Notes
    -----
    ``n^3 / 3`` operations, no memory but `matrix` and one block of columns. Source: Golub and Van Loan 2013, section
    4.2.9.

    Examples
    --------
    >>> A = torch.tensor([[4.0, 2.0], [2.0, 5.0]], dtype=torch.float64)
    >>> list(cholesky_steps(A)), A.tril().tolist()
    ([1.0], [[2.0, 0.0], [1.0, 2.0]])
    """
    n = len(matrix)
    rounding = n * torch.finfo(matrix.dtype).eps * float(matrix.diagonal().max())
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        corner, failed = torch.linalg.cholesky_ex(matrix[start:end, start:end])
        if int(failed) or not float(corner.diagonal().min()) ** 2 > rounding:
            raise ValueError(
                f"the matrix is not positive definite to working precision (found in columns {start} to {end - 1} of "
                f"{n}): add a jitter to its diagonal, as noise, {max(10 * rounding, 1e-300):.0e} to try first."
            )
        matrix[start:end, start:end] = corner
        if end < n:
            below = torch.linalg.solve_triangular(corner.T, matrix[end:, start:end], upper=True, left=False)
            matrix[end:, start:end] = below
            matrix[end:, end:].addmm_(below, below.T, alpha=-1.0)
        yield 1.0 - (1.0 - end / n) ** 3
