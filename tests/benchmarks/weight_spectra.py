"""Weight spectra: agreement with WeightWatcher and time, exact against Lanczos, and how often noise has outliers.

    pip install -e ".[test]" && python -m tests.benchmarks.weight_spectra [checkpoint ...]

Times of WeightWatcher and ours on the same tensors, one after the other in one process, best of three.
"""

import contextlib
import io
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

import spectral_core as sc


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def best_of_three(work):
    return min((seconds(work) for _ in range(3)), key=lambda pair: pair[0])


def random_tensors():
    g = seeded()
    shapes = {f"dense {n} x {m}": (n, m) for n, m in ((256, 128), (512, 512), (1024, 1000))}
    tensors = {f"{name}.weight": torch.randn(*shape, generator=g) / shape[1] ** 0.5 for name, shape in shapes.items()}
    return tensors | {"conv.weight": torch.randn(128, 64, 3, 3, generator=g) / 24}


def checkpoints(paths):
    yield "random", random_tensors()
    for path in paths:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        yield Path(path).name, saved.get("state_dict", saved)


def against_weightwatcher(paths):
    try:
        from weightwatcher import WeightWatcher
    except ImportError:
        print("WeightWatcher is not installed.")
        return
    logging.disable(logging.WARNING)
    print(
        f"{'checkpoint':36} {'layers':>6} {'alpha':>9} {'stable rank':>12} {'ours s':>7} {'theirs s':>9} {'ratio':>6}"
    )
    for name, tensors in checkpoints(paths):
        ours_s, ours = best_of_three(lambda: sc.weight_spectra(tensors))  # noqa: B023
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
            theirs_s, details = best_of_three(lambda: WeightWatcher(model=tensors).analyze())  # noqa: B023
        gaps = []
        for _, row in details.iterrows():
            layer = ours[f"{row['longname']}.weight"]
            gaps.append([abs(layer.alpha / row["alpha"] - 1), abs(layer.stable_rank / row["stable_rank"] - 1)])
        alpha, rank = np.max(gaps, axis=0)
        print(
            f"{name:36} {len(gaps):6} {alpha:9.1e} {rank:12.1e} {ours_s:7.2f} {theirs_s:9.2f} {theirs_s / ours_s:6.1f}",
            flush=True,
        )


def exact_against_lanczos(columns=2000, rows=3000):
    g = seeded(1)
    U, V = (torch.linalg.qr(torch.randn(n, columns, generator=g))[0] for n in (rows, columns))
    tail = (1 - torch.rand(columns, generator=g)) ** (-1 / 1.5)
    W = U * tail**0.5 @ V.T + 0.3 * torch.randn(rows, columns, generator=g) / rows**0.5
    for largest in (columns, columns - 1):
        took, spectra = seconds(lambda: sc.weight_spectra({"w": W}, largest=largest, generator=seeded()))  # noqa: B023
        layer = spectra["w"]
        print(
            f"{rows} x {columns}, {layer.products:4} products: {took:5.1f} s, alpha {layer.alpha:.3f} +- "
            f"{layer.alpha_error:.3f} from {layer.tail}, stable rank {layer.stable_rank:.4f}, bulk variance "
            f"{layer.bulk.variance:.4g} +- {layer.bulk.variance_error:.1g}, outliers {len(layer.outliers)}"
        )


def noise(seeds=400):
    print("pure noise: share of seeds with an outlier, and the fitted variance")
    for rows, columns, matrices in ((12, 8, 1), (64, 64, 1), (200, 100, 1), (32, 16, 9)):
        W = torch.randn(seeds, matrices, rows, columns, generator=seeded(), dtype=torch.float64)
        values = (torch.linalg.svdvals(W) ** 2).reshape(seeds, -1).numpy()
        bulks = [sc.fit_bulk(v, rows=rows, columns=columns, matrices=matrices) for v in values]
        variance = np.array([bulk.variance for bulk in bulks])
        print(
            f"{matrices} x ({rows} x {columns}): {np.mean([len(b.outliers) > 0 for b in bulks]):6.2%}, variance "
            f"{variance.mean():.4f}, spread {variance.std():.4f}, error reported {np.mean([b.variance_error for b in bulks]):.4f}"
        )


def main():
    noise()
    exact_against_lanczos()
    against_weightwatcher(sys.argv[1:])


if __name__ == "__main__":
    main()
