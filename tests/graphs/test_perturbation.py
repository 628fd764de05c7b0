"""An edge between two clusters: the truth against closed forms, which bounds hold, and where the thesis's do not."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_core import graphs
from spectral_core.graphs import perturbation


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def two_stars(leaves):
    """Centres 0 and leaves + 1."""
    k = leaves
    return graphs.from_edges([0] * k + [k + 1] * k, [*range(1, k + 1), *range(k + 2, 2 * k + 2)])


def test_two_lone_edges_become_a_path():
    """The path of four has the eigenvalues 0, 1/2, 3/2, 2; the printed bound is |1 + 1 - 2| = 0 there: no bound."""
    result = graphs.edge_influence(graphs.from_edges([0, 2], [1, 3]), 1, 2)
    assert_allclose(result.eigenvalues, [[0, 0, 2, 2], [0, 0.5, 1.5, 2]], atol=1e-14)
    assert_allclose([result.shift[1], result.largest_shift[1]], 0.5)
    assert result.thesis[1] == 0.0
    assert result.corrected[1] == 1.0  # |1/2 + 1/2 - 2|
    assert_allclose(result.rayleigh[1], 2 / 3)  # w = 1, each volume 3
    assert result.weyl[1] >= 0.5


def test_two_stars_refute_the_corrected_expression_too():
    """Four leaves: S / sqrt d = 2, so that 2 / 8 + 2 / 8 - 2 / 4 = 0, where the eigenvalue moves by 1/5."""
    result = graphs.edge_influence(two_stars(4), 0, 5)
    assert_allclose(result.corrected[1], 0.0, atol=1e-15)
    assert_allclose(result.shift[1], 0.2)
    assert_allclose(result.thesis[1], 3.5)
    assert result.shift[1] <= min(result.weyl[1], result.rayleigh[1])


@pytest.mark.parametrize("d", [4, 10, 30])
def test_regular_clusters(d):
    """Printed 2 - 2/d, corrected 1/d; the norm is 1/d to first order, below it."""
    graph, links = graphs.two_clusters(100, degree=d, edges=1, generator=seeded())
    result = graphs.linked_clusters(graph, links)
    assert_allclose(result.thesis[1], 2 - 2 / d)
    assert_allclose(result.corrected[1], 1 / d)
    assert_allclose(result.corollary[1], 1 / d)
    assert 1 / d - 1 / d**2 < result.weyl[1] < 1 / d
    assert result.largest_shift[1] <= result.weyl[1]


@pytest.mark.parametrize("options", [{"p": 0.3}, {"p": 0.05}, {"degree": 6}])
def test_true_bounds_hold_for_any_number_of_edges(options):
    for seed in range(4):
        graph, links = graphs.two_clusters(60, **options, edges=40, generator=seeded(seed))
        result = graphs.linked_clusters(graph, links)
        assert_allclose(result.edges, np.arange(41))
        rounding = 1e-12
        assert (result.shift <= result.rayleigh + rounding).all()
        assert (result.largest_shift <= result.weyl + rounding).all()
        assert (result.shift <= result.largest_shift + rounding).all()
        assert result.shift[0] == result.rayleigh[0] == result.weyl[0] == 0.0
        assert (result.rayleigh[1:4] < 0.1 * result.thesis[1:4]).all()


def test_the_expansion_of_the_proof():
    """1/sqrt d - 1/sqrt(d + 1) = 1/(2 d sqrt d) within 3/8 d^-5/2: what is lost in 3.13 is a factor 2 d."""
    d = np.array([4.0, 16.0, 100.0])
    left = 1 / np.sqrt(d) - 1 / np.sqrt(d + 1)
    assert (np.abs(left - 1 / (2 * d * np.sqrt(d))) <= 3 / 8 * d**-2.5).all()


def test_the_norm_is_that_of_the_dense_difference(monkeypatch):
    graph, links = graphs.two_clusters(40, p=0.2, edges=5, generator=seeded(2))
    after = graph.adjacency.tolil()
    for u, v in links:
        after[u, v] = after[v, u] = 1.0
    first = graphs.normalised_laplacian(graph).matrix.toarray()
    last = graphs.normalised_laplacian(graphs.Graph(after.tocsr())).matrix.toarray()
    norm = np.linalg.norm(last - first, 2)
    assert_allclose(graphs.linked_clusters(graph, links).weyl[-1], norm, rtol=1e-12)
    monkeypatch.setattr(perturbation, "SUPPORT", 3)
    assert_allclose(graphs.linked_clusters(graph, links).weyl[-1], norm, rtol=1e-9)


def test_large_clusters_by_lanczos(monkeypatch):
    graph, links = graphs.two_clusters(120, p=0.2, edges=6, generator=seeded(3))
    dense = graphs.linked_clusters(graph, links)
    monkeypatch.setattr(perturbation, "DENSE", 10)
    lanczos = graphs.linked_clusters(graph, links)
    assert_allclose(lanczos.shift, dense.shift, rtol=1e-6)
    assert lanczos.eigenvalues.shape == (7, 2)
    assert np.isnan(lanczos.largest_shift).all()


def test_many_edges_are_thinned_with_nothing_lost():
    graph, links = graphs.two_clusters(30, p=0.5, edges=100, generator=seeded(4))
    thin, all_of_them = (graphs.linked_clusters(graph, links, points=points) for points in (10, 100))
    assert len(thin.edges) == 11
    assert thin.edges[-1] == 100
    for name in ("thesis", "corrected", "weyl", "rayleigh", "shift"):
        assert_allclose(getattr(thin, name), getattr(all_of_them, name)[thin.edges.astype(int)], atol=1e-13)


def test_weights_count():
    """Two edges of weight 1 side by side are one of weight 2."""
    lone = graphs.from_edges([0, 2], [1, 3])
    heavy = graphs.linked_clusters(lone, [(1, 2)], [2.0])
    exact = np.linalg.eigvalsh(
        graphs.normalised_laplacian(graphs.from_edges([0, 1, 2], [1, 2, 3], [1, 2, 1])).matrix.toarray()
    )
    assert_allclose(heavy.eigenvalues[1], exact, atol=1e-14)
    assert_allclose(heavy.rayleigh[1], 2 * 2 / 4)


def test_the_digits_are_cut_and_joined_by_their_own_edges():
    digits = graphs.load("digits")
    found = graphs.membership(digits, 11, generator=seeded())
    graph, links, weights = graphs.split_in_two(digits, found.labels, generator=seeded())
    assert graph.components()[0] == 2
    assert (weights == 1).all()
    for u, v in links:
        a, b = (graph.nodes[i] for i in (u, v))
        assert digits.adjacency[a, b] == 1
    inside = digits.adjacency[graph.nodes][:, graph.nodes].sum() / 2
    assert graph.edges + len(links) == inside


def test_one_generator_one_result():
    graph, links = graphs.two_clusters(50, p=0.1, edges=9, generator=seeded(1))
    again, same = graphs.two_clusters(50, p=0.1, edges=9, generator=seeded(1))
    assert graph.content_hash == again.content_hash
    assert (links == same).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: graphs.edge_influence(graphs.from_edges([0, 1], [1, 2]), 0, 2), "lie in one"),
        (lambda: graphs.edge_influence(graphs.from_edges([0, 2], [1, 3]), 0, 4), "nodes are 0, ..., 3"),
        (lambda: graphs.edge_influence(graphs.from_edges([0], [1], n=3), 0, 2), "with an edge each"),
        (lambda: graphs.linked_clusters(graphs.load("karate_club"), [(0, 1)]), "two components"),
        (lambda: graphs.linked_clusters(graphs.from_edges([0, 2], [1, 3]), [(0, 1)]), "join a node of one"),
        (lambda: graphs.linked_clusters(graphs.from_edges([0, 2], [1, 3]), [(0, 2), (2, 0)]), "given twice"),
        (lambda: graphs.two_clusters(10, edges=1, generator=seeded()), "either p= or degree="),
        (lambda: graphs.two_clusters(10, p=0.0, edges=1, generator=seeded()), "larger p"),
        (
            lambda: graphs.split_in_two(graphs.from_edges([0], [1], n=3), np.array([0, 0, 1]), generator=seeded()),
            "no edge joins two of the clusters",
        ),
    ],
)
def test_refusals(call, said):
    with pytest.raises(ValueError, match=said):
        call()
