"""Graphs from networkx graphs and from matrices."""

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import sparse

from spectral_core import graphs


@pytest.mark.parametrize(
    "make", [nx.karate_club_graph, nx.les_miserables_graph, lambda: nx.path_graph(["a", "b", "c"])]
)
def test_networkx_graphs_keep_edges_weights_and_names(make):
    given = make()
    graph = graphs.as_graph(given)
    np.testing.assert_array_equal(graph.adjacency.toarray(), nx.to_numpy_array(given))
    assert list(graph.nodes) == list(given)


def test_directed_networkx_graphs_are_read_as_undirected_and_say_so():
    graph = graphs.as_graph(nx.DiGraph([(0, 1), (1, 2), (2, 1)]))
    assert graph.edges == 2
    assert any("one direction only" in note for note in graph.notes)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.coo_matrix])
def test_matrices(form):
    A = np.array([[0, 2, 0], [2, 0, 0.5], [0, 0.5, 0]])
    np.testing.assert_array_equal(graphs.as_graph(form(A)).adjacency.toarray(), A)


def test_a_graph_is_left_alone_and_other_things_get_their_sentence():
    graph = graphs.load("karate_club")
    assert graphs.as_graph(graph) is graph
    with pytest.raises(ValueError, match="of type str: use read_graph for a file"):
        graphs.as_graph("edges.txt")
    with pytest.raises(ValueError, match=r"square; got shape \(2, 3\)"):
        graphs.as_graph(np.ones((2, 3)))
    with pytest.raises(ValueError, match="not be negative"):
        graphs.as_graph(np.array([[0.0, -1.0], [-1.0, 0.0]]))


def test_what_people_have_can_be_given_to_every_estimator():
    club, g = nx.karate_club_graph(), torch.Generator().manual_seed(0)
    for edge in club.edges:
        club.edges[edge]["weight"] = 1
    assert graphs.cluster_count(club, generator=g, degree=20).components == 1
    assert graphs.membership(club, 2, generator=g).count == 2
    assert graphs.spectrum(club, generator=g, steps=5, probes=2, degree=10).products > 0
    pair = [club, nx.to_scipy_sparse_array(nx.barbell_graph(20, 2))]
    assert graphs.similarity(pair, generator=g, degree=10).divergence[0, 1] > 0
    assert graphs.fit_models(club, "er", generator=g, degree=8, repeats=2).fits[0].model == "er"
    assert graphs.edge_influence(nx.Graph([(0, 1), (2, 3)]), 1, 2).shift[1] == pytest.approx(0.5)


@pytest.mark.parametrize("options", [{"probes": 2.5}, {"degree": 20.5}, {"generator": 0}])
def test_numbers_that_are_no_whole_numbers_get_a_sentence(options):
    options = {"generator": torch.Generator()} | options
    with pytest.raises(ValueError, match=r"whole number|torch\.Generator"):
        graphs.cluster_count(graphs.load("digits"), **options)
