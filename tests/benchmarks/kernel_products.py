"""The block product of a kernel operator against the same tiled matrix products without the covariance function.

    python -m tests.benchmarks.kernel_products [points] [columns ...]

For each number of columns (default 32; many make the covariance function cheap, one makes it everything), float32 and
float64: seconds of ``K @ V`` for an RBF in 6 dimensions, of the same schedule of tiles with ``X_I X_J.T`` in the place of
the covariance function, the ratio of the second to the first (1 would be: the covariance function is free), and the peak
resident memory of the process.
"""

import resource
import sys
import time

import torch

from spectral_core.kernels import RBF, KernelOperator

DIMENSIONS, MEMORY = 6, 1 << 30


def gram_products(K, V):
    """`KernelOperator._pass` with the Gram tile ``X_I X_J.T`` for ``k(X_I, X_J)``."""
    X, rows = K.X.to(K.dtype), V.T.contiguous()
    out, blocks = rows * K.noise, K._blocks()
    for i, I in enumerate(blocks):
        for J in blocks[i:]:
            tile = X[I] @ X[J].T
            out[:, J].addmm_(rows[:, I], tile)
            if I != J:
                out[:, I].addmm_(rows[:, J], tile.T)
    return out.T.contiguous()


def seconds(product, K, V):
    start = time.perf_counter()
    product(K, V)
    return time.perf_counter() - start


def main(points, widths):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(points, DIMENSIONS, generator=generator, dtype=torch.float64)
    print(f"n = {points}, d = {DIMENSIONS}, {torch.get_num_threads()} threads, memory = {MEMORY >> 20} MiB")
    print("dtype            columns  product s  without k s  ratio  peak MiB")
    repeats = 1 if points > 50_000 else 3
    for dtype in (torch.float32, torch.float64):
        K = KernelOperator(X, RBF(lengthscale=1.0), noise=1e-2, memory=MEMORY, dtype=dtype)
        for columns in widths:
            V = torch.randn(points, columns, generator=generator, dtype=torch.float64).to(dtype)
            small = KernelOperator(X[:3000], K.covariance, noise=1e-2, dtype=dtype)
            small @ V[:3000], gram_products(small, V[:3000])  # compile, start the threads
            pairs = [(seconds(KernelOperator.__matmul__, K, V), seconds(gram_products, K, V)) for _ in range(repeats)]
            product, without = (min(times) for times in zip(*pairs, strict=True))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{dtype!s:15} {columns:8} {product:10.2f} {without:12.2f} {without / product:6.2f} {peak:9.0f}")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(given[0] if given else 100_000, given[1:] or [32])
