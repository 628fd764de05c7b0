"""A Barabasi-Albert graph of 10^6 nodes, from a gzipped edge list to a density: time, memory, speed of the product.

    python -m tests.benchmarks.million_nodes [nodes]

Prints seconds of each stage, the peak resident memory of the process, the block product as a ratio to SciPy's in the same
run (median of paired repetitions), and its share of the memory bandwidth measured in the same run.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import spectral_core as sc

PROBES, DEGREE, PAIRS = 32, 100, 5


def write_edges(n, path):
    """A gzipped edge list of BA(n, 5), written by a child process so that its memory does not count here."""
    import subprocess

    code = (
        "import gzip, sys, numpy as np, torch, spectral_core as sc\n"
        "n, path = int(sys.argv[1]), sys.argv[2]\n"
        "g = sc.graphs.barabasi_albert(n, 5, generator=torch.Generator().manual_seed(0))\n"
        "u = g.adjacency.tocoo(); keep = u.row < u.col\n"
        "rows = np.column_stack([u.row[keep], u.col[keep]])\n"
        "with gzip.open(path, 'wt', compresslevel=1) as f:\n"
        "    for part in np.array_split(rows, 100): f.write('\\n'.join(f'{a} {b}' for a, b in part.tolist()) + '\\n')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(n), str(path)], check=True)


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def copy_bandwidth():
    """Bytes read and written a second by a copy of 256 MiB on all of torch's threads; best of 5."""
    source = torch.ones(2**25, dtype=torch.float64)
    target = torch.empty_like(source)
    return 2 * source.numel() * 8 / min(seconds(lambda: target.copy_(source))[0] for _ in range(5))


def main(n):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "edges.txt.gz")
        write_edges(n, path)
        reading, graph = seconds(lambda: sc.graphs.read_graph(path))
    building, L = seconds(lambda: sc.graphs.normalised_laplacian(graph).to(dtype=torch.float32))
    generator = torch.Generator().manual_seed(1)
    known = sc.graphs.component_eigenspace(graph)
    sc.chebyshev_moments(L, 2, probes=PROBES, generator=generator, interval=(0, 2), known=known)  # compile
    moving, moments = seconds(
        lambda: sc.chebyshev_moments(L, DEGREE, probes=PROBES, generator=generator, interval=(0, 2), known=known)
    )
    fitting, density = seconds(lambda: sc.maxent(moments))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{graph.n:,} nodes, {graph.edges:,} edges; {DEGREE} moments, {PROBES} probes, float32")
    print(f"read {reading:.1f} s, matrix {building:.1f} s, moments {moving:.1f} s, fit {1e3 * fitting:.0f} ms")
    print(f"converged: {density.converged}; peak resident memory {peak:.2f} GiB (limit 2.5)")
    for dtype in (torch.float32, torch.float64):
        compare_products(L.to(dtype=dtype), generator)


def compare_products(A, generator):
    """The block product beside SciPy's, in pairs, and its traffic beside a copy's."""
    n, width = A.shape[0], torch.finfo(A.dtype).bits // 8
    theirs = A.matrix.astype(np.float32 if width == 4 else np.float64)
    V = sc.draw_probes(n, PROBES, generator=generator, dtype=A.dtype)
    U = torch.zeros_like(V)
    pairs = []
    for _ in range(PAIRS):
        ours, _ = seconds(lambda: A @ V)
        fused, _ = seconds(lambda: A.recurrence_(V, U, 1.0, 0.0))
        scipys, _ = seconds(lambda: theirs @ V.numpy())
        pairs.append((ours / scipys, fused / scipys, ours))
    ratio, fused_ratio, ours = np.median(pairs, axis=0)
    # least traffic: the matrix once, the block in and out once; and what the gathers ask for, a row a non-zero
    least = A.matrix.nnz * (width + 4) + 2 * n * PROBES * width
    asked = A.matrix.nnz * (width + 4 + PROBES * width) + n * PROBES * width
    bandwidth = copy_bandwidth()
    print(
        f"{A.dtype}: block product {ratio:.2f} times SciPy's, fused step {fused_ratio:.2f} times; "
        f"{1e9 * ours / A.matrix.nnz / PROBES:.2f} ns per non-zero per vector; copy bandwidth {bandwidth / 1e9:.1f} "
        f"GB/s, share of it: {least / ours / bandwidth:.0%} (least traffic), {asked / ours / bandwidth:.0%} (every "
        f"gather counted)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
