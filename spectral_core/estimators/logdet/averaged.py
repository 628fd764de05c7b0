"""The log-determinant of a large sparse matrix: averaged Gauss rules, control variates, no reorthogonalisation."""

from dataclasses import replace

import numpy as np
import torch
from scipy import sparse
from scipy.linalg import eigh_tridiagonal

from spectral_core.estimators.logdet.extrapolation import slow_limit, thirds
from spectral_core.estimators.logdet.quadrature import known_lower_bound, log_rules
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.krylov.three_term_lanczos import choose_lanczos
from spectral_core.operators import accept
from spectral_core.probes import draw_probes
from spectral_core.results import frozen, mean_and_standard_error

__all__ = ["averaged_gauss", "averaged_steps"]

PROBES = 16  # at once: fewer take as long
DEEPEST = 300  # Lanczos steps, where the rule has not settled before
SHALLOWEST = 9
NEAREST = 0.1  # of the smallest Ritz value: no node of the averaged rule is nearer to zero


def averaged_gauss(alpha, beta, *, lower=-np.inf):
    """Nodes and weights of ``(g G_(k-1) + H) / (1 + g)``: twice the nodes of a Gauss rule, for the same ``k`` products.

    ``G_(k-1)`` is the Gauss rule of ``T_(k-1)``, and ``H`` that of ``T_k`` with its last off-diagonal entry multiplied by
    ``sqrt(1 + g)``, so that ``H(f) = (1 + g) I(f) - g G_(k-1)(f)`` for polynomials of degree up to ``2 k - 1``: the errors
    of the two have opposite signs and cancel in the mean, which is exact to that degree as ``G_k`` is, and on smooth
    functions of a spectrum with plain ends several times nearer. ``g = 1``, smaller where a node would fall below
    `lower`; ``g = 0`` is ``G_k`` itself.

    Parameters
    ----------
    alpha : (k,) array
    beta : (k - 1,) array
        Of one probe, as in `Lanczos`.
    lower : float
        No node is below it; at most the smallest node of ``G_k``.

    Returns
    -------
    nodes, weights : (2 k - 1,) arrays

    Notes
    -----
    Source: Laurie 1996, "Anti-Gaussian quadrature formulas", equations 5 to 7 and section 4; ``g < 1``: Ehrich 2002,
    equation 1.3.

    Examples
    --------
    >>> x, w = averaged_gauss(np.zeros(4), np.array([1.0, 2.0, 3.0]) / np.sqrt([3.0, 15.0, 35.0]))  # Legendre on [-1, 1]
    >>> [round(float(w @ x**degree), 12) for degree in (0, 2, 4, 6)] == [round(1 / (m + 1), 12) for m in (0, 2, 4, 6)]
    True
    """
    k = len(alpha)
    theta, S = eigh_tridiagonal(alpha[: k - 1], beta[: k - 2]) if k > 1 else (np.zeros(0), np.zeros((1, 0)))
    g, off = 0.0, beta.copy()
    if k > 1:
        # the last diagonal entry that puts a node at `lower`, as in the Gauss-Radau rule; and the entry beside it instead
        below = 0.0 if np.isinf(lower) else ((off[-1] * S[-1]) ** 2 / (theta - lower)).sum() / (alpha[-1] - lower)
        g = 1.0 if below <= 0.5 else max(0.0, 1.0 / below - 1.0)
        off[-1] *= np.sqrt(1.0 + g)
    nodes, vectors = eigh_tridiagonal(alpha, off)
    return np.r_[theta, nodes], np.r_[g * S[0] ** 2, vectors[0] ** 2] / (1.0 + g)


def known_traces(A):
    """``(tr A, tr A^2)`` where the entries are known without a product, else None."""
    matrix = getattr(A, "matrix", A)
    if sparse.issparse(matrix):
        return float(matrix.diagonal().sum()), float(matrix.data @ matrix.data)
    if torch.is_tensor(matrix):
        return float(matrix.diagonal().double().sum()), float((matrix.double() ** 2).sum())
    if hasattr(A, "diagonal") and hasattr(A, "squared_frobenius_norm"):
        return float(A.diagonal().double().sum()), float(A.squared_frobenius_norm())
    return None


