"""Counting clusters: Table 3.2 anew, how often error bars hold the truth, and the large network of Figure 3.5 (b).

    python -m tests.benchmarks.clusters [seeds of the table, default 5]

Prints mean fractional errors of every method beside the published ones and the floor of the probes; the share of 40 seeds
in which the planted number lies within 2 and 3 reported standard errors, and in which inertia finds it exactly; seconds,
peak memory and error on some 404 000 nodes in 1355 clusters of 200 to 400 (mixed models, p = 0.1, one link a cluster).
"""

import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

import spectral_core as sc
from pages.ui.published import TABLE_3_2
from spectral_core import graphs

SIZES = (9, 30, 90, 240)
DEGREE, PROBES, COVERAGE_SEEDS = 80, 100, 40


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def counts(clusters, seed):
    """All methods on one network of the table; each sees the same probes."""
    network = graphs.clustered(clusters, generator=seeded(seed))
    L, known = graphs.normalised_laplacian(network), graphs.component_eigenspace(network)
    options = {"probes": PROBES, "generator": seeded(1000 + seed), "known": known}
    moments = sc.chebyshev_moments(L, DEGREE, interval=(0.0, 2.0), **options)
    options["generator"] = seeded(1000 + seed)
    stems = sc.lanczos_quadrature(L, steps=DEGREE, **options)
    found = {method: graphs.count_from_moments(moments, method=method) for method in graphs.clusters.METHODS[:3]}
    found["smoothed Lanczos, reflected"] = graphs.count_from_quadrature(stems)
    found["smoothed Lanczos, not reflected"] = graphs.count_from_quadrature(stems, reflected=False)
    return {name: one.value for name, one in found.items()}


def table_3_2(seeds):
    print(
        f"Table 3.2: mean fractional error over {seeds} networks, m = {DEGREE}, d = {PROBES}, sigma = {graphs.clusters.SIGMA}"
    )
    rows = {clusters: [counts(clusters, seed) for seed in range(seeds)] for clusters in SIZES}
    print(f"{'n_c':34}" + "".join(f"{clusters:>9}" for clusters in SIZES))
    for name, published in TABLE_3_2.items():
        values = [published[clusters] for clusters in SIZES]
        print(f"{'published: ' + name:34}" + "".join(f"{value:9.4f}" for value in values))
    print(f"{'floor sqrt(2 / (n_c d))':34}" + "".join(f"{np.sqrt(2 / (clusters * PROBES)):9.4f}" for clusters in SIZES))
    for name in rows[SIZES[0]][0]:
        errors = [np.mean([abs(one[name] / clusters - 1) for one in rows[clusters]]) for clusters in SIZES]
        print(f"{name:34}" + "".join(f"{error:9.4f}" for error in errors))


def coverage():
    print(
        f"\nDefault settings, {COVERAGE_SEEDS} seeds: planted number within 2 and 3 standard errors; exactly by inertia"
    )
    for clusters in SIZES:
        z, clear, exact = [], 0, 0
        for seed in range(COVERAGE_SEEDS):
            network = graphs.clustered(clusters, generator=seeded(seed))
            one = graphs.cluster_count(network, generator=seeded(100 + seed), exact=True, seconds=30.0)
            z.append(abs(one.value - clusters) / one.standard_error)
            clear, exact = clear + one.clear, exact + (one.exact == clusters)
        z = np.array(z)
        print(f"n_c = {clusters:4d}: {(z < 2).mean():.1%}, {(z < 3).mean():.1%}; clear {clear}, exact {exact}")


def large():
    start = time.perf_counter()
    network = graphs.clustered(1355, size=(200, 400), p=0.1, links=1, model="mixed", generator=seeded(0))
    made = time.perf_counter() - start
    graphs.cluster_count(graphs.load("karate_club"), generator=seeded(0), exact=False)  # compile
    start = time.perf_counter()
    one = graphs.cluster_count(network, generator=seeded(1))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{network.n:,} nodes, {network.edges:,} edges, drawn in {made:.1f} s")
    print(
        f"{one.sentence} {one.products:,} products, counted in {seconds:.1f} s, peak memory of the process {peak:.2f} GiB"
    )
    z = abs(one.value - 1355) / one.standard_error
    print(f"off by {abs(one.value / 1355 - 1):.2%} and {z:.1f} standard errors (limits 2 % and 2, 10 s, 3 GiB)")


def email():
    """The thesis's Figure 3.6: its 20 small eigenvalues, and the next one."""
    folder = os.environ.get("EIGENSCOPE_DATA")
    if folder:
        graph = graphs.read_graph(Path(folder, "graphs", "email-Eu-core.txt.gz"))
        values = np.linalg.eigvalsh(graphs.normalised_laplacian(graph).matrix.toarray())
        found = graphs.cluster_count(graph, generator=seeded(0))
        print(f"email-Eu-core: {found.sentence} Eigenvalues 20 and 21: {values[19]:.1e}, {values[20]:.3f}")


if __name__ == "__main__":
    email()
    large()
    table_3_2(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    coverage()
