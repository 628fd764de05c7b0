"""Counting clusters: the counting function against the eigenvalues, gaps and no gaps, planted and published numbers."""

import pickle

import networkx as nx
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc
from spectral_core import graphs
from spectral_core.exact import exact_eigenvalues
from spectral_core.graphs.cluster_minima import lanczos_minimum


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def converted(graph):
    ends = np.array(nx.convert_node_labels_to_integers(graph).edges())
    return graphs.from_edges(*ends.T, n=graph.number_of_nodes(), directed="undirected")


def moments_of(graph, degree=100, probes=32, seed=1):
    known = graphs.component_eigenspace(graph)
    L = graphs.normalised_laplacian(graph)
    return sc.chebyshev_moments(L, degree, probes=probes, generator=seeded(seed), interval=(0, 2), known=known)


# Identities


def test_the_counting_function_is_that_of_the_eigenvalues():
    """From exact moments of all eigenvalues: N is n at the end, rises, and is right to rounding far from any eigenvalue."""
    network = graphs.clustered(9, generator=seeded())
    values = exact_eigenvalues(graphs.normalised_laplacian(network).matrix)
    t = np.cos(np.arange(401) * np.arccos(np.clip(values - 1.0, -1, 1))[:, None]).mean(axis=0)
    moments = sc.Moments(t[None], (0, 2), is_exact=True, size=network.n)
    counting = graphs.counting_function(moments)
    assert_allclose(counting.counts[[0, -1]], [0.0, network.n], atol=1e-9)
    assert (np.diff(counting.counts) >= -1e-9).all()
    middle = (values[8] + values[9]) / 2.0
    # Jackson's kernel leaves (pi / (m x))^3 / 3 or less of a step beyond a distance x in the angle
    theta = np.arccos(1.0 - np.clip(values, 0, 2))
    tail = ((np.pi / 400 / np.abs(theta - np.arccos(1.0 - middle))) ** 3).sum()
    assert tail < 0.1
    assert counting.at(middle)[0] == pytest.approx(9.0, abs=tail)
    assert counting.at(middle)[1] == 0.0


def test_known_atoms_count_exactly_and_at_their_place():
    lonely = graphs.from_edges([0, 1, 2], [1, 2, 0], n=8)  # a triangle, five isolated nodes
    known = graphs.component_eigenspace(lonely, isolated=1.0)
    L = graphs.normalised_laplacian(lonely, isolated=1.0)
    moments = sc.chebyshev_moments(L, 60, probes=4, generator=seeded(), interval=(0, 2), known=known)
    counting = graphs.counting_function(moments)
    assert counting.at(0.5)[0] == pytest.approx(1.0, abs=1e-3)
    assert counting.at(1.1)[0] - counting.at(0.99)[0] == pytest.approx(5.0, abs=0.1)
    assert counting.at(2.0)[0] == pytest.approx(8.0, abs=1e-9)


def test_folding_atoms_in_gives_the_moments_of_the_whole(graph):
    if graph.edges == 0 or len(graphs.component_eigenspace(graph).values) == graph.n:
        pytest.skip("nothing left to estimate")
    moments = moments_of(graph, 20, 3)
    whole = moments.whole()
    assert_allclose(whole.values, moments.values, atol=1e-12)
    assert len(whole.atoms) == 0


def test_fewer_moments_and_other_methods_are_re_evaluations():
    network = graphs.clustered(9, generator=seeded())
    result = graphs.cluster_count(network, generator=seeded(1), exact=False)
    again = graphs.count_from_moments(result.moments, degree=60)
    direct = graphs.cluster_count(network, generator=seeded(1), degree=60, exact=False)
    assert (again.value, again.threshold, again.products) == (direct.value, direct.threshold, direct.products)
    by_hand = graphs.count_from_moments(result.moments, method="threshold", threshold=result.threshold)
    assert by_hand.value == pytest.approx(result.value, rel=1e-9)
    assert result.products == 32 * 50


def test_every_step_is_complete_counts_and_pickles():
    network, last = graphs.clustered(9, generator=seeded()), 0
    for result in graphs.cluster_count_steps(network, generator=seeded(1), degree=40, probes=3, exact=False):
        assert result.products == last + 3
        assert result.sentence
        last = result.products
    for method in graphs.clusters.METHODS:
        result = graphs.cluster_count(network, generator=seeded(), probes=4, method=method, threshold=0.2, exact=False)
        same = pickle.loads(pickle.dumps(result))
        assert (same.value, same.sentence) == (result.value, result.sentence)


