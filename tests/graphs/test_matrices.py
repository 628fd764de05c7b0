"""The matrices against networkx, their intervals, and ``A Q = Q diag(values)``, ``Q.T Q = I``."""

import networkx as nx
import numpy as np
import pytest
import torch

from spectral_core import graphs

MATRICES = {
    "adjacency": graphs.adjacency,
    "laplacian": graphs.laplacian,
    "normalised_laplacian": graphs.normalised_laplacian,
}


@pytest.mark.parametrize("name", MATRICES)
def test_interval_holds_the_spectrum(graph, name):
    operator = MATRICES[name](graph)
    values = np.linalg.eigvalsh(operator.matrix.toarray())
    low, high = operator.interval
    slack = 1e-12 * max(1.0, abs(high))
    assert low - slack <= values[0]
    assert values[-1] <= high + slack
    assert (operator.matrix != operator.matrix.T).nnz == 0
    assert operator.matrix.indices.dtype == np.int32


@pytest.mark.parametrize("name", MATRICES)
def test_product_is_that_of_the_matrix(graph, name):
    operator = MATRICES[name](graph)
    V = torch.randn(graph.n, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    np.testing.assert_allclose((operator @ V).numpy(), operator.matrix.toarray() @ V.numpy(), atol=1e-12)


def test_matrices_match_networkx(graph):
    twin = nx.from_scipy_sparse_array(graph.adjacency)
    if nx.number_of_selfloops(twin) == 0:
        np.testing.assert_allclose(
            graphs.normalised_laplacian(graph).matrix.toarray(),
            nx.normalized_laplacian_matrix(twin).toarray(),
            atol=1e-14,
        )
    np.testing.assert_allclose(
        graphs.laplacian(graph).matrix.toarray(), nx.laplacian_matrix(twin).toarray(), atol=1e-14
    )


@pytest.mark.parametrize(("name", "isolated"), [(name, 0.0) for name in MATRICES] + [("normalised_laplacian", 1.0)])
def test_component_eigenspace_identities(graph, name, isolated):
    build = {"isolated": isolated} if name == "normalised_laplacian" else {}
    A = MATRICES[name](graph, **build).matrix
    space = graphs.component_eigenspace(graph, name, isolated=isolated)
    Q = space.vectors
    np.testing.assert_allclose((Q.T @ Q).toarray(), np.eye(len(space.values)), atol=1e-14)
    np.testing.assert_allclose((A @ Q).toarray(), Q.toarray() * space.values, atol=1e-14)
    expected = np.sum(graph.degrees == 0) if name == "adjacency" else graph.components()[0]
    if name == "normalised_laplacian":
        twin = nx.from_scipy_sparse_array(graph.adjacency)
        parts = [twin.subgraph(part) for part in nx.connected_components(twin)]
        expected += sum(nx.is_bipartite(part) for part in parts if part.number_of_edges())
    assert Q.shape == (graph.n, expected)


def test_isolated_convention():
    graph = graphs.from_edges([0], [1], n=4)
    for isolated in (0.0, 1.0, 2.0):
        np.testing.assert_array_equal(
            graphs.normalised_laplacian(graph, isolated).matrix.diagonal(), [1, 1, isolated, isolated]
        )
    with pytest.raises(ValueError, match=r"\[0, 2\]"):
        graphs.normalised_laplacian(graph, 3.0)


def test_bounds_are_sharp_where_theory_says():
    star, ring = graphs.from_edges([0] * 9, range(1, 10)), graphs.from_edges(range(8), [*range(1, 8), 0])
    assert graphs.adjacency(star).interval[1] == pytest.approx(3.0)
    assert graphs.laplacian(star).interval[1] == 10.0
    assert graphs.adjacency(ring).interval[1] == 2.0
    assert graphs.laplacian(ring).interval[1] == 4.0


def test_unknown_matrix():
    with pytest.raises(ValueError, match="'laplacian'"):
        graphs.component_eigenspace(graphs.load("karate_club"), "hessian")
