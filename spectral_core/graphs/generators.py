"""Random graphs: Erdos-Renyi, Watts-Strogatz, Barabasi-Albert, stochastic blocks, the thesis's clustered networks."""

import numpy as np
import torch

from spectral_core.graphs.graph import Graph, check_choice, symmetric_csr

__all__ = ["barabasi_albert", "clustered", "erdos_renyi", "stochastic_blocks", "watts_strogatz"]

MOST_EDGES = 2e8  # some 10 GB while they are drawn


def erdos_renyi(n, p, *, generator):
    """``P(edge ij) = p`` independently, exactly (geometric skipping: Batagelj & Brandes 2005, algorithm 1).

    O(n + edges). Raises ValueError for n < 2 or p outside [0, 1].

    >>> import torch
    >>> erdos_renyi(5, 1.0, generator=torch.Generator().manual_seed(0)).edges
    10
    """
    _check_nodes(n)
    _check_probability("p", p)
    _check_edges(p * n * (n - 1) / 2)
    return _graph(*_er(n, p, _numpy_generator(generator)), n, f"Erdos-Renyi graph, n = {n}, p = {p:g}")


def watts_strogatz(n, k, p, *, generator):
    """A ring where each node meets its k nearest, each edge's far end moved with probability p to a uniform free node.

    The order of the moves is that of Watts & Strogatz 1998 and networkx; no duplicate edge, no self-loop; n k / 2
    edges. O(n k^2). Raises ValueError for n < 2, an odd k, k outside 2, ..., n - 1, or p outside [0, 1].

    >>> import torch
    >>> watts_strogatz(6, 2, 0.0, generator=torch.Generator()).degrees.tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """
    _check_nodes(n)
    _check_probability("p", p)
    if not _whole(k) or k % 2 or not 2 <= k < n:
        raise ValueError(f"a Watts-Strogatz graph needs an even k from 2 to n - 1 = {n - 1}; got k = {k}.")
    _check_edges(n * k / 2)
    return _graph(*_ws(n, k, p, _numpy_generator(generator)), n, f"Watts-Strogatz graph, n = {n}, k = {k}, p = {p:g}")


def barabasi_albert(n, m, *, generator):
    """From a star of m + 1 nodes, each new node joins m distinct nodes, drawn with probability proportional to degree.

    m (n - m) edges, O(edges) (repeated ends: Batagelj & Brandes 2005, algorithm 5, as networkx but with m distinct
    targets by rejection). Source: Barabasi & Albert 1999. Raises ValueError for n < 2 or m outside 1, ..., n - 1.

    >>> import torch
    >>> barabasi_albert(100, 3, generator=torch.Generator().manual_seed(0)).edges
    291
    """
    _check_nodes(n)
    if not _whole(m) or not 1 <= m < n:
        raise ValueError(f"a Barabasi-Albert graph needs m from 1 to n - 1 = {n - 1}; got m = {m}.")
    _check_edges(m * (n - m))
    return _graph(*_ba(n, m, _numpy_generator(generator)), n, f"Barabasi-Albert graph, n = {n}, m = {m}")


def stochastic_blocks(sizes, probabilities, *, generator):
    """``P(edge ij) = P[b_i, b_j]`` independently, exactly, nodes ordered by block (Holland et al. 1983).

    Parameters
    ----------
    sizes : (b,) ints
    probabilities : (b, b) symmetric, entries in [0, 1]
    generator : torch.Generator

    Raises
    ------
    ValueError
        An empty block, fewer than two nodes, or probabilities of another shape, not symmetric or outside [0, 1].

    Notes
    -----
    O(n + edges + b^2).

    >>> import torch
    >>> stochastic_blocks([2, 3], [[1, 0], [0, 1]], generator=torch.Generator()).components()[0]
    2
    """
    sizes, P = np.asarray(sizes), np.asarray(probabilities, dtype=np.float64)
    if sizes.ndim != 1 or len(sizes) == 0 or sizes.dtype.kind not in "iu" or sizes.min() < 1:
        raise ValueError(f"sizes must list at least one node a block; got {sizes.tolist()}.")
    if P.shape != (len(sizes), len(sizes)) or not np.array_equal(P, P.T):
        raise ValueError(f"probabilities must be a symmetric {len(sizes)} x {len(sizes)} matrix; got shape {P.shape}.")
    _check_probability("every entry of probabilities", P)
    _check_nodes(sizes.sum())
    _check_edges(float(sizes @ P @ sizes) / 2)
    rng = _numpy_generator(generator)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parts = []
    for a in range(len(sizes)):
        rows, cols = _er(sizes[a], P[a, a], rng)
        parts.append((rows + starts[a], cols + starts[a]))
        for b in np.flatnonzero(P[a, a + 1 :]) + a + 1:
            rows, cols = np.divmod(_successes(int(sizes[a]) * int(sizes[b]), P[a, b], rng), sizes[b])
            parts.append((rows + starts[a], cols + starts[b]))
    rows, cols = (np.concatenate(ends) for ends in zip(*parts, strict=True))
    return _graph(rows, cols, int(starts[-1]), f"Stochastic block graph, {len(sizes)} blocks, n = {starts[-1]}")


