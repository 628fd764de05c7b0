"""Stochastic Lanczos quadrature: the spectrum as a stem plot."""

from dataclasses import dataclass, replace
from math import comb

import numpy as np
from scipy.linalg import eigh_tridiagonal

from spectral_core.densities import SmoothedDensity
from spectral_core.interruption import stop_if_asked
from spectral_core.krylov.three_term_lanczos import choose_lanczos
from spectral_core.operators import DeflatedOperator, accept
from spectral_core.polynomials import vandermonde
from spectral_core.probes import draw_probes
from spectral_core.results import Moments, checked_atoms, frozen, last, mean_and_standard_error

__all__ = ["KERNELS", "Quadrature", "lanczos_quadrature", "lanczos_quadrature_steps"]

KERNELS = ("gaussian", "cauchy")
FADED = 0.05  # of a weight that an eigenpair explains: less is what has not converged


@dataclass(frozen=True, eq=False)
class Quadrature:
    """``p(x) ~ sum_i w_i delta(x - theta_i)``: Ritz values and weights, a row a probe, and known atoms beside them.

    Attributes
    ----------
    nodes, weights : (probes, k) arrays
        Ritz values, ascending, and squared first components of the eigenvectors of ``T``, exact for polynomials of
        degree up to ``2 k - 1`` of each probe. Rows of weights sum to 1 less the mass of the atoms; a row whose probe
        broke down is filled up with weights of 0.
    residuals : (probes, k) array
        ``beta_k |s_ki|``: an eigenvalue lies within this distance of the Ritz value.
    atoms : (c, 2) array
        ``(position, mass)`` of eigenvalues known exactly.
    size, steps, products : int
    complete : bool
        True where every Krylov space was exhausted: each probe's measure is exact.
    """

    nodes: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray
    atoms: np.ndarray
    size: int
    steps: int
    products: int
    complete: bool
    stopped: str

    @property
    def probes(self):
        """Number of independent samples."""
        return len(self.nodes)

    @property
    def ends(self):
        """Smallest and largest Ritz value of weight, each moved out by its residual; known atoms not among them."""
        low = np.where(self.weights > 0, self.nodes - self.residuals, np.inf)
        high = np.where(self.weights > 0, self.nodes + self.residuals, -np.inf)
        return float(low.min()), float(high.max())

    def stems(self):
        """``(nodes, weights)`` of the mean over probes, atoms included, ascending: total mass 1."""
        x = np.r_[self.atoms[:, 0], self.nodes.ravel()]
        w = np.r_[self.atoms[:, 1], self.weights.ravel() / self.probes]
        order = np.argsort(x, kind="stable")
        order = order[w[order] > 0]
        return x[order], w[order]

    def density(self, sigma, *, kernel="gaussian"):
        """The stems smoothed by a kernel of width `sigma`, in the units of the eigenvalues; no product."""
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}.")
        if not (np.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma must be positive; got {sigma}: use stems() for no smoothing.")
        nodes = np.hstack([np.tile(self.atoms[:, 0], (self.probes, 1)), self.nodes])
        weights = np.hstack([np.tile(self.atoms[:, 1], (self.probes, 1)), self.weights])
        return SmoothedDensity(frozen(nodes), frozen(weights), float(sigma), kernel, self.products)

    def smoothed(self, x, sigma, *, kernel="gaussian"):
        """``sum_i w_i k_sigma(x - theta_i)`` at the points `x`, mean over probes; no product."""
        return self.density(sigma, kernel=kernel).pdf(x)

    def moments(self, degree, *, interval, basis="chebyshev"):
        """Moments of the stems with standard errors over probes; exact for each probe up to ``2 steps - 1``."""
        limit = None if self.complete else 2 * self.steps - 1
        if limit is not None and degree > limit:
            raise ValueError(
                f"{self.steps} Lanczos steps are exact up to moment {limit}; got {degree}: take more steps."
            )
        weights = self.weights / self.weights.sum(axis=1, keepdims=True)
        samples = np.einsum("pk,pkj->pj", weights, vandermonde(basis, degree, self.nodes, interval))
        return Moments(samples, interval, basis, self.atoms, False, self.size, self.products, self.stopped)

    def smoothing_bias(self, degree, sigma):
        """``E_smoothed[x^m] - E[x^m] = sum_i w_i sum_(j=1)^(m/2) C(m, 2j) E_k[x^2j] theta_i^(m-2j)``, ``m = 0..degree``.

        What a Gaussian kernel does to the moments: ``E_k[x^2j] = sigma^2j (2j - 1)!!``. Source: thesis Theorem 2 (its
        binomial ``C(r, 2j)`` should be ``C(m, 2j)``). A Cauchy kernel has no moments.
        """
        x, w = self.stems()
        bias = np.zeros(degree + 1)
        for m in range(2, degree + 1):
            kernel_moment = 1.0
            for j in range(1, m // 2 + 1):
                kernel_moment *= sigma**2 * (2 * j - 1)
                bias[m] += comb(m, 2 * j) * kernel_moment * float(w @ x ** (m - 2 * j))
        return bias

    def single_probes(self):
        """A list of quadratures, one a probe."""
        rows = [slice(i, i + 1) for i in range(self.probes)]
        return [
            replace(self, nodes=self.nodes[i], weights=self.weights[i], residuals=self.residuals[i],
                    products=self.products // self.probes)
            for i in rows
        ]  # fmt: skip

    def deflated(self, values, overlaps):
        """The same quadrature with eigenpairs that were found since as atoms of exact mass 1/n; no product.

        A probe's weight at a simple eigenvalue ``lambda_i`` is ``(v . q_i)^2``, whose mean is 1/n and whose variance is twice
        the square of that. Taken out of the Ritz value nearest to it, what remains, scaled to the mass 1 - k/n, is the rule of
        the probe's part in the eigenvectors' complement: what `known` of `lanczos_quadrature_steps` computes, as far as the
        Ritz values have converged.

        Parameters
        ----------
        values : (k,) array
            Eigenvalues, with multiplicity.
        overlaps : (probes, k) array
            ``(v_p . q_i)^2`` for probes of norm 1.
        """
        weights = np.array(self.weights)
        rows = np.arange(self.probes)
        for value, share in zip(values, np.asarray(overlaps).T, strict=True):
            distance = np.where(weights > 0, np.abs(self.nodes - value), np.inf)
            nearest = distance.argmin(axis=1)
            left = weights[rows, nearest] - share
            weights[rows, nearest] = np.where(left > FADED * share, left, 0.0)
        atoms = np.r_[self.atoms, np.column_stack([values, np.full(len(values), 1.0 / self.size)])]
        mass = 1.0 - atoms[:, 1].sum()
        weights *= mass / weights.sum(axis=1, keepdims=True)
        return replace(self, weights=frozen(weights), atoms=checked_atoms(atoms))

    def integrate(self, function):
        """``(1/n) tr f(A)``, mean over probes and its standard error; `function` takes an array."""
        samples = (self.weights * function(self.nodes)).sum(axis=1) + self.atoms[:, 1] @ function(self.atoms[:, 0])
        mean, error = mean_and_standard_error(samples)
        return float(mean), float(error)


def _ritz(run):
    """Nodes, weights and residuals of each probe of a `Lanczos` result, padded to ``(p, k)``."""
    k, p = run.alpha.shape
    nodes, weights, residuals = np.zeros((p, k)), np.zeros((p, k)), np.zeros((p, k))
    for i, length in enumerate(run.lengths):
        theta, S = eigh_tridiagonal(run.alpha[:length, i], run.beta[: length - 1, i])
        nodes[i, :length], nodes[i, length:] = theta, theta[-1]
        weights[i, :length] = S[0] ** 2
        residuals[i, :length] = run.beta[length - 1, i] * np.abs(S[-1])
    return nodes, weights, residuals


def lanczos_quadrature_steps(
    A, *, steps, probes, generator, kind="sphere", known=None, memory=1 << 30, reorthogonalise=True, every=1
):
    """Yield a complete `Quadrature` after every Lanczos step, or after so many.

    Probes go in batches, as many at once as `memory` holds; an item has all finished batches and the one under way.

    Parameters
    ----------
    A : operator (n, n)
    steps, probes : int
        ``steps * probes`` products, fewer where Krylov spaces end early.
    generator : torch.Generator
    kind : {"sphere", "rademacher", "gaussian"}
        Probes are normalised, so that each row of weights has the mass of the spectrum.
    known : Eigenspace, optional
        Exact eigenpairs: taken out of the probes and added back as atoms of exact mass.
    memory : int
        Bytes for the Lanczos vectors, beside the probes themselves; at least one probe must fit.
    reorthogonalise : bool
        False keeps three blocks of vectors instead of all: less memory and, on a sparse matrix, most of the time. The
        nodes may then hold copies of an eigenvalue, which share its weight (`three_term_lanczos_steps`).
    every : int
        Steps from one item to the next; the last step has one in any case. Ritz values of step k take ``O(k^2)`` a probe.

    Notes
    -----
    Source: Golub and Meurant 2010, Theorem 6.2; Ubaru, Chen and Saad 2017. Standard errors are over probes. They do not
    hold the quadrature's own error for functions that no polynomial of degree ``2 steps - 1`` resembles.
    """
    A = accept(A)
    n = A.shape[0]
    if probes < 1:
        raise ValueError(f"at least one probe is needed; got {probes}.")
    recurrence, batch = choose_lanczos(A, steps=steps, probes=probes, memory=memory, reorthogonalise=reorthogonalise)
    V = draw_probes(n, probes, generator=generator, kind=kind, dtype=A.dtype, device=A.device)
    atoms = known.atoms() if known is not None else np.zeros((0, 2))
    share = 1.0 - atoms[:, 1].sum()
    if known is not None:
        if len(known.values) >= n:
            raise ValueError("every eigenvalue is known: there is nothing left to estimate.")
        # to the middle, where what rounding puts back becomes no Ritz value at an end
        A = DeflatedOperator(A, known, destination=sum(getattr(A, "interval", None) or (0.0, 0.0)) / 2.0)
        A.project_(V)
    steps = min(steps, n if known is None else n - len(known.values))
    done, spent, exhausted = [], 0, True
    for start in range(0, probes, batch):
        last = start + batch >= probes
        for run in recurrence(A, V[:, start : start + batch], steps=steps, memory=memory):
            reached, ended = len(run.alpha), not run.beta[-1].any()
            if reached % every and reached < steps and not ended:
                stop_if_asked()
                continue
            parts = [*done, _ritz(run)]
            depth = max(part[0].shape[1] for part in parts)
            nodes, weights, residuals = (
                np.concatenate([_padded(part[i], depth, edge=i == 0) for part in parts]) for i in range(3)
            )
            stopped = f"step {reached} of {steps}, probe {min(start + batch, probes)} of {probes}"
            if last and (ended or reached == steps):
                stopped = "the Krylov spaces are exhausted" if ended else f"took the {steps} steps asked for"
            yield Quadrature(
                nodes=frozen(nodes),
                weights=frozen(weights * share),
                residuals=frozen(residuals),
                atoms=frozen(atoms),
                size=n,
                steps=reached,
                products=spent + run.products,
                complete=exhausted and ended,
                stopped=stopped,
            )
        done, spent, exhausted = parts, spent + run.products, exhausted and ended


def _padded(array, depth, *, edge):
    short = depth - array.shape[1]
    return np.pad(array, ((0, 0), (0, short)), mode="edge" if edge else "constant") if short else array


def lanczos_quadrature(A, *, steps, probes, generator, kind="sphere", known=None, memory=1 << 30, reorthogonalise=True):
    """The last item of `lanczos_quadrature_steps`.

    Examples
    --------
    >>> import torch
    >>> A = torch.diag(torch.arange(1.0, 9.0, dtype=torch.float64))
    >>> q = lanczos_quadrature(A, steps=8, probes=2, generator=torch.Generator())
    >>> q.nodes[0].round(9)
    array([1., 2., 3., 4., 5., 6., 7., 8.])
    """
    return last(
        lanczos_quadrature_steps(
            A,
            steps=steps,
            probes=probes,
            generator=generator,
            kind=kind,
            known=known,
            memory=memory,
            reorthogonalise=reorthogonalise,
            every=steps,
        )
    )
