"""Eigenvalues counted by inertia: against dense solves, on planted clusters, and given up in time."""

import os
import subprocess
import time

import numpy as np
import pytest
import scipy.sparse
import torch

from spectral_core import graphs, inertia
from tests.core.registry import MATRICES, eigenvalues, scale


@pytest.fixture
def children(monkeypatch):
    """Each count in a process of its own; none may be left."""
    monkeypatch.setattr(inertia, "SMALL", 0)
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield started
    for child in started:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def laplacian(graph):
    return graphs.normalised_laplacian(graph).matrix


@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("name", MATRICES)
def test_every_gap_of_the_registry(name, make):
    """Half way between two eigenvalues that are more than 1e-6 of the largest apart, and outside all of them."""
    values = eigenvalues(name)
    gaps = np.flatnonzero(np.diff(values) > 1e-6 * scale(name))
    thresholds = np.r_[values[0] - scale(name), (values[gaps] + values[gaps + 1]) / 2, values[-1] + scale(name)]
    for threshold in thresholds:
        assert inertia.inertia(make(MATRICES[name]), threshold) == (values < threshold).sum()


@pytest.mark.parametrize("seed", range(4))
def test_random_sparse_graphs_at_any_threshold(seed, children):
    """A number, where one is given, is the number; away from eigenvalues by 1e-6 it is given."""
    generator = torch.Generator().manual_seed(seed)
    L = laplacian(graphs.erdos_renyi(300, 0.02, generator=generator))
    values = np.linalg.eigvalsh(L.toarray())
    for threshold in np.random.default_rng(seed).uniform(-0.1, 2.1, 3):
        assert np.abs(values - threshold).min() > 1e-6
        assert inertia.inertia(L, threshold) == (values < threshold).sum()
    assert len(children) == 3


def test_a_zero_pivot_is_stepped_around():
    """The diagonal of A - 1 I is zero, where 1 is no eigenvalue: -1 and 3 are."""
    assert inertia.inertia(np.array([[1.0, 2.0], [2.0, 1.0]]), 1.0) == 1
    ring = np.roll(np.eye(5), 1, axis=0)
    A = ring + ring.T
    assert inertia.inertia(A, 0.0) == (np.linalg.eigvalsh(A) < 0).sum() == 2


@pytest.mark.parametrize("away", [0.0, 1e-16, -1e-16])
@pytest.mark.parametrize(("name", "value"), [("repeated", 4.0), ("identity", 1.0), ("low rank", 0.0)])
def test_at_an_eigenvalue_the_number_is_undecided(name, value, away):
    with pytest.raises(ValueError, match="undecided"):
        inertia.inertia(MATRICES[name], value + away)


def test_the_zero_matrix():
    with pytest.raises(ValueError, match="undecided"):
        inertia.inertia(MATRICES["zero"], 0.0)
    assert inertia.inertia(MATRICES["zero"], 1e-17) == len(MATRICES["zero"])


@pytest.mark.parametrize("clusters", [9, 30, 90, 240])
def test_planted_clusters(clusters, children):
    """Eigenvalues of linked clusters stay below .1, those inside a cluster above .5: the planted number in between."""
    for seed in range(2):
        graph = graphs.clustered(clusters, 30, 0.5, generator=torch.Generator().manual_seed(seed))
        assert inertia.inertia(laplacian(graph), 0.3) == clusters


def test_roads_are_counted(data, children):
    L = laplacian(graphs.read_graph(data / "graphs/luxembourg_osm.mtx.gz"))
    assert inertia.inertia(L, 0.01) == 3727  # 3.25 % of the nodes; a path would have arccos(0.99) / pi = 4.5 %


@pytest.fixture(scope="module")
def filling():
    """Factors with some 10^8 entries."""
    return laplacian(graphs.erdos_renyi(20000, 5e-4, generator=torch.Generator().manual_seed(0)))


def test_given_up_in_time(filling, children):
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"given up after 1\.5 s"):
        inertia.inertia(filling, 0.2, seconds=1.5)
    assert time.monotonic() - start < 4


def test_too_little_memory_is_a_sentence(filling, children):
    pytest.importorskip("resource")
    with pytest.raises(ValueError, match=r"more than the 0\.1 GiB"):
        inertia.inertia(filling, 0.2, memory=100 << 20, seconds=30)


def test_closing_kills_the_child(filling, children):
    steps = inertia.inertia_steps(filling, 0.2)
    fractions = [next(steps)[0] for _ in range(4)]
    assert fractions == sorted(fractions)
    assert fractions[0] < fractions[-1] < 1
    os.kill(children[0], 0)  # it lives
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 2  # the child has minutes of work left


@pytest.mark.parametrize(
    ("matrix", "threshold", "said"),
    [
        (np.ones((2, 3)), 0.0, "square"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), 0.0, "symmetric"),
        (np.eye(2), np.nan, "finite number"),
    ],
)
def test_what_is_refused(matrix, threshold, said):
    with pytest.raises(ValueError, match=said):
        inertia.inertia(matrix, threshold)
