"""A few eigenpairs at an end of the spectrum, with true residuals and a check for those that were missed."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from spectral_core.krylov.lanczos import check_products
from spectral_core.krylov.thick_restart_lanczos import orthogonalised, thick_restart_lanczos_steps
from spectral_core.operators import accept
from spectral_core.probes import draw_probes
from spectral_core.results import frozen, last

__all__ = ["WHICH", "Eigenpairs", "eigenpair_steps", "eigenpairs"]

WHICH = {"top": np.copy, "bottom": np.negative, "magnitude": np.abs}  # of which the largest are wanted
SUCCESS = "all pairs converged"
UNCHECKED = f"{SUCCESS}, but no product is left to look for equal eigenvalues: some may be missing"
HEADROOM = 2.0  # pairs of several runs are coupled by residuals
MISSED = 0.01  # probability that the check overlooks an eigenvalue as far out as it says


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """``A v_i ~ lambda_i v_i`` with ``||v_i|| = 1``: some eigenvalue lies within ``residuals[i]`` of ``values[i]``.

    Attributes
    ----------
    values : (k,) float64
        From the wanted end inwards. The first few items of `eigenpair_steps` have fewer than `k`.
    vectors : (n, k) float64 NumPy array
        One column a pair, orthonormal up to the operator's rounding.
    residuals : (k,) float64
        ``||A v - lambda v||``: of the last item formed anew from products with the vectors, of those before by the Lanczos
        relation ``beta |s|``.
    converged : (k,) bools
        ``residual <= tolerance * scale``.
    gaps : (k,) float64
        Distance from each value to the nearest other Ritz value moved towards it by its residual; 0 where they overlap,
        ``inf`` where there is no other.
    scale : float
        Largest Ritz value in magnitude: a lower bound of the norm of A.
    rounding : float
        ``eps scale``, with the precision of the operator's dtype: how far its products may move an eigenvalue.
    products : int
    stopped : str
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray
    converged: np.ndarray
    gaps: np.ndarray
    scale: float
    rounding: float
    products: int
    stopped: str

    @property
    def errors(self):
        """``min(r, r^2 / gap) + rounding``, (k,): bounds of the distance from each value to an eigenvalue.

        The first holds always, the second (Kato and Temple; Parlett 1998, Theorem 11.7.1) where no eigenvalue but that one
        lies within the gap, which the Ritz values make likely, not certain.
        """
        gaps = np.where(self.gaps > self.residuals, self.gaps, np.inf)
        bounds = np.where(np.isfinite(gaps), self.residuals**2 / gaps, self.residuals)
        return frozen(np.minimum(bounds, self.residuals) + self.rounding)