def test_a_reflected_kernel_loses_nothing_and_an_unreflected_one_half():
    blocks = graphs.stochastic_blocks([30] * 5, 0.5 * np.eye(5), generator=seeded())
    q = sc.lanczos_quadrature(
        graphs.normalised_laplacian(blocks), steps=40, probes=4, generator=seeded(),
        known=graphs.component_eigenspace(blocks),
    )  # fmt: skip
    # all that lies below the gap is the atom of mass 5 / n at 0
    assert lanczos_minimum(q, 0.02)[0] == pytest.approx(5.0, abs=1e-6)
    assert lanczos_minimum(q, 0.02, reflected=False)[0] == pytest.approx(2.5, abs=1e-6)


# Gaps and no gaps

NO_GAP = {
    "path": lambda: nx.path_graph(100),
    "ring": lambda: nx.cycle_graph(101),
    "grid of 10": lambda: nx.grid_2d_graph(10, 10),
    "grid of 30": lambda: nx.grid_2d_graph(30, 30),
    "grid of 100": lambda: nx.grid_2d_graph(100, 100),
    "strip": lambda: nx.grid_2d_graph(5, 100),
    "torus": lambda: nx.grid_2d_graph(20, 20, periodic=True),
    "three dimensions": lambda: nx.grid_graph((9, 9, 9)),
    "torus of three dimensions": lambda: nx.grid_graph((9, 9, 9), periodic=True),
    "binary tree": lambda: nx.balanced_tree(2, 8),
    "ternary tree": lambda: nx.balanced_tree(3, 5),
    "random tree": lambda: nx.random_labeled_tree(1000, seed=1),
}
GAP = {
    "complete graphs of 5": (lambda: graphs.stochastic_blocks([5] * 40, np.eye(40), generator=seeded()), 40),
    "Erdos-Renyi": (lambda: graphs.erdos_renyi(1000, 0.02, generator=seeded()), 1),
    "Barabasi-Albert": (lambda: graphs.barabasi_albert(1000, 5, generator=seeded()), 1),
    "two blocks": (
        lambda: graphs.stochastic_blocks([50, 50], [[0.5, 0.005], [0.005, 0.5]], generator=seeded()),
        2,
    ),
    "clustered": (lambda: graphs.clustered(30, generator=seeded()), 30),
    "clustered, five links": (lambda: graphs.clustered(30, links=5, generator=seeded()), 30),
    "clustered, no links": (lambda: graphs.clustered(30, links=0, generator=seeded()), 30),
    "mixed": (lambda: graphs.clustered(30, (100, 200), 0.2, model="mixed", generator=seeded()), 30),
    "cliques on a ring": (lambda: converted(nx.connected_caveman_graph(20, 8)), 20),
}


@pytest.mark.parametrize("name", NO_GAP)
def test_spectra_that_grow_like_a_power_have_no_clear_gap(name):
    moments = moments_of(converted(NO_GAP[name]()), 400, 8)
    for degree in (60, 100, 200, 400):
        result = graphs.count_from_moments(moments, degree=degree)
        assert not result.clear
        assert "No clear gap: 1 connected component" in result.sentence
    *_, (_, result) = graphs.with_exact_steps(result, None)
    assert result.exact is None
    assert "no gap" in result.exact_note


@pytest.mark.parametrize("name", GAP)
def test_gaps_are_seen_and_counted(name):
    make, planted = GAP[name]
    network = make()
    moments = moments_of(network, 400)
    for degree in (100, 200, 400):
        result = graphs.count_from_moments(moments, degree=degree)
        assert result.clear
        assert result.confidence >= 2
        assert abs(result.value - planted) <= 3 * result.standard_error + 0.01
        assert "No clear gap" not in result.sentence
    *_, (_, result) = graphs.with_exact_steps(result, graphs.normalised_laplacian(network).matrix)
    assert result.exact == planted


def test_only_components():
    pairs = graphs.from_edges([0, 2], [1, 3], n=6)  # every eigenvalue is known
    result = graphs.cluster_count(pairs, generator=seeded())
    assert (result.value, result.components, result.exact, result.products) == (4.0, 4, 4, 0)
    assert "all of them connected components" in result.sentence


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"degree": 4}, "at least 10 moments"),
        ({"method": "gap"}, "method must be one of"),
        ({"method": "threshold"}, "between 0 and 2"),
        ({"method": "threshold", "threshold": 2.5}, "between 0 and 2"),
        ({"exact": "perhaps"}, "exact must be"),
        ({"isolated": 3.0}, "isolated node"),
    ],
)
def test_refusals(options, said):
    with pytest.raises(ValueError, match=said):
        graphs.cluster_count(graphs.load("karate_club"), generator=seeded(), **options)


