"""The adjacency matrix: symmetry, merging, weights in two directions, labels, components."""

import networkx as nx
import numpy as np
import pytest

from spectral_core.graphs import from_edges


def dense(graph):
    return graph.adjacency.toarray()


def test_symmetric_sorted_and_compact(graph):
    A = graph.adjacency
    assert (A != A.T).nnz == 0
    assert A.dtype == np.float64
    assert A.indices.dtype == np.int32
    assert A.has_canonical_format
    assert (A.data > 0).all()


def test_components_and_degrees_match_networkx(graph):
    twin = nx.from_scipy_sparse_array(graph.adjacency)
    assert graph.components()[0] == nx.number_connected_components(twin)
    assert graph.edges == twin.number_of_edges()
    np.testing.assert_allclose(graph.degrees, dense(graph).sum(1))


@pytest.mark.parametrize(
    ("directed", "expected"),
    [
        ("union", [[0, 3, 5], [3, 0, 4], [5, 4, 0]]),
        ("reciprocal", [[0, 3, 0], [3, 0, 1], [0, 1, 0]]),
        ("undirected", [[0, 6, 5], [6, 0, 5], [5, 5, 0]]),
    ],
)
def test_weights_in_two_directions(directed, expected):
    rows, cols, weights = [0, 0, 1, 1, 2, 0], [1, 1, 0, 2, 1, 2], [1, 2, 3, 4, 1, 5]
    graph = from_edges(rows, cols, weights, n=3, directed=directed)
    np.testing.assert_array_equal(dense(graph), expected)
    merged = 1 if directed != "undirected" else 3
    assert graph.notes[0].startswith(f"Merged {merged} duplicate row")
    assert "summed" in graph.notes[0]


def test_unweighted_duplicates_are_one_edge():
    graph = from_edges([0, 0, 1], [1, 1, 0])
    np.testing.assert_array_equal(dense(graph), [[0, 1], [1, 0]])
    assert graph.notes == (
        "Merged 1 duplicate row.",
        "Every edge is listed in both directions, which is one edge: 1 edges.",
    )


def test_notes_count_what_was_symmetrised():
    union = from_edges([0, 1, 1], [1, 0, 2])
    assert union.notes == (
        "Symmetrised: 1 of 2 edges are listed in one direction only and were kept as undirected edges (union).",
    )
    reciprocal = from_edges([0, 1, 1], [1, 0, 2], directed="reciprocal")
    assert (reciprocal.n, reciprocal.edges) == (3, 1)
    assert "1 of 2 edges" in reciprocal.notes[0]
    assert "dropped" in reciprocal.notes[0]


def test_unequal_weights_are_told():
    graph = from_edges([0, 1, 1, 2, 2], [1, 0, 2, 1, 3], [1, 2, 3, 3, 9])
    assert "1 edges have different weights in their two directions: the larger one was kept." in graph.notes


def test_self_loops_and_zero_weights():
    dropped = from_edges([0, 1, 1], [0, 1, 2])
    assert (dropped.n, dropped.edges) == (3, 1)
    assert dropped.notes[0] == "Dropped 2 self-loops."
    kept = from_edges([0, 1, 1], [0, 1, 2], self_loops="keep")
    assert kept.edges == 3
    np.testing.assert_array_equal(kept.adjacency.diagonal(), [1, 1, 0])
    zero = from_edges([0, 1], [1, 2], [0.0, 2.0])
    assert (zero.n, zero.edges) == (3, 1)
    assert zero.notes[0] == "Dropped 1 edge of weight 0."


@pytest.mark.parametrize(
    ("rows", "cols", "labels"),
    [
        ([0, 1], [1, 2], None),
        ([1, 2], [2, 3], [1, 2, 3]),
        ([10, -5], [-5, 3], [-5, 3, 10]),
        ([2**62, 5], [5, 9], [5, 9, 2**62]),
        (["b", "a"], ["a", "c"], ["b", "a", "c"]),
    ],
)
def test_labels(rows, cols, labels):
    graph = from_edges(np.array(rows), np.array(cols))
    assert graph.nodes is None if labels is None else graph.nodes.tolist() == labels
    assert graph.edges == 2
    where = {label: i for i, label in enumerate(labels or range(3))}
    assert all(graph.adjacency[where[u], where[v]] == 1 for u, v in zip(rows, cols, strict=True))


def test_content_hash_is_of_the_matrix_alone():
    one = from_edges([0, 1], [1, 2], name="one")
    same = from_edges(["x", "y"], ["y", "z"], name="same")
    assert one.content_hash == same.content_hash
    assert one.content_hash != from_edges([0, 1], [1, 2], n=4).content_hash
    assert one.content_hash != from_edges([0, 1], [1, 2], [1.0, 2.0]).content_hash


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(rows=[0], cols=[1], weights=[np.nan]), "be numbers"),
        (dict(rows=[0], cols=[1], weights=[np.inf]), "be finite"),
        (dict(rows=[0], cols=[1], weights=[-1.0]), "not be negative"),
        (dict(rows=[0], cols=[5], n=3), "0, ..., 2"),
        (dict(rows=[0], cols=[1], directed="both"), "'union'"),
        (dict(rows=[0], cols=[1, 2]), "equally long"),
        (dict(rows=[], cols=[]), "give n="),
    ],
)
def test_errors(arguments, said):
    with pytest.raises(ValueError, match=said):
        from_edges(**arguments)