def eigenpair_steps(
    A, *, k=5, which="top", tolerance=1e-4, products=None, generator, lock=None, basis=None, memory=1 << 30
):
    """Yield complete `Eigenpairs` after every product; the last one with residuals from their definition.

    ``A v = lambda v`` by thick-restart Lanczos with full reorthogonalisation: no copies from rounding ("ghosts") among the
    pairs. One starting vector meets a repeated eigenvalue once, so pairs that converged are locked and a check run starts
    from a fresh random vector orthogonal to them, of ten products or a quarter of those spent. A Ritz value beyond the
    k-th is pursued until it has converged, and the check starts anew; k = 1 needs none, as a copy would change nothing.

    Parameters
    ----------
    A : operator (n, n)
    k : int
        Pairs wanted; n or more give all.
    which : {"top", "bottom", "magnitude"}
        Largest, smallest, or largest in magnitude.
    tolerance : float
        A pair has converged where its residual is at most `tolerance` times the largest Ritz value in magnitude. Its
        eigenvalue is then far closer: see `Eigenpairs.errors`.
    products : int, optional
        At most so many, at least ``2 k``; by default ``10 n`` and k more.
    generator : torch.Generator
    lock : Eigenspace or Eigenpairs, optional
        Known eigenpairs: kept out, not returned.
    basis : int, optional
        Lanczos vectors held; by default ``max(8 k, 80)``, n, or what `memory` holds, whichever is least.
    memory : int
        Bytes for the Lanczos vectors, those found and those locked.

    Raises
    ------
    ValueError
        A product that is not finite; arguments out of range; a basis too small or too large for the memory.

    Notes
    -----
    Cost: the products of the run, of the check, and k for the residuals, with which goes a last Rayleigh-Ritz step on the k
    vectors. The check overlooks an eigenvalue further beyond the k-th than a share ``e`` of the spread with probability at
    most ``1.648 sqrt(n) exp(-sqrt(e) (2 c - 1))`` after c products (Kuczynski and Wozniakowski 1992, Theorem 4.2):
    `stopped` says for which e that is 1 %. Source: Wu and Simon 2000; Parlett 1998, chapter 13. m steps of Lanczos are not
    the m outermost eigenvalues: only those marked as converged are.
    """
    A, n = accept(A), A.shape[0]
    known = _rows(lock, A)
    size = n - len(known)
    _check(k, which, tolerance, size, A.dtype)
    k, key = min(k, size), WHICH[which]
    limit = 10 * n + k if products is None else products
    if limit < 2 * k:
        raise ValueError(f"{k} eigenpairs need at least {2 * k} products, half of them for residuals; got {limit}.")
    basis, keep = _sizes(n, size, k, len(known), basis, memory, A.dtype)
    found = _Found(k, key, tolerance, A)
    spent, reason = 0, ""
    while not reason:
        start, checks = spent, max(10, spent // 4)
        checking, bar = found.count >= k, found.bar()
        locked = torch.cat([known, found.rows])
        v = _start(n, locked, generator, A)
        options = {"basis": basis, "keep": keep, "locked": locked, "scale": found.scale}
        for run in thick_restart_lanczos_steps(A, v, order=lambda theta: np.argsort(-key(theta)), **options):
            spent, wanted = start + run.products, found.wanted(run, bar)
            yield found.result(run, wanted, spent, f"{spent} products")
            ready = found.count + len(wanted) >= k and found.has_converged(HEADROOM * run.residuals[wanted]).all()
            if run.exhausted or spent + k >= limit or (ready and (len(wanted) or run.products >= checks)):
                break
        found.take(run, wanted)
        if found.count < k:
            reason = ""  # the space ended early: equal eigenvalues
        elif checking and not len(wanted) and (run.exhausted or run.products >= checks):
            reason = _missed(n, run)
        elif not found.has_converged(found.residuals).all():
            reason = "spent the products asked for before all pairs converged"
        elif k == 1 or len(locked) + len(run.values) >= n:
            reason = SUCCESS if k == 1 else f"{SUCCESS}, and the rest of the space was searched"
        elif spent + k >= limit:
            reason = UNCHECKED
        del run  # and its basis, before the next one is made
    yield found.final(A, spent, max(limit - spent, k), reason)


def eigenpairs(A, k=5, which="top", *, tolerance=1e-4, products=None, generator, lock=None, basis=None, memory=1 << 30):
    """The last item of `eigenpair_steps`: the `k` eigenpairs at an end of the spectrum, with true residuals.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([3.0, 1.0, 3.0, 2.0], dtype=torch.float64))
    >>> eigenpairs(A, 3, generator=torch.Generator()).values.round(9)
    array([3., 3., 2.])
    """
    options = {"tolerance": tolerance, "products": products, "generator": generator, "basis": basis, "memory": memory}
    return last(eigenpair_steps(A, k=k, which=which, lock=lock, **options))


class _Found:
    """The pairs of finished runs, and how they and those of the run under way make a result."""

    def __init__(self, k, key, tolerance, A):
        self.k, self.key, self.tolerance = k, key, tolerance
        self.values, self.residuals, self.scale = np.zeros(0), np.zeros(0), 0.0
        self.rest, self.rest_residuals = np.zeros(0), np.zeros(0)  # Ritz values that nobody wanted
        self.rows = torch.zeros(0, A.shape[0], dtype=A.dtype, device=A.device)

    @property
    def count(self):
        return len(self.values)

    def bar(self):
        """What a new value must pass: the k-th of those found, and a tolerance; nothing while there are fewer."""
        keys = np.sort(self.key(self.values))[::-1]
        return keys[self.k - 1] + self.tolerance * self.scale if self.count >= self.k else -np.inf

    def has_converged(self, residuals):
        return residuals <= self.tolerance * self.scale

    def wanted(self, run, bar):
        """Indices of the run's Ritz values that belong to the best k of all, best first."""
        self.scale = max(self.scale, float(np.abs(run.values).max()))
        keys = np.r_[self.key(self.values), self.key(run.values)]
        best = np.argsort(-keys, kind="stable")[: self.k]
        best = best[best >= self.count] - self.count
        return best[self.key(run.values[best]) > bar]

    def take(self, run, wanted):
        """Keep the wanted pairs of a finished run, and the values of the rest."""
        rest, chain = np.setdiff1d(np.arange(len(run.values)), wanted), np.concatenate
        self.rest = chain([self.rest, run.values[rest]])
        self.rest_residuals = chain([self.rest_residuals, run.residuals[rest]])
        self.values = chain([self.values, run.values[wanted]])
        self.residuals = chain([self.residuals, run.residuals[wanted]])
        if len(wanted):
            self.rows = torch.cat([self.rows, run.vectors(wanted)])

    def result(self, run, wanted, spent, stopped):
        """Of the finished runs and the one under way."""
        rest = np.setdiff1d(np.arange(len(run.values)), wanted)
        values, residuals = np.r_[self.values, run.values[wanted]], np.r_[self.residuals, run.residuals[wanted]]
        best = self._best(values)
        vectors = torch.cat([self.rows, run.vectors(wanted)])[best.tolist()].T.double().cpu().numpy()
        others, reach = np.r_[self.rest, run.values[rest]], np.r_[self.rest_residuals, run.residuals[rest]]
        return self._pairs(values, residuals, vectors, best, others, reach, spent, stopped)

    def final(self, A, spent, left, reason):
        """One Rayleigh-Ritz step on all that were found, from whose products come the residuals."""
        best = np.argsort(-self.key(self.values), kind="stable")[:left]
        V = self.rows[best.tolist()].T.contiguous()
        V, AV = V.double(), (A @ V).double()
        inverse = torch.linalg.inv(torch.linalg.cholesky(V.T @ V)).T  # orthonormal in float64, whatever the dtype
        V, AV = V @ inverse, AV @ inverse
        values, U = torch.linalg.eigh((V.T @ AV + AV.T @ V) / 2.0)
        V, AV = V @ U, AV @ U
        residuals = torch.linalg.vector_norm(AV - V * values, dim=0).cpu().numpy()
        check_products(residuals)
        values, best = values.cpu().numpy(), self._best(values.cpu().numpy())
        converged = self.has_converged(residuals[best]).all()
        if converged and not reason.startswith(SUCCESS):
            reason = UNCHECKED
        elif not converged and reason.startswith(SUCCESS):
            reason = "rounding allows no smaller residuals: use float64, or a larger tolerance"
        vectors, spent = V[:, best.tolist()].cpu().numpy(), spent + V.shape[1]
        return self._pairs(values, residuals, vectors, best, self.rest, self.rest_residuals, spent, reason)

    def _best(self, values):
        return np.argsort(-self.key(values), kind="stable")[: self.k]

    def _pairs(self, values, residuals, vectors, best, others, reach, spent, stopped):
        others, reach = np.r_[values, others], np.r_[residuals, reach]
        gaps = np.maximum(np.abs(values[best, None] - others) - reach, 0.0)
        gaps[range(len(best)), best] = np.inf
        return Eigenpairs(
            frozen(values[best]),
            frozen(vectors),
            frozen(residuals[best]),
            self.has_converged(residuals[best]),
            frozen(gaps.min(axis=1)),
            self.scale,
            torch.finfo(self.rows.dtype).eps * self.scale,
            spent,
            stopped,
        )


def _rows(lock, A):
    """Orthonormal rows of what is locked, (c, n)."""
    if lock is None:
        return torch.zeros(0, A.shape[0], dtype=A.dtype, device=A.device)
    vectors = lock.vectors.toarray() if sparse.issparse(lock.vectors) else lock.vectors
    if vectors.shape[0] != A.shape[0]:
        raise ValueError(f"locked eigenvectors must be of length {A.shape[0]}; got {vectors.shape[0]}.")
    return torch.as_tensor(np.array(vectors.T), dtype=A.dtype, device=A.device)


def _check(k, which, tolerance, size, dtype):
    if which not in WHICH:
        raise ValueError(f"which must be one of {', '.join(WHICH)}; got {which!r}.")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"the number of eigenpairs must be a whole number, at least 1; got {k}.")
    if size < 1:
        raise ValueError("every eigenpair is locked: there is none left to find.")
    least = 10 * torch.finfo(dtype).eps
    if not least <= tolerance < 1:
        raise ValueError(f"the tolerance must be from {least:.1e}, what {dtype} can hold, to 1; got {tolerance}.")


