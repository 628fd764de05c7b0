"""Comparing graphs: against NetLSD's heat trace, a large graph alone, and thirty graphs at once.

    pip install -e ".[benchmark]" && python -m tests.benchmarks.comparison

NetLSD's signature of one graph at its defaults against our moments and fit of the same graph, which is all that either
needs to be compared with any other graph. Both on the same connected graph, one after the other in one process.
"""

import os
import time
from pathlib import Path

import numpy as np
import torch

from spectral_core import graphs, maxent
from spectral_core.graphs.comparison import RIDGE


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def describe(graph):
    return maxent(graphs.comparable_moments(graph, generator=seeded()), standard_error=RIDGE)


def against_netlsd():
    import netlsd

    chosen = [
        graphs.watts_strogatz(5000, 4, 0.1, generator=seeded()),
        graphs.barabasi_albert(5000, 3, generator=seeded()),
    ]
    if folder := os.environ.get("EIGENSCOPE_DATA"):
        chosen.append(graphs.largest_component(graphs.read_graph(Path(folder, "graphs", "ca-GrQc.txt.gz"))))
    print(f"{'graph':60} {'n':>6} {'ours s':>8} {'NetLSD s':>9} {'ratio':>7}")
    for graph in chosen:
        ours = np.median([seconds(lambda: describe(graph))[0] for _ in range(5)])  # noqa: B023
        theirs, _ = seconds(lambda: netlsd.heat(graph.adjacency))  # noqa: B023
        print(f"{graph.name:60} {graph.n:6d} {ours:8.2f} {theirs:9.1f} {theirs / ours:7.0f}", flush=True)


def stored_masses():
    """What the coefficients behind the thesis's Figure 3.4 integrate to."""
    folder = os.environ.get("EIGENSCOPE_DATA")
    if folder:
        for one in graphs.read_moments(Path(folder, "graphs", "author_moments.npz")):
            print(f"stored fit of {one.name}: mass 10^{one.log10_mass():.0f}")


def main():
    describe(graphs.barabasi_albert(1000, 3, generator=seeded()))  # compiles
    large = graphs.barabasi_albert(100_000, 5, generator=seeded())
    print(f"{large.name}: moments and fit in {seconds(lambda: describe(large))[0]:.2f} s")
    thirty = [graphs.erdos_renyi(10_000, c * 1e-4, generator=seeded(s)) for s, c in enumerate(np.linspace(4, 20, 10))]
    thirty += [graphs.watts_strogatz(10_000, 10, p, generator=seeded(1)) for p in np.linspace(0, 1, 10)]
    thirty += [graphs.barabasi_albert(10_000, m, generator=seeded(m)) for m in range(1, 11)]
    took, _ = seconds(lambda: graphs.similarity(thirty, generator=seeded()))
    print(f"30 graphs of 10^4 nodes, all pairs with both distances: {took:.1f} s")
    stored_masses()
    against_netlsd()


if __name__ == "__main__":
    main()