def test_more_refusals():
    with pytest.raises(ValueError, match="no edge"):
        graphs.cluster_count(graphs.from_edges([], [], n=5), generator=seeded())
    with pytest.raises(ValueError, match=r"on \(0, 2\)"):
        graphs.count_from_moments(sc.Moments.exact([1.0, 0.0, -0.5], interval=(-1, 1)))


def test_an_exact_count_that_takes_too_long_is_given_up():
    tangle = graphs.erdos_renyi(6000, 0.004, generator=seeded())
    result = graphs.cluster_count(tangle, generator=seeded(), degree=60, probes=2, seconds=0.3)
    assert result.clear
    assert result.exact is None
    assert "given up" in result.exact_note


# Statistics


@pytest.mark.parametrize("clusters", [9, 30, 90])
def test_the_error_bar_covers_the_planted_number(clusters):
    """Within 3 reported standard errors in at least 38 of 40 seeds (of a t distribution with 31 degrees 99.5 % are)."""
    held = 0
    for seed in range(40):
        network = graphs.clustered(clusters, generator=seeded(seed))
        result = graphs.count_from_moments(moments_of(network, 60, seed=100 + seed))
        held += result.clear and abs(result.value - clusters) <= 3 * result.standard_error
    assert held >= 38


def test_at_the_deepest_minimum_algorithm_5_agrees_with_the_plateau():
    """The same probes: the two differ by what the fit smooths away, not by the noise."""
    moments = moments_of(graphs.clustered(90, generator=seeded()), degree=80)
    plateau, deepest = (graphs.count_from_moments(moments, method=m) for m in ("plateau", "deepest minimum"))
    assert deepest.value == pytest.approx(plateau.value, rel=0.01)
    assert deepest.standard_error == pytest.approx(moments_error(moments, deepest.threshold), rel=0.2)


def moments_error(moments, threshold):
    return graphs.counting_function(moments).at(threshold)[1]


# Published


def test_table_3_2_at_the_floor_of_its_probes():
    """90 clusters, m = 80, d = 100: the plateau's mean error over 5 seeds lies within the floor sqrt(2 / (n_c d)) = .015."""
    errors = {"plateau": [], "first minimum": []}
    for seed in range(5):
        moments = moments_of(graphs.clustered(90, generator=seeded(seed)), degree=80, probes=100, seed=1000 + seed)
        for method, found in errors.items():
            found.append(abs(graphs.count_from_moments(moments, method=method).value / 90 - 1))
    floor = np.sqrt(2 / (90 * 100))
    assert np.mean(errors["plateau"]) <= 1.5 * floor  # the mean of |z| is 0.8, over 5 seeds 0.8 +- 0.27
    assert np.mean(errors["first minimum"]) > 5 * floor  # as printed, Algorithm 5 stops at a ripple beside 0


def test_email_has_20_clusters_all_of_them_components(data):
    email = graphs.read_graph(data / "graphs" / "email-Eu-core.txt.gz")
    result = graphs.cluster_count(email, generator=seeded())
    assert (result.clear, result.components, result.exact) == (True, 20, 20)
    assert result.value == pytest.approx(20.0, abs=0.05)
    assert result.plateau.end == pytest.approx(0.212, abs=0.01)
    assert "20 clusters, all of them connected components" in result.sentence


def test_luxembourgs_roads_have_no_clear_gap(data):
    moments = moments_of(graphs.read_graph(data / "graphs" / "luxembourg_osm.mtx.gz"), 200, 2)
    assert not any(graphs.count_from_moments(moments, degree=degree).clear for degree in (60, 100, 200))


def test_a_density_without_a_minimum_says_so():
    """Four moments of the flat density: nothing to stop at."""
    flat = sc.Moments([[1.0, 0.0, -1 / 3, 0.0, -1 / 15]], (0, 2), is_exact=True, size=100)
    result = graphs.count_from_moments(flat, method="deepest minimum")
    assert np.isnan(result.value)
    assert not result.clear
    assert "finds no threshold" in result.sentence
