"""Random graphs: exact counts, means within four standard errors, and the distributions of networkx."""

import networkx as nx
import numpy as np
import pytest
import torch

from spectral_core import graphs

MODELS = {
    "er": lambda g: graphs.erdos_renyi(200, 0.05, generator=g),
    "ws": lambda g: graphs.watts_strogatz(200, 6, 0.3, generator=g),
    "ba": lambda g: graphs.barabasi_albert(200, 4, generator=g),
    "blocks": lambda g: graphs.stochastic_blocks([50, 70], [[0.2, 0.01], [0.01, 0.3]], generator=g),
    "clustered": lambda g: graphs.clustered(6, size=(20, 30), model="mixed", generator=g),
}


@pytest.mark.parametrize("model", MODELS)
def test_simple_graph_reproducible_from_its_generator(model):
    one, same, other = (MODELS[model](torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    A = one.adjacency
    assert (A != A.T).nnz == 0
    assert A.diagonal().sum() == 0
    assert set(A.data) == {1.0}
    assert one.content_hash == same.content_hash != other.content_hash
    assert len(one.notes) == 1
    assert one.notes[0].startswith(one.name)


def test_generator_advances(generator):
    one, two = (graphs.erdos_renyi(50, 0.2, generator=generator) for _ in range(2))
    assert one.content_hash != two.content_hash


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.05, 0.5, 0.97, 1.0])
def test_erdos_renyi_pairs_are_uniform(p, generator):
    n, draws = 40, 60
    total = sum(graphs.erdos_renyi(n, p, generator=generator).adjacency.toarray() for _ in range(draws))
    pairs = total[np.triu_indices(n, 1)]
    error = np.sqrt(p * (1 - p) / draws)
    assert abs(pairs.mean() / draws - p) <= 4 * error / np.sqrt(len(pairs))
    if 0 < p < 1:
        assert pairs.var() == pytest.approx(draws * p * (1 - p), rel=0.25)


def test_triangular_numbering_is_exact():
    from spectral_core.graphs.generators import _er

    rows, cols = _er(300, 1.0, np.random.default_rng(0))
    assert [*zip(rows.tolist(), cols.tolist(), strict=True)] == [(i, j) for i in range(300) for j in range(i)]


@pytest.mark.parametrize("p", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(("n", "k"), [(3, 2), (30, 4), (7, 6), (100, 10)])
def test_watts_strogatz_keeps_the_number_of_edges(n, k, p, generator):
    graph = graphs.watts_strogatz(n, k, p, generator=generator)
    assert graph.edges == n * k // 2
    assert graph.degrees.min() >= k // 2
    if p == 0:
        twin = nx.watts_strogatz_graph(n, k, 0)
        np.testing.assert_array_equal(graph.adjacency.toarray(), nx.to_numpy_array(twin, nodelist=range(n)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda g: graphs.watts_strogatz(60, 6, 0.25, generator=g),
            lambda seed: nx.watts_strogatz_graph(60, 6, 0.25, seed=seed),
        ),
        (lambda g: graphs.barabasi_albert(60, 3, generator=g), lambda seed: nx.barabasi_albert_graph(60, 3, seed=seed)),
    ],
    ids=["ws", "ba"],
)
def test_distribution_is_that_of_networkx(ours, theirs, generator):
    def statistics(graph):
        degrees = np.array([degree for _, degree in graph.degree()])
        return [np.mean(degrees**2), degrees.max(), sum(nx.triangles(graph).values()) / 3]

    mine = np.array([statistics(nx.from_scipy_sparse_array(ours(generator).adjacency)) for _ in range(150)])
    other = np.array([statistics(theirs(seed)) for seed in range(150)])
    error = np.sqrt((mine.var(0) + other.var(0)) / 150)
    assert (np.abs(mine.mean(0) - other.mean(0)) <= 4 * error).all()


@pytest.mark.parametrize(("n", "m"), [(2, 1), (10, 9), (500, 1), (500, 7)])
def test_barabasi_albert_joins_m_distinct_nodes(n, m, generator):
    graph = graphs.barabasi_albert(n, m, generator=generator)
    assert graph.edges == m * (n - m)
    assert graph.components()[0] == 1
    assert graph.degrees[m + 1 :].min(initial=m) >= m


def test_blocks_have_their_densities(generator):
    P = np.array([[0.3, 0.02, 0.0], [0.02, 0.1, 0.5], [0.0, 0.5, 1.0]])
    sizes = [60, 100, 40]
    A = graphs.stochastic_blocks(sizes, P, generator=generator).adjacency.toarray()
    ends = np.cumsum([0, *sizes])
    for a in range(3):
        for b in range(a, 3):
            block = A[ends[a] : ends[a + 1], ends[b] : ends[b + 1]]
            pairs = sizes[a] * (sizes[a] - 1) / 2 if a == b else sizes[a] * sizes[b]
            count = block.sum() / (1 + (a == b))
            assert abs(count - pairs * P[a, b]) <= 4 * np.sqrt(pairs * P[a, b] * (1 - P[a, b]))


@pytest.mark.parametrize("model", ["er", "ws", "ba", "mixed"])
def test_clusters_are_separate_without_links(model, generator):
    apart = graphs.clustered(12, links=0, model=model, generator=generator)
    assert (apart.n, apart.components()[0]) == (360, 12)
    joined = graphs.clustered(12, links=2, model=model, generator=generator)
    _, _labels = apart.components()
    between = joined.adjacency.tocoo()
    crossing = np.sum(between.row // 30 != between.col // 30) / 2
    assert 0 < crossing <= 24
    assert f"{int(crossing)} edges between clusters" in joined.name


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda g: graphs.erdos_renyi(1, 0.5, generator=g), "from 2"),
        (lambda g: graphs.erdos_renyi(9, 1.5, generator=g), "probability"),
        (lambda g: graphs.erdos_renyi(9, float("nan"), generator=g), "probability"),
        (lambda g: graphs.watts_strogatz(9, 3, 0.1, generator=g), "even k"),
        (lambda g: graphs.watts_strogatz(9, 10, 0.1, generator=g), "even k"),
        (lambda g: graphs.barabasi_albert(9, 9, generator=g), "n - 1 = 8"),
        (lambda g: graphs.barabasi_albert(9, 0, generator=g), "n - 1 = 8"),
        (lambda g: graphs.stochastic_blocks([3, 0], np.eye(2), generator=g), "one node a block"),
        (lambda g: graphs.stochastic_blocks([3, 3], [[1, 0], [1, 0]], generator=g), "symmetric 2 x 2"),
        (lambda g: graphs.clustered(0, generator=g), "at least 1"),
        (lambda g: graphs.clustered(3, model="tree", generator=g), "'mixed'"),
    ],
)
def test_errors(build, said, generator):
    with pytest.raises(ValueError, match=said) as caught:
        build(generator)
    assert "\n" not in str(caught.value)
