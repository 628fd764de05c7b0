"""Comparing graphs: small identities, bad input, models told apart, and real graphs."""

import io
import pickle

import numpy as np
import pytest
import torch

from spectral_core import graphs
from spectral_core.graphs.comparison import Similarity
from spectral_core.graphs.matrices import normalised_laplacian
from spectral_core.polynomials import vandermonde
from tests.graphs.conftest import small_graphs

COAUTHORS = ("ca-AstroPh", "ca-CondMat", "ca-GrQc", "ca-HepPh", "ca-HepTh")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def two_of_each(n, seed=0):
    g = seeded(seed)
    makers = (
        lambda: graphs.erdos_renyi(n, 10 / n, generator=g),
        lambda: graphs.watts_strogatz(n, 10, 0.2, generator=g),
        lambda: graphs.barabasi_albert(n, 5, generator=g),
    )
    return [make() for make in makers for _ in range(2)]


@pytest.mark.parametrize("name", [name for name, one in small_graphs().items() if one.edges and one.n > 4])
def test_moments_are_those_of_the_whole_matrix(name):
    graph = small_graphs()[name]
    moments = graphs.comparable_moments(graph, degree=4, probes=400, generator=seeded())
    eigenvalues = np.linalg.eigvalsh(normalised_laplacian(graph).matrix.toarray())
    exact = vandermonde("chebyshev", 4, eigenvalues, (0, 2)).mean(axis=0)
    assert len(moments.atoms) == 0
    assert np.all(np.abs(moments.values - exact) <= 4 * moments.standard_error + 1e-12)


def test_matrices_are_symmetric_with_a_zero_diagonal_and_the_result_pickles():
    S = graphs.similarity(two_of_each(300), degree=20, generator=seeded())
    S = pickle.loads(pickle.dumps(S))
    assert isinstance(S, Similarity)
    for matrix in (S.divergence, S.standard_error, S.wasserstein, S.wasserstein_error):
        assert np.array_equal(matrix, matrix.T)
        assert not matrix.diagonal().any()
        assert (matrix[~np.eye(6, dtype=bool)] > 0).all()
    assert S.products == 6 * 10 * 10


def test_order_of_the_graphs_does_not_matter():
    few = two_of_each(300)[1:4]
    S = graphs.similarity(few, degree=20, generator=seeded())
    turned = graphs.similarity(few[::-1], degree=20, generator=seeded())
    np.testing.assert_allclose(S.divergence, turned.divergence[::-1, ::-1], atol=1e-12)


def test_like_graphs_come_beside_each_other():
    S = graphs.similarity(two_of_each(1000), degree=30, generator=seeded())
    order = S.order().tolist()
    assert all(abs(order.index(i) - order.index(i + 1)) == 1 for i in (0, 2, 4))
    assert S.nearest().tolist() == [1, 0, 3, 2, 5, 4]
    assert S.exceptions(["er", "er", "ws", "ws", "ba", "ba"]) == []
    assert {i for i, _, _ in S.exceptions(["x", "y", "x", "y", "z", "z"])} == {0, 1, 2, 3}


def test_two_draws_of_a_model_are_nearer_than_two_models_in_95_percent_of_pairs():
    drawn = [one for seed in range(5) for one in two_of_each(1000, seed)]
    kinds = np.tile([0, 0, 1, 1, 2, 2], 5)
    S = graphs.similarity(drawn, degree=30, generator=seeded())
    within = S.divergence[(kinds[:, None] == kinds) & np.triu(np.ones((30, 30), dtype=bool), 1)]
    between = S.divergence[kinds[:, None] < kinds]
    assert np.mean(within[:, None] < between) >= 0.95


def test_one_graph_the_same_twice_and_too_small_ones_get_their_sentence():
    a, b = two_of_each(50)[:2]
    with pytest.raises(ValueError, match="at least two graphs; got 1"):
        graphs.similarity([a], degree=10, generator=seeded())
    with pytest.raises(ValueError, match=r"graph 1 .* and graph 3 .* are the same"):
        graphs.similarity([a, b, a], degree=10, generator=seeded())
    with pytest.raises(ValueError, match="has 50 nodes, too few for 100 moments: ask for fewer"):
        graphs.similarity([a, b], generator=seeded())
    with pytest.raises(ValueError, match="no edge"):
        graphs.similarity([a, graphs.from_edges([], [], n=60)], degree=10, generator=seeded())


