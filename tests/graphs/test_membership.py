"""Which cluster each node belongs to: planted partitions recovered exactly, components as they are."""

import numpy as np
import pytest
import torch

from spectral_core import graphs


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def same_partition(labels, planted):
    """Equal up to the names of the clusters: as many pairs of names as there are names on either side."""
    pairs = len(np.unique(np.column_stack([labels, planted]), axis=0))
    return pairs == len(np.unique(labels)) == len(np.unique(planted))


def union(*parts):
    """Disjoint union; the parts keep their order."""
    rows, cols, start = [], [], 0
    for part in parts:
        coo = part.adjacency.tocoo()
        upper = coo.row < coo.col
        rows.append(coo.row[upper] + start)
        cols.append(coo.col[upper] + start)
        start += part.n
    return graphs.from_edges(np.concatenate(rows), np.concatenate(cols), n=start)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("clusters", [9, 30, 90])
def test_planted_clusters_come_out_exactly(clusters, dtype, device):
    graph = graphs.clustered(clusters, 30, 0.5, generator=seeded(1))
    planted = np.repeat(np.arange(clusters), 30)
    found = graphs.membership(graph, clusters, generator=seeded(), dtype=dtype, device=device)
    assert same_partition(found.labels, planted)
    assert found.count == clusters
    assert found.residual < 0.01
    ends = graph.adjacency.tocoo()
    assert found.cut_share == pytest.approx((planted[ends.row] != planted[ends.col]).mean())
    assert found.products > 0
    sizes = np.bincount(found.labels)
    assert (np.diff(sizes) <= 0).all()


def test_clusters_of_unequal_sizes_and_models():
    graph = graphs.clustered(12, (20, 200), 0.4, links=2, model="mixed", generator=seeded(3))
    alone = graphs.clustered(12, (20, 200), 0.4, links=0, model="mixed", generator=seeded(3))  # the same inside
    found = graphs.membership(graph, 12, generator=seeded())
    assert same_partition(found.labels, alone.components()[1])


def test_pivots_from_a_sample_of_the_nodes():
    """4 clusters of 1000 nodes: 40 k log k = 222, so that the pivots come from 111 drawn nodes."""
    graph = graphs.clustered(4, 1000, 0.01, links=3, generator=seeded(4))
    found = graphs.membership(graph, 4, generator=seeded(), dtype=torch.float32)
    assert same_partition(found.labels, np.repeat(np.arange(4), 1000))


def test_components_need_no_product(data):
    email = graphs.read_graph(data / "graphs/email-Eu-core.txt.gz")
    found = graphs.membership(email, 20, generator=seeded())
    assert same_partition(found.labels, email.components()[1])
    assert (found.products, found.residual, found.cut_share, found.components) == (0, 0.0, 0.0, 20)
    assert np.bincount(found.labels)[0] == 986


def test_separate_and_linked_clusters_together():
    """A lone edge, an isolated node and a ring beside five linked clusters."""
    linked = graphs.clustered(5, 30, 0.5, links=2, generator=seeded(5))
    assert linked.components()[0] == 1
    ring = graphs.from_edges(np.arange(8), (np.arange(8) + 1) % 8)
    graph = union(graphs.from_edges([0], [1], n=3), linked, ring)
    planted = np.r_[0, 0, 1, np.repeat(np.arange(5), 30) + 2, np.full(8, 7)]
    found = graphs.membership(graph, 8, generator=seeded())
    assert found.components == 4
    assert same_partition(found.labels, planted)
    without = graphs.membership(graph, 7, isolated=1.0, generator=seeded())
    assert without.labels[2] == -1
    assert same_partition(without.labels, np.where(planted == 1, -1, planted))
    assert graphs.membership(graph, 3, isolated=1.0, generator=seeded()).labels[2] == -1


def test_the_extremes_of_the_count():
    karate = graphs.load("karate_club")
    one = graphs.membership(karate, 1, generator=seeded())
    assert (one.labels == 0).all()
    assert one.products == 0
    whole = graphs.membership(karate, karate.n, generator=seeded())  # the whole space: each node its own cluster
    assert sorted(whole.labels) == list(range(karate.n))
    assert whole.cut_share == 1.0


def test_zacharys_club_falls_in_two():
    """The published split (Zachary 1977) but for at most two of 34 members, as spectral bisection is known to do."""
    import networkx as nx

    club = nx.karate_club_graph()
    sides = np.array([club.nodes[i]["club"] == "Mr. Hi" for i in club])
    ends = np.array(club.edges)
    found = graphs.membership(graphs.from_edges(*ends.T, n=34), 2, generator=seeded())
    wrong = ((found.labels == 0) != sides).sum()
    assert min(wrong, 34 - wrong) <= 2


def test_one_generator_one_result_and_every_step_counts():
    graph = graphs.clustered(9, generator=seeded(1))
    steps = list(graphs.membership_steps(graph, 9, generator=seeded(7)))
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert all(result is None for _, result in steps[:-1])
    again = graphs.membership(graph, 9, generator=seeded(7))
    np.testing.assert_array_equal(again.labels, steps[-1][1].labels)
    assert again.products == (len(steps) - 1) * 16  # 8 wanted columns and 8 to spare


def test_no_gap_is_said(monkeypatch):
    """A long path: its low eigenvalues are (pi j / n)^2 / 2, and filters of degree 10 do not part them in two rounds."""
    monkeypatch.setattr("spectral_core.graphs.assignment.ROUNDS", 2)
    path = graphs.from_edges(np.arange(999), np.arange(1, 1000))
    found = graphs.membership(path, 5, degree=10, generator=seeded())
    assert "not converged" in found.stopped


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (35, {}, "from 1 to 34, for this graph of 34 nodes"),
        (0, {}, "from 1 to 34, for this graph of 34 nodes"),
        (20, {"most": 500}, "fewer clusters, or give most="),
    ],
)
def test_refusals(count, options, said):
    with pytest.raises(ValueError, match=said):
        graphs.membership(graphs.load("karate_club"), count, generator=seeded(), **options)


def test_fewer_clusters_than_components_or_no_edge():
    two = graphs.from_edges([0, 2], [1, 3])
    with pytest.raises(ValueError, match="2 connected components"):
        graphs.membership(two, 1, generator=seeded())
    with pytest.raises(ValueError, match="no edge"):
        graphs.membership(graphs.from_edges([], [], n=3), 3, generator=seeded())
