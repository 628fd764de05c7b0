"""Which cluster each node belongs to: the low eigenvectors by filtered subspace iteration, assigned by pivoted QR."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import qr

from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.matrices import component_eigenspace, normalised_laplacian
from spectral_core.operators import CountingOperator, DeflatedOperator
from spectral_core.probes import draw_probes

__all__ = ["Membership", "membership", "membership_steps"]

ROUNDS = 30  # of filtering, at most
ACCURACY = 0.01  # residual over gap: the sine of the angle between the computed space and the true one


@dataclass(frozen=True, eq=False)
class Membership:
    """A partition of the nodes into clusters.

    Attributes
    ----------
    labels : (n,) int64 array
        From 0, the largest cluster, on; -1 for isolated nodes that are no component (an eigenvalue other than 0).
    count, components : int
        Clusters asked for; connected components, each of which is one cluster or more.
    residual : float
        ``max_i ||L v_i - theta_i v_i||_2`` of the eigenvectors used; 0 where the components alone decide.
    cut_share : float
        Share of the edges' weight that joins different clusters.
    products : int
    stopped : str
    """

    labels: np.ndarray
    count: int
    components: int
    residual: float
    cut_share: float
    products: int
    stopped: str


def membership_steps(
    graph, count, *, generator, isolated=0.0, degree=None, dtype=torch.float64, device="cpu", most=2e8
):
    """Yield ``(fraction, None)`` after every block product, then ``(1.0, Membership)``.

    With V the `count` lowest eigenvectors of the normalised Laplacian, its rows scaled to length 1, P the first `count`
    pivots of a QR factorisation of ``V.T`` with column pivoting, and U the polar factor of ``V[P].T``, node i belongs
    to cluster ``argmax_j |(V U)_ij|``. The components' eigenvectors are known; the others come from a block, some
    columns larger, that is filtered by a Chebyshev polynomial, orthonormalised and rotated to its Ritz vectors, until
    the largest residual is a hundredth of the gap above the wanted values, or rounding. As many clusters as components
    need no product.

    Parameters
    ----------
    graph : Graph
    count : int
        Number of clusters, such as `cluster_count` finds.
    generator : torch.Generator
    isolated : float
        Eigenvalue of an isolated node.
    degree : int, optional
        Of the filter; by default from 10 to 100, as the Ritz values ask for.
    most : float
        The largest ``n * count`` accepted; some 30 bytes each are needed in float64.

    Raises
    ------
    ValueError
        `count` below the number of components, above n less the eigenvalues known to be 2, or too large for `most`; a
        graph without edges.

    Notes
    -----
    Cost: the number of columns times the degree times the rounds, counted in `products`. In graphs of more than
    ``40 k log k`` nodes, k = `count`, the pivots are sought among half as many, drawn with probability proportional to
    the squared length of their rows in V: these sum to 1 in each cluster, so that none is missed but with probability
    ``k^-19``. Sources: Ng, Jordan & Weiss 2001 (rows of length 1); Damle, Minden & Ying 2018 (pivoted QR, and the drawing
    of candidates for it); Zhou, Saad, Tiago & Chelikowsky 2006 (Chebyshev-filtered subspace iteration).

    >>> from spectral_core.graphs import from_edges
    >>> triangles = from_edges([0, 1, 2, 3, 4, 5, 2], [1, 2, 0, 4, 5, 3, 3])
    >>> *_, (_, found) = membership_steps(triangles, 2, generator=torch.Generator().manual_seed(0))
    >>> len(set(found.labels[:3])), len(set(found.labels[3:])), round(found.cut_share, 3)
    (1, 1, 0.143)
    """
    graph = as_graph(graph)
    known = component_eigenspace(graph, isolated=isolated)
    zero = known.values == 0
    null = known.vectors[:, zero]
    components = int(zero.sum())
    most_clusters = graph.n - len(known.values) + components  # what is known above 0 takes no part
    _check(graph, count, components, most_clusters, most)
    if count == components:
        labels = np.asarray(null.argmax(axis=1)).ravel()
        labels[abs(null).sum(axis=1) == 0] = -1
        yield 1.0, _membership(graph, labels, count, components, 0.0, 0, "each component is one cluster")
        return
    L = normalised_laplacian(graph, isolated)
    L = L.to(dtype=dtype, device=device)
    wanted = count - components
    spare = max(8, wanted // 5)
    V = draw_probes(
        graph.n, min(wanted + spare, graph.n - len(known.values)), generator=generator, dtype=dtype, device=L.device
    )
    L = CountingOperator(L)
    A = DeflatedOperator(L, known, destination=2.0)  # 2 is never amplified
    eps = torch.finfo(dtype).eps
    first, done, residual = None, 0.0, np.inf
    for turn in range(ROUNDS + 1):
        V = torch.linalg.qr(A.project_(V)).Q
        AV = A @ V
        yield done, None
        values, rotation = np.linalg.eigh((V.T @ AV).double().cpu().numpy())
        rotation = torch.as_tensor(rotation, dtype=dtype, device=V.device)
        V, AV = V @ rotation, AV @ rotation
        theta = torch.as_tensor(values, dtype=dtype, device=V.device)
        residual = float(torch.linalg.vector_norm(AV - theta * V, dim=0)[:wanted].max())
        gap = values[wanted] - values[wanted - 1] if wanted < len(values) else 2.0
        rounding = 100 * eps * np.sqrt(len(values))
        goal = max(ACCURACY * gap, rounding)
        if residual <= goal:
            stopped = f"residual below {goal:.1e}, " + ("rounding" if goal == rounding else "a hundredth of the gap")
            break
        if turn == ROUNDS:
            stopped = f"residual {residual:.1e} after {ROUNDS} rounds, with a gap of {gap:.1e}: not converged"
            break
        first = first or residual
        done = max(done, min(0.95, np.log(first / residual) / np.log(first / goal)))
        cut = min(values[-1], 1.9)
        order = degree or _degree(values[0], values[wanted - 1], cut, eps)
        for filtered in _filtered(A, V, order, cut):
            yield done, None
        V = filtered
    vectors = np.hstack([null.toarray(), V[:, :wanted].double().cpu().numpy()])
    if isolated > 0:
        vectors[graph.degrees == 0] = 0.0  # but for rounding
    labels = _assigned(vectors, generator)
    yield 1.0, _membership(graph, labels, count, components, residual, L.products, stopped)


def membership(graph, count, **options):
    """The `Membership` that `membership_steps`, whose options it takes, ends with.

    >>> from spectral_core.graphs import from_edges
    >>> membership(from_edges([0, 2], [1, 3]), 2, generator=torch.Generator()).labels
    array([0, 0, 1, 1])
    """
    *_, (_, result) = membership_steps(graph, count, **options)
    return result


def _check(graph, count, components, most_clusters, most):
    n = graph.n
    if graph.edges == 0:
        raise ValueError("the graph has no edge, so no node belongs with another: choose a graph with edges.")
    if not 1 <= count <= most_clusters:
        raise ValueError(
            f"the number of clusters must be from 1 to {most_clusters:,}, for this graph of {n:,} nodes; got {count:,}."
        )
    if count < components:
        raise ValueError(
            f"the graph has {components:,} connected components, each of which is a cluster at least; got {count:,}: "
            "ask for as many or more, or take the largest component alone."
        )
    if count > components and n * count > most:
        raise ValueError(
            f"{count:,} eigenvectors of {n:,} nodes are {n * count:.1e} numbers, above the {most:.1e} allowed: ask for "
            "fewer clusters, or give most= where there is memory for some 30 bytes each."
        )


def _degree(lowest, last, cut, eps):
    """From 10 to 100, to damp by 1e4 what lies above the cut, less where the lowest would grow past rounding."""
    low, high = (float(np.arccosh(max(1.0 + 1e-6, _mapped(x, cut)))) for x in (last, lowest))
    most = min(100.0, -np.log(eps) / 1.5 / high)
    return int(max(2.0, min(most, max(10.0, np.log(2e4) / low))))


def _mapped(x, cut):
    """``[cut, 2]`` to ``[1, -1]``."""
    return (2.0 + cut - 2.0 * x) / (2.0 - cut)


def _filtered(A, V, order, cut):
    """Yield ``T_j(t(A)) V`` for j = 1, ..., order, where t maps [cut, 2] to [1, -1]. V is overwritten."""
    scale, shift = -2.0 / (2.0 - cut), (2.0 + cut) / (2.0 - cut)
    previous, current = V, A.recurrence_(V, torch.zeros_like(V), scale, shift)
    yield current
    for _ in range(order - 1):
        previous, current = current, A.recurrence_(current, previous, 2.0 * scale, 2.0 * shift)
        yield current


def _assigned(vectors, generator):
    """Labels from orthonormal eigenvectors, (n, k)."""
    n, k = vectors.shape
    lengths = np.linalg.norm(vectors, axis=1)
    inside = np.flatnonzero(lengths > 0)
    rows = vectors[inside] / lengths[inside, None]
    candidates = np.arange(len(rows))
    sample = int(20 * k * np.log(k)) + 1
    if len(rows) > 2 * sample:
        # Gumbel's trick: the largest of log p + noise are a draw without replacement, each with its probability
        uniform = torch.rand(len(rows), generator=generator, dtype=torch.float64).numpy()
        noise = -np.log(-np.log(np.clip(uniform, 1e-300, 1 - 1e-16)))
        candidates = np.argpartition(-(2 * np.log(lengths[inside]) + noise), sample)[:sample]
    pivots = qr(rows[candidates].T, mode="r", pivoting=True)[1][:k]
    left, _, right = np.linalg.svd(rows[candidates[pivots]].T)
    labels = np.full(n, -1)
    labels[inside] = np.abs(rows @ (left @ right)).argmax(axis=1)
    return labels


def _membership(graph, labels, count, components, residual, products, stopped):
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    labels = np.where(labels < 0, -1, rank[labels])
    labels.setflags(write=False)
    A = graph.adjacency.tocoo()
    between = labels[A.row] != labels[A.col]
    share = float(A.data[between].sum() / A.data.sum())
    return Membership(labels, count, components, residual, share, products, stopped)