def averaged_steps(A, *, products=1500, lower_bound=None, generator, steps=None, reorthogonalise=None, memory=1 << 30):
    """Yield ``log det A = tr p(A) + (n / d) sum_i v_i.(log - p)(A) v_i`` as it settles, as a `LogDeterminant`.

    ``p(x) = c_0 + c_1 x + c_2 x^2`` is the least-squares fit to the logarithm on the spectrum measured; its trace is known
    from the entries, and what is left to the probes varies much less (its variance is ``2 ||log A - p(A)||_F^2`` in place
    of ``2 ||log A||_F^2``, less the diagonal's part). Where the entries are not known, ``p = 0``. The quadratic forms are
    averaged Gauss rules.

    The first batch of probes takes steps until the rule settles: until it moved, over the second half of the steps, by
    less than half the Monte-Carlo error that the budget will leave. All others take as many. The
    number is odd: on spectra with a peak in their middle, such as a lattice's, even ones err five times as much.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    products : int
        At most so many are spent.
    lower_bound : float, optional
        Positive and at most every eigenvalue; default ``A.interval[0]``. Without one the bracket is open below.
    generator : torch.Generator
    steps : int, optional
        Lanczos steps a probe; default as above.
    reorthogonalise : bool, optional
        Default: where it costs less than the products (`choose_lanczos`).
    memory : int
        Bytes for the Lanczos vectors of the probes that go at once.

    Raises
    ------
    ValueError
        A is not positive definite: a Ritz value is not positive. Too few products for an error bar.

    Notes
    -----
    Cost: `products`. `standard_error` is ``sqrt(s^2 / d + b^2)``, ``b`` how far the rule moved over the second half of the
    steps, and rounding; `bracket` is of the Gauss-Radau and the Gauss rule and holds without that
    guess. Source: Ubaru, Chen and Saad 2017; Laurie 1996; control variates: Glasserman 2003, section 4.1.

    Examples
    --------
    >>> import torch
    >>> A = sparse.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(400, 400))
    >>> [*_, y] = averaged_steps(A, products=400, generator=torch.Generator().manual_seed(0))
    >>> abs(y.value - 401 * np.log(2.0) + np.log(1.5)) < 3 * y.standard_error < 1.0
    True
    """
    A = accept(A)
    n = A.shape[0]
    lower_bound = known_lower_bound(A, lower_bound)
    deepest = min(n, steps or DEEPEST)
    shallowest = min(deepest, SHALLOWEST)
    if products < 2 * shallowest:
        raise ValueError(f"an error bar needs 2 probes, {2 * shallowest} products; got {products}.")
    width = min(PROBES, products // shallowest)
    deepest = min(deepest, products // width)
    if steps is None and deepest > shallowest:
        deepest -= 1 - deepest % 2
    recurrence, width = choose_lanczos(A, steps=deepest, probes=width, memory=memory, reorthogonalise=reorthogonalise)
    width = max(2, width)

    def batch(count, depth):
        V = draw_probes(n, count, generator=generator, kind="rademacher", dtype=A.dtype, device=A.device)
        return recurrence(A, V, steps=depth, memory=memory)

    traces, means, tops, history, eps = known_traces(A), {}, {}, [], torch.finfo(A.dtype).eps
    for run in batch(width, deepest):
        k, ended = len(run.alpha), not run.beta[-1].any()
        if not (k % 2 or k == deepest or ended):
            continue
        rows, nodes, weights = _rules(run, n, A.dtype, lower_bound)
        slope = _slope(nodes, weights) if traces else np.zeros(2)
        means[k], tops[k] = n * rows[:, 0].mean(), n * rows[:, 1].mean()
        earlier = [value for j, value in means.items() if k - max(4, k // 2) <= j < k]
        moved = 0.0 if ended else max(abs(means[k] - value) for value in earlier) if k > 2 else n * np.ptp(rows[:, :2])
        if lower_bound is None and not ended and k > 2:  # what may lie below, as far as the Gauss rules tell
            at = [min(tops, key=lambda j, third=third: abs(j - third)) for third in thirds(k)]
            moved = max(moved, means[k] - slow_limit(np.array([tops[j] for j in at])))
        item = _estimate(
            rows, slope, traces, moved, n, eps, run.products, history, f"step {k} of the first {width} probes"
        )
        history = [*item.history]
        yield item
        left = item.monte_carlo_error * (width / max(width, products // k)) ** 0.5  # at the end of the budget
        settled = ended or moved <= left / 2.0
        if settled and steps is None and k >= shallowest:
            break
    spent = run.products
    while count := min(width, (products - spent) // k):
        for run in batch(count, k):
            note = f"step {len(run.alpha)} of {k}, probe {len(rows) + count} of {len(rows) + (products - spent) // k}"
            yield replace(item, products=spent + run.products, stopped=note)
        spent += run.products
        rows = np.vstack([rows, _rules(run, n, A.dtype, lower_bound)[0]])
        item = _estimate(rows, slope, traces, moved, n, eps, spent, history, "")
        history = [*item.history]
    stopped = f"spent {spent} products, {k} steps on each of {len(rows)} probes"
    if not settled:
        stopped += f"; the quadrature's own error, about {moved:.3g}, outweighs the probes': more products would help"
    if lower_bound is None:
        stopped += "; no lower bound on the eigenvalues is known, so the bar holds a guess at what is open below"
    yield replace(item, stopped=stopped)


def _rules(run, n, dtype, lower_bound):
    """A row a probe: averaged Gauss, Gauss, Gauss-Radau rule of log, moments, rounding; nodes and weights of all."""
    bounds = log_rules(run.alpha, run.beta, run.lengths, size=n, dtype=dtype, lower_bound=lower_bound)
    lower = max(lower_bound or 0.0, NEAREST * bounds.smallest)
    rows, nodes, weights = [], [], []
    for i, k in enumerate(run.lengths):
        x, w = averaged_gauss(run.alpha[:k, i], run.beta[: k - 1, i], lower=min(lower, bounds.smallest))
        # where the Krylov space is exhausted the Gauss rule is exact
        value = w @ np.log(x) if run.beta[k - 1, i] > 0 else bounds.gauss[i]
        rows.append((value, bounds.gauss[i], bounds.radau[i], w @ x, w @ x**2, bounds.rounding[i]))
        nodes.append(x)
        weights.append(w)
    return np.array(rows), np.concatenate(nodes), np.concatenate(weights)


def _slope(nodes, weights):
    """``(c_1, c_2)`` of the least-squares fit ``c_0 + c_1 x + c_2 x^2`` to the logarithm on the spectrum measured."""
    scale, root = nodes.max(), np.sqrt(weights)
    design = np.vander(nodes / scale, 3, increasing=True) * root[:, None]
    return np.linalg.lstsq(design, root * np.log(nodes), rcond=None)[0][1:] / scale ** np.arange(1, 3)


def _estimate(rows, slope, traces, moved, n, eps, products, history, stopped):
    known = np.array(traces or (0.0, 0.0)) / n
    shift = (known - rows[:, 3:5]) @ slope if traces else 0.0
    value, spread = (float(x) for x in mean_and_standard_error(n * (rows[:, 0] + shift)))
    # of Rademacher probes without a basis: n equal terms, added one after another in float64, are off by up to n eps / 2
    in_sums = n * np.finfo(float).eps / 4.0
    rounding = n * float(rows[:, 5].mean() + in_sums + 4.0 * eps * np.abs(known * slope).sum())
    high, low = (float(n * (rows[:, j] + shift).mean() + out) for j, out in ((1, rounding), (2, -rounding)))
    error = float(np.hypot(spread, moved + rounding))
    return LogDeterminant(
        value=value,
        standard_error=error,
        products=products,
        degrees_of_freedom=len(rows) - 1,
        stopped=stopped,
        method="averaged",
        size=n,
        bracket=(low, high),
        monte_carlo_error=spread,
        history=frozen([*history, (products, value, error)]),
    )