def clustered(clusters, size=30, p=0.5, links=1, model="er", *, generator):
    """`clusters` separate random graphs and about `links` edges a cluster to other clusters (thesis, section 3.7.1.1).

    Parameters
    ----------
    clusters : int
    size : int or (int, int)
        Nodes a cluster, or the range from which each cluster's is drawn uniformly.
    p : float
        Density inside a cluster: the edge probability of "er"; "ws" takes the nearest even ``k`` to ``p (size - 1)``
        and rewires a tenth, "ba" the nearest ``m`` to ``p (size - 1) / 2``.
    links : int
        Edges drawn from each cluster to a uniform node of another one; duplicates merge. The thesis says "a small
        number".
    model : {"er", "ws", "ba", "mixed"}
        "mixed" takes the three in turn.
    generator : torch.Generator

    Raises
    ------
    ValueError
        No cluster, a cluster of fewer than four nodes, negative links, p outside [0, 1] or an unknown model.

    >>> import torch
    >>> clustered(9, links=0, generator=torch.Generator().manual_seed(0)).components()[0]
    9
    """
    check_choice("model", model, ("er", "ws", "ba", "mixed"))
    _check_probability("p", p)
    low, high = (size, size) if np.isscalar(size) else size
    if not all(map(_whole, (clusters, low, high, links))) or clusters < 1 or low < 4 or high < low or links < 0:
        raise ValueError(
            f"clusters, size and links must be whole numbers, at least 1, 4 and 0; got {clusters}, {size} and {links}."
        )
    _check_edges(clusters * (p * high * (high - 1) / 2 + links))
    rng = _numpy_generator(generator)
    sizes = rng.integers(low, high, size=clusters, endpoint=True)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parts = []
    for c, (n, start) in enumerate(zip(sizes.tolist(), starts[:-1], strict=True)):
        rows, cols = _cluster(("er", "ws", "ba")[c % 3] if model == "mixed" else model, n, p, rng)
        parts.append((rows + start, cols + start))
    drawn = 0
    if clusters > 1 and links:
        home = np.repeat(np.arange(clusters), links)
        away = (home + rng.integers(1, clusters, size=len(home))) % clusters
        ends = np.stack([starts[c] + (rng.random(len(c)) * sizes[c]).astype(np.int64) for c in (home, away)])
        ends = np.unique(np.sort(ends, axis=0), axis=1)
        drawn = ends.shape[1]
        parts.append((ends[0], ends[1]))
    rows, cols = (np.concatenate(ends) for ends in zip(*parts, strict=True))
    title = (
        f"Clustered graph, {clusters} {model} clusters of {low if low == high else f'{low} to {high}'} nodes, p = {p:g}"
    )
    return _graph(rows, cols, int(starts[-1]), f"{title}, {drawn} edges between clusters")


def _cluster(model, n, p, rng):
    if model == "ws":
        return _ws(n, min(max(2, 2 * round(p * (n - 1) / 2)), n - 1 - n % 2), 0.1, rng)
    if model == "ba":
        return _ba(n, min(max(1, round(p * (n - 1) / 2)), n - 1), rng)
    return _er(n, p, rng)


def _er(n, p, rng):
    """Pairs of the lower triangle: number k is (i, j) with k = i (i - 1) / 2 + j, j < i."""
    k = _successes(int(n) * (int(n) - 1) // 2, p, rng)
    rows = ((1 + np.sqrt(1 + 8 * k.astype(np.float64))) / 2).astype(np.int64)
    rows -= rows * (rows - 1) // 2 > k  # the square root rounds
    rows += rows * (rows + 1) // 2 <= k
    return rows, k - rows * (rows - 1) // 2


def _ws(n, k, p, rng):
    from spectral_core.graphs.growth_kernels import rewire  # numba takes a second to import

    return np.repeat(np.arange(n, dtype=np.int32), k // 2), rewire(n, k // 2, float(p), rng).ravel()


def _ba(n, m, rng):
    from spectral_core.graphs.growth_kernels import attach  # numba takes a second to import

    return attach(n, m, rng)


def _successes(trials, p, rng):
    """The places of the successes among `trials` Bernoulli(p) trials, ascending, by geometric gaps."""
    if p == 0 or trials == 0:
        return np.empty(0, dtype=np.int64)
    places, last = [], -1
    while last < trials - 1:
        expected = (trials - last) * p
        gaps = rng.geometric(p, size=int(expected + 4 * np.sqrt(expected) + 10))
        places.append(last + np.cumsum(np.minimum(gaps, trials + 1)))
        last = places[-1][-1]
    places = np.concatenate(places)
    return places[: np.searchsorted(places, trials)]


def _graph(rows, cols, n, title):
    return Graph(symmetric_csr(rows, cols, None, n), None, (f"{title}, drawn at random.",), title)


def _numpy_generator(generator):
    """A NumPy generator from one 63-bit draw of the torch generator."""
    return np.random.default_rng(torch.randint(2**63 - 1, (1,), generator=generator).item())


def _whole(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _check_nodes(n):
    if not _whole(n) or not 2 <= n < 2**31:
        raise ValueError(f"a random graph needs a whole number of nodes, from 2 to 2^31 - 1; got n = {n}.")


def _check_edges(expected):
    if expected > MOST_EDGES:
        raise ValueError(
            f"this random graph would have about {expected:.1e} edges, and at most {MOST_EDGES:.0e} are drawn: ask for fewer "
            "nodes or a smaller density."
        )


def _check_probability(what, p):
    values = np.asarray(p)
    if values.dtype.kind not in "iuf" or not np.all((values >= 0) & (values <= 1)):
        raise ValueError(f"{what} must be a probability, from 0 to 1; got {values.tolist()}.")
