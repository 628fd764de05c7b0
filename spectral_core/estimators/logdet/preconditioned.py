"""The log-determinant by partial Cholesky, and Lanczos quadrature with control variates on the Schur complement."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from scipy import sparse

from spectral_core.estimators.logdet.averaged import averaged_steps, known_traces
from spectral_core.estimators.logdet.elimination import SchurComplement, elimination_steps
from spectral_core.estimators.logdet.extrapolation import limit_of_rules, thirds
from spectral_core.estimators.logdet.quadrature import due, known_lower_bound, log_rules
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.krylov.lanczos import lanczos_memory
from spectral_core.krylov.three_term_lanczos import choose_lanczos
from spectral_core.operators import accept
from spectral_core.probes import draw_probes
from spectral_core.results import frozen

__all__ = ["preconditioned_steps"]

PILOT = 4  # probes that find the number of steps
BATCH = 64  # probes at once afterwards
SHALLOWEST = 9  # steps before the pilot may end
WINDOW = 3  # blocks of columns between two tests of whether to go on


def preconditioned_steps(A, *, products=1500, lower_bound=None, generator, memory=1 << 30):
    """Yield ``log det A = log det(Q.T A Q) + tr log S`` as it settles, as a `LogDeterminant`.

    The columns of `Q` are eliminated exactly, by a partial Cholesky factorisation (`elimination_steps`); as many as pay:
    in the trade of a column for a product, while ``0.2 d log(mean diagonal of S) + d r / (n - r)`` exceeds
    ``d r / (products - r)``, and at most half the products, half the rows and half the memory. Without decay none are.

    ``tr log S = m c.tau + (m / p) sum_i v_i.(log S - c_1 S - c_2 S^2) v_i`` with ``m = n - r`` and ``v_i`` random unit
    vectors of the complement of `Q`: the control variates are the least-squares fit to the logarithm on the measured
    spectrum, of the powers whose means ``tau`` are known: the trace of S wherever the diagonal of A is, and the Frobenius
    norm where A has one and no column was eliminated. The Lanczos steps are found by four probes: they end where the
    quadrature's error is half of the Monte-Carlo error that the products left over will buy. The value is the limit to
    which the Gauss and the Gauss-Radau rules go (`limit_of_rules`).

    A sparse matrix is left whole, as its products cost less than those with the factor: `averaged_steps`.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    products : int
        At most so many are spent; a column of the matrix counts as one.
    lower_bound : float, optional
        Positive and at most every eigenvalue; default ``A.interval[0]``. S inherits it. Without one the bracket is open
        below.
    generator : torch.Generator
    memory : int
        Bytes for the factor and for the Lanczos vectors, half each.

    Raises
    ------
    ValueError
        A is not positive definite, `lower_bound` is not one, or too few products for two probes.

    Notes
    -----
    `standard_error` is ``sqrt(s^2 + u^2)``: ``u`` the uncertainty of the limit, and rounding, and
    ``s^2 = 2 m^2 v / ((m + 2) p)`` the variance of the mean over ``p`` uniform unit vectors, with ``v`` the variance over
    the measured spectrum of what the fit leaves, so that four probes suffice for a bar. `bracket` is of the Gauss-Radau and
    the Gauss rule and holds without guesses. Items before the first estimate have the value NaN. The identity is exact: no
    error comes from the low rank.
    Sources: Chen, Epperly, Tropp and Webber 2024; Ubaru, Chen and Saad 2017; Golub and Meurant 2010.

    Examples
    --------
    >>> values = torch.logspace(0.0, -4.0, 300, dtype=torch.float64)
    >>> *_, y = preconditioned_steps(torch.diag(values), lower_bound=1e-4, generator=torch.Generator().manual_seed(0))
    >>> abs(y.value - float(values.log().sum())) < 3 * y.standard_error < 9.0
    True
    """
    A = accept(A)
    if sparse.issparse(getattr(A, "matrix", None)):
        for item in averaged_steps(A, products=products, lower_bound=lower_bound, generator=generator, memory=memory):
            yield replace(item, method="preconditioned")
        return
    n = A.shape[0]
    if products < 2 * SHALLOWEST:
        raise ValueError(f"the preconditioned method needs {2 * SHALLOWEST} products; got {products}: ask for more.")
    lower_bound = known_lower_bound(A, lower_bound)
    for elimination in _worthwhile_elimination(A, products, generator, memory):
        yield LogDeterminant(
            np.nan, np.inf, elimination.products, degrees_of_freedom=1, method="preconditioned", size=n,
            stopped=f"eliminated {elimination.rank} columns",
        )  # fmt: skip
    remainder = _Remainder(A, elimination, lower_bound)
    spent, size = elimination.products, remainder.size
    budget = products - spent
    count = max(2, min(PILOT, budget // SHALLOWEST))
    steps, item, history = min(size, budget // count), None, []
    keep_basis = lanczos_memory(n, steps, count, A.dtype) <= memory // 2
    recurrence, _ = choose_lanczos(A, steps=steps, probes=count, memory=memory, reorthogonalise=keep_basis)
    pilot, samples = True, None
    while count:
        V = elimination.project_(draw_probes(n, count, generator=generator, dtype=A.dtype, device=A.device))
        for run in recurrence(remainder.operator, V, steps=steps, memory=memory):
            k = len(run.alpha)
            last = k == steps or not run.beta[-1].any()
            if last or (pilot and due(k, steps)):
                samples = remainder.samples(run) if pilot else samples + remainder.samples(run)
                item, uncertainty = remainder.estimate(samples, spent + run.products, history)
                history = [*item.history]
                left = item.monte_carlo_error * (len(samples.moments) * k / budget) ** 0.5
                last = last or (pilot and k >= SHALLOWEST and uncertainty <= left / 2.0)
            yield replace(item, products=spent + run.products, stopped=f"step {k} of at most {steps}")
            if last:
                break
        pilot, steps, spent = False, k, spent + run.products
        count = min((products - spent) // k, BATCH, max(1, memory // 2 // lanczos_memory(n, k, 1, A.dtype)))
    yield replace(item, stopped=_sentence(item, elimination, len(samples.moments), k, uncertainty, lower_bound))


def _worthwhile_elimination(A, products, generator, memory):
    """Yield eliminations, the last one that of the rank to use: 0 where the first columns do not pay."""
    n = A.shape[0]
    block = max(1, products // 75)
    limit = min(products // 2, n // 2, memory // 2 // (n * torch.finfo(A.dtype).bits // 8))
    ranks, means, empty, elimination = [], [], None, None

    def pays(since):
        columns, fall = ranks[-1] - ranks[since], np.log(max(means[since] / means[-1], 1e-3))
        return 0.2 * fall + columns / (n - ranks[-1]) > columns / (products - ranks[-1])

    for elimination, mean in elimination_steps(A, columns=block, generator=generator):
        empty = empty or elimination
        yield elimination
        if np.isfinite(mean):
            ranks.append(elimination.rank)
            means.append(mean)
        if elimination.rank + block > limit or (len(means) > WINDOW and not pays(-1 - WINDOW)):
            break
    if elimination.rank and not pays(0):
        yield replace(empty, products=elimination.products)


@dataclass(frozen=True, eq=False)
class Samples:
    """Of `p` probes: rules after each third of the steps, (p, 3), rounding, moments, and all nodes and weights."""

    gauss: np.ndarray
    radau: np.ndarray
    rounding: np.ndarray
    moments: np.ndarray
    nodes: np.ndarray
    weights: np.ndarray

    def __add__(self, other):
        return Samples(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


class _Remainder:
    """The Schur complement `S` of order `size`, and what Lanczos runs on it say of ``tr log S``."""

    def __init__(self, A, elimination, lower_bound):
        self.n, self.size, self.dtype = A.shape[0], A.shape[0] - elimination.rank, A.dtype
        self.operator = SchurComplement(A, elimination) if elimination.rank else A
        self.known = _known_moments(A, elimination) / self.size
        self.constant, self.scale, self.lower_bound = elimination.log_determinant, elimination.norm, lower_bound

    def samples(self, run):
        k = len(run.alpha)
        rules = [
            log_rules(
                run.alpha[:j], run.beta[:j], np.minimum(run.lengths, j),
                size=self.size, dtype=self.dtype, lower_bound=self.lower_bound, scale=self.scale,
            )
            for j in thirds(k)
        ]  # fmt: skip
        moments = np.stack([run.alpha[0], run.alpha[0] ** 2 + run.beta[0] ** 2], axis=1)[:, : len(self.known)]
        gauss, radau = (np.stack([getattr(rule, name) for rule in rules], axis=1) for name in ("gauss", "radau"))
        return Samples(gauss, radau, rules[-1].rounding, moments, rules[-1].nodes, rules[-1].weights)

    def estimate(self, samples, products, history):
        """``(LogDeterminant, uncertainty of the limit)``."""
        p, m, top = len(samples.moments), self.size, samples.nodes.max()
        degrees, root = np.arange(len(self.known) + 1), np.sqrt(samples.weights / p)
        design = (samples.nodes[:, None] / top) ** degrees * root[:, None]
        target = root * np.log(samples.nodes)
        fit = np.linalg.lstsq(design, target, rcond=None)[0]
        variance = float(((target - design @ fit) ** 2).sum())
        slope = (fit / top**degrees)[1:]
        shift = (self.known - samples.moments.mean(axis=0)) @ slope
        gauss, radau = (self.constant + m * (rule.mean(axis=0) + shift) for rule in (samples.gauss, samples.radau))
        value, uncertainty = limit_of_rules(gauss, radau)
        spread = m * (2.0 * variance / ((m + 2) * p)) ** 0.5
        amplified = 4.0 * torch.finfo(self.dtype).eps * np.abs(self.known * slope).sum()
        rounding = m * float(samples.rounding.mean() + amplified)
        error = float(np.hypot(spread, uncertainty + rounding))
        return LogDeterminant(
            value, error, products, method="preconditioned", size=self.n, stopped="",
            bracket=(float(radau[-1] - rounding), float(gauss[-1] + rounding)), monte_carlo_error=spread,
            history=frozen([*history, (products, value, error)]),
        ), uncertainty  # fmt: skip


def _known_moments(A, elimination):
    """``tr S`` and ``tr S^2`` as far as they are known without further products."""
    if not elimination.rank and (traces := known_traces(A)):
        return np.array(traces)
    if not hasattr(A, "diagonal"):
        return np.zeros(0)
    return np.array([float(A.diagonal().double().sum()) - float((elimination.factor.double() ** 2).sum())])


def _sentence(item, elimination, probes, steps, uncertainty, lower_bound):
    columns = f"{elimination.rank} columns eliminated exactly, " if elimination.rank else ""
    text = f"spent {item.products} products: {columns}{steps} Lanczos steps on each of {probes} probes"
    if uncertainty > item.monte_carlo_error:
        text += (
            f"; the quadrature's own error, about {uncertainty:.3g}, outweighs the probes': more products would help"
        )
    if lower_bound is None:
        text += "; no lower bound on the eigenvalues is known, so it is not bounded"
    return text
