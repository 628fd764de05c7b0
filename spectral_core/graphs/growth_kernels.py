"""The sequential loops of the growing and rewired graph models; importing this module imports numba."""

import numba
import numpy as np

__all__ = ["attach", "rewire"]


@numba.njit(nogil=True, cache=True)
def attach(n, m, rng):
    """Edges of a Barabasi-Albert graph: a star of m + 1 nodes, then m distinct targets a node, drawn by degree."""
    edges = m * (n - m)
    rows, cols = np.empty(edges, np.int32), np.empty(edges, np.int32)
    ends = np.empty(2 * edges, np.int32)  # every node as often as its degree
    for e in range(m):
        rows[e], cols[e] = 0, e + 1
        ends[2 * e], ends[2 * e + 1] = 0, e + 1
    e = m
    for node in range(m + 1, n):
        first, drawn_from = e, 2 * e
        while e < first + m:
            target = ends[int(rng.random() * drawn_from)]
            fresh = True
            for seen in range(first, e):
                if cols[seen] == target:
                    fresh = False
                    break
            if fresh:
                rows[e], cols[e] = node, target
                e += 1
        for new in range(first, e):
            ends[2 * new], ends[2 * new + 1] = rows[new], cols[new]
    return rows, cols


@numba.njit(nogil=True, cache=True)
def rewire(n, half, p, rng):
    """Edges (u, slots[u, j]) of a Watts-Strogatz graph: ring edge (u, u + j + 1) moved to a free end, j first."""
    slots = np.empty((n, half), np.int32)
    degrees = np.full(n, 2 * half, np.int32)
    for u in range(n):
        for j in range(half):
            slots[u, j] = (u + j + 1) % n
    for j in range(half):
        for u in range(n):
            if rng.random() >= p or degrees[u] >= n - 1:
                continue
            joined = True
            w = u
            while joined:
                w = int(rng.random() * n)
                joined = w == u
                for i in range(half):
                    joined = joined or slots[u, i] == w or slots[w, i] == u
            degrees[slots[u, j]] -= 1
            degrees[w] += 1
            slots[u, j] = w
    return slots