def test_moments_of_other_kinds_get_their_sentence():
    one = graphs.comparable_moments(two_of_each(100)[0], degree=8, probes=2, generator=seeded())
    with pytest.raises(ValueError, match="a name of its own"):
        graphs.similarity_of_moments([one, one], ["a", "a"])
    with pytest.raises(ValueError, match="a has 8 moments; 9 were asked"):
        graphs.similarity_of_moments([one, one], ["a", "b"], degree=9)
    with pytest.raises(ValueError, match="one interval and basis"):
        graphs.similarity_of_moments([one, one.converted("power")], ["a", "b"])


def test_lone_edges_alone_can_be_compared():
    lone = graphs.from_edges([0, 2, 4, 6, 8], [1, 3, 5, 7, 9])
    S = graphs.similarity([lone, two_of_each(50)[0]], degree=6, generator=seeded())
    assert S.divergence[0, 1] > 0.1
    assert S.converged


def test_real_graphs_keep_their_kinds_but_for_known_exceptions(data):
    names = (*COAUTHORS, "bio-CE-CX")
    read = [graphs.read_graph(data / "graphs" / f"{name}.txt.gz") for name in names]
    read.append(graphs.read_graph(data / "graphs" / "luxembourg_osm.mtx.gz"))
    S = graphs.similarity(read, generator=seeded())
    D = S.divergence
    assert S.converged
    assert D[:5, :5].max() < D[:5, 6].min()
    astro, relativity, worm = 0, 2, 5
    assert D[astro, worm] + 4 * S.standard_error[astro, worm] < D[astro, relativity]
    assert (astro, worm, relativity) in S.exceptions([*["ca"] * 5, "bio", "roads"])


@pytest.mark.parametrize(("degree", "ridge"), [(30, 2e-3), (40, 2e-3), (100, 2e-3), (40, 1e-3), (40, 5e-3)])
def test_the_authors_moments_fall_into_the_three_blocks_of_figure_3_4(degree, ridge, data):
    stored = graphs.read_moments(data / "graphs" / "author_moments.npz")[:11]
    S = graphs.similarity_of_moments(
        [one.moments for one in stored], [one.name for one in stored], degree=degree, ridge=ridge, support=(0.0, 2.0)
    )
    kinds = np.array([0] * 3 + [1] * 5 + [2] * 3)
    same = (kinds[:, None] == kinds) & ~np.eye(11, dtype=bool)
    assert S.converged
    assert S.divergence[same].max() < S.divergence[kinds[:, None] != kinds].min()
    assert np.isinf(S.standard_error[0, 1])  # nobody knows how the stored moments were sampled


def test_the_stored_coefficients_are_no_densities(data):
    stored = graphs.read_moments(data / "graphs" / "author_moments.npz")
    masses = {one.name: one.log10_mass() for one in stored}
    assert abs(masses["bio-human-gene1"]) < 0.01
    assert masses["ca-HepTh"] > 200
    D = graphs.stored_divergence(stored)
    assert np.array_equal(D, D.T)
    kinds = np.array([0] * 3 + [1] * 5 + [2] * 3)
    same = (kinds[:, None] == kinds) & ~np.eye(11, dtype=bool)
    assert D[:11, :11][same].max() < D[:11, :11][kinds[:, None] != kinds].min()


def stored(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no zip", "holds an array mu_NAME"),
        (stored(x=np.zeros(3)), "has none"),
        (stored(mu_a=np.array([1.0, np.nan, 0.0])), "mu_a must be a list of finite numbers"),
        (stored(mu_a=np.ones((2, 2))), "one-dimensional"),
        (stored(mu_a=np.array(["x"])), "finite numbers"),
        (stored(mu_a=np.array([{}], dtype=object)), "holds other things"),
        (stored(mu_a=np.array([2.0, 0.1, 0.2])), "the first must be 1"),
        (stored(mu_a=np.array([1.0, 0.1])), "from 3 to 2000 moments"),
        (stored(mu_a=np.zeros(10_000_000)), "64 MiB"),
    ],
)
def test_bad_files_of_moments(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        graphs.read_moments(content)


def test_missing_coefficients_get_their_sentence():
    read = graphs.read_moments(stored(mu_a=[1.0, 0.1, 0.2], alpha_a=[0.0], mu_b=[1.0, 0.1, 0.2]))
    with pytest.raises(ValueError, match="alpha_b"):
        graphs.stored_divergence(read)