def _sizes(n, size, k, locked, basis, memory, dtype):
    """Vectors that the basis holds, and that a restart keeps."""
    held = memory * 8 // (n * torch.finfo(dtype).bits) - locked - 2 * k - 4
    wished, least = min(size, max(8 * k, 80) if basis is None else basis), min(size, k + 2)
    basis = min(wished, held) if basis is None else wished
    if basis < least or held < basis:
        raise ValueError(
            f"{k} eigenpairs need a basis of at least {least} vectors; {basis} were asked for, and memory={memory} holds "
            f"{max(held, 0)} of length {n}: take fewer pairs, or raise basis= or memory=."
        )
    return basis, min(k + (basis - k) // 2, basis - 1)


def _start(n, locked, generator, A):
    """A random direction orthogonal to the locked ones."""
    v = draw_probes(n, 1, generator=generator, dtype=A.dtype, device=A.device)[:, 0]
    v, _, size = orthogonalised(v, locked)
    return v / size


def _missed(n, run):
    """What the check says after its last product."""
    if run.exhausted:
        return f"{SUCCESS}, and the rest of the space was searched"
    share = (np.log(1.648 * n**0.5 / MISSED) / (2 * run.products - 1)) ** 2
    return (
        f"{SUCCESS}; a fresh vector found no missed one in {run.products} products (one further out by "
        f"{np.ceil(100 * min(share, 1.0)):.0f}% of the spread would have shown with {1 - MISSED:.0%})"
    )
