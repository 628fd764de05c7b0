"""Graphs that the tests of this room share."""

import os
from pathlib import Path

import pytest
import torch

from spectral_core import graphs


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def data():
    """The folder of public data; tests that need it skip without it."""
    folder = Path(os.environ.get("EIGENSCOPE_DATA", ""))
    if not os.environ.get("EIGENSCOPE_DATA") or not folder.is_dir():
        pytest.skip("EIGENSCOPE_DATA does not name the folder of public data")
    return folder


def small_graphs():
    """Graphs that exercise each convention: components, isolated nodes, weights, self-loops, bipartite, complete."""
    g = torch.Generator().manual_seed(1)
    return {
        "path": graphs.from_edges([0, 1, 2], [1, 2, 3]),
        "star": graphs.from_edges([0, 0, 0, 0], [1, 2, 3, 4]),
        "components": graphs.from_edges([0, 1, 3, 5], [1, 2, 4, 6], n=9),
        "weighted": graphs.from_edges([0, 1, 2, 0], [1, 2, 3, 3], [0.5, 2.0, 1e-3, 7.0], n=5),
        "loops": graphs.from_edges([0, 1, 2, 3], [1, 2, 2, 3], n=5, self_loops="keep"),
        "edgeless": graphs.from_edges([], [], n=3),
        "complete": graphs.erdos_renyi(7, 1.0, generator=g),
        "random": graphs.erdos_renyi(60, 0.03, generator=g),
        "growing": graphs.barabasi_albert(50, 2, generator=g),
        "characters": graphs.load("les_miserables"),
    }


@pytest.fixture(params=sorted(small_graphs()))
def graph(request):
    return small_graphs()[request.param]
