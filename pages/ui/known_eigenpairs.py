"""Eigenpairs that finished runs have found, so that other pages need not compute them again."""

from pages.ui.curvature_problem import CurvatureProblem
from pages.ui.shelf import Shelf
from spectral_core import Eigenpairs

__all__ = ["MOST_BYTES", "known_eigenpairs", "remember_eigenpairs"]

MOST_BYTES = 64 * 2**20  # of the vectors that are kept
KNOWN = Shelf(8)


def remember_eigenpairs(problem: CurvatureProblem, which: str, pairs: Eigenpairs) -> None:
    """Keep the pairs at the end `which`, "top" or "bottom", if all have converged and they are not too large."""
    if pairs.converged.all() and pairs.vectors.nbytes <= MOST_BYTES:
        KNOWN.put((_matrix(problem), which), pairs)


def known_eigenpairs(problem: CurvatureProblem, which: str, k: int) -> Eigenpairs | None:
    """At least k pairs of this matrix, or None."""
    found = KNOWN.get((_matrix(problem), which))
    return found if found is not None and len(found.values) >= k else None


def _matrix(problem):
    """Without what leaves Hessian and GGN as they are: the seed, and mini-batches under stored statistics."""
    drawn = problem.matrix == "FisherOperator"
    batch = 0 if problem.batch_norm == "eval" else problem.batch
    return problem.of(seed=problem.seed if drawn else 0, batch=batch)
