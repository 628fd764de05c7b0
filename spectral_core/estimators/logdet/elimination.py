"""Part of a positive definite matrix taken out exactly, and what is left of it: the Schur complement."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.estimators.logdet.quadrature import refuse_indefinite
from spectral_core.operators import Operator, matrix_columns
from spectral_core.probes import draw_probes

__all__ = ["Elimination", "SchurComplement", "elimination_steps"]


@dataclass(frozen=True, eq=False)
class Elimination:
    """``log det A = log det(Q.T A Q) + log det S`` for orthonormal `Q`; ``S = A - F F.T`` on the complement of `Q`.

    Attributes
    ----------
    factor : (n, r) tensor
        ``F = A Q L^-T`` with ``L L.T = Q.T A Q``.
    basis : (n, r) tensor, or (r,) tensor of whole numbers
        ``Q``, or the unit vectors that are its columns.
    log_determinant : float
        ``log det(Q.T A Q)``.
    products : int
        A column of the matrix counts as one.
    """

    factor: torch.Tensor
    basis: torch.Tensor
    log_determinant: float = 0.0
    products: int = 0

    @property
    def rank(self):
        """Number of columns of Q."""
        return self.factor.shape[1]

    @property
    def norm(self):
        """``||F F.T||_2``, which is near ``||A||_2``."""
        if not self.rank:
            return 0.0
        return float(torch.linalg.eigvalsh((self.factor.T @ self.factor).double())[-1])

    def project_(self, V):
        """``V <- V - Q Q.T V``, in place."""
        if self.basis.ndim == 1:
            V[self.basis] = 0.0
            return V
        return V.sub_(self.basis @ (self.basis.T @ V))


class SchurComplement(Operator):
    """``A - F F.T`` on the complement of an `Elimination`'s `Q`, and 0 on `Q`."""

    def __init__(self, operator, elimination):
        super().__init__(operator.shape[0], operator.dtype, operator.device)
        self.operator, self.elimination = operator, elimination

    def _product(self, V):
        F = self.elimination.factor
        return self.elimination.project_((self.operator @ V).sub_(F @ (F.T @ V)))


def elimination_steps(A, *, columns, generator):
    """Yield ``(elimination, mean)`` after each block of `columns`, `mean` that of the diagonal of the Schur complement.

    Where the diagonal is known, `Q` is made of unit vectors, drawn with probabilities in proportion to the diagonal of
    the Schur complement: randomly pivoted Cholesky, which asks for columns of the matrix only. Elsewhere `Q` is a random
    subspace, as in Nystrom's approximation. `mean` is exact in the first case, and else that of the block that comes
    next, whose products are spent already; NaN in the first item, which is empty.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    columns : int
        In a block.
    generator : torch.Generator

    Notes
    -----
    Ends where nothing but rounding is left, ``1e3 n eps`` of the largest diagonal entry. Cost: one product a column, and
    ``O(n r)`` operations a column. Sources: Chen, Epperly, Tropp and Webber 2024 (randomly pivoted Cholesky, Algorithm 2);
    Frangella, Tropp and Udell 2023 (Nystrom).
    """
    n = A.shape[0]
    diagonal = A.diagonal().double().clone() if hasattr(A, "diagonal") else None
    F, log_determinant, spent = torch.zeros(n, 0, dtype=A.dtype, device=A.device), 0.0, 0
    chosen = torch.zeros(0, dtype=torch.long, device=A.device)
    Q = chosen if diagonal is not None else torch.zeros(n, 0, dtype=A.dtype, device=A.device)
    floor = None if diagonal is None else 1e3 * torch.finfo(A.dtype).eps * float(diagonal.max())
    if diagonal is not None:
        refuse_indefinite(float(diagonal.min()), float(diagonal.max()), A.dtype)
    yield Elimination(F, Q), np.nan if diagonal is None else float(diagonal.mean())
    while F.shape[1] + columns < n:
        if diagonal is not None:
            if int((diagonal > floor).sum()) < columns:
                return
            new = torch.multinomial(diagonal.cpu(), columns, generator=generator).to(A.device)
            G = matrix_columns(A, new) - F @ F[new].T
            core = G[new]
        else:
            new = draw_probes(n, columns, generator=generator, kind="gaussian", dtype=A.dtype, device=A.device)
            for _ in range(2):
                new = torch.linalg.qr(new - Q @ (Q.T @ new)).Q
            G = A @ new - F @ (F.T @ new)
            core = new.T @ G
            mean = float(core.diagonal().double().mean())
            if floor is None:
                floor = 1e3 * torch.finfo(A.dtype).eps * float(core.diagonal().max())
            yield Elimination(F, Q, log_determinant, spent + columns), mean
        spent += columns
        core = ((core + core.T) / 2.0).double().cpu()
        L, failed = torch.linalg.cholesky_ex(core)
        if failed or float(L.diagonal().min()) ** 2 <= floor:
            return
        F = torch.hstack([F, torch.linalg.solve_triangular(L.to(G), G.T, upper=False).T])
        Q = torch.hstack([Q, new])
        log_determinant += 2.0 * float(L.diagonal().log().sum())
        if diagonal is not None:
            diagonal -= (F[:, -columns:].double() ** 2).sum(1)
            diagonal[Q] = 0.0
            diagonal.clamp_(min=0.0)
            yield Elimination(F, Q, log_determinant, spent), float(diagonal.sum()) / (n - F.shape[1])
