"""How often error bars hold the truth: ``python -m tests.benchmarks.coverage``. Nominal 95 %, 200 seeds."""

import numpy as np
import torch

import spectral_core as sc
from spectral_core.estimators.trace import METHODS

SEEDS, N, PRODUCTS = 200, 300, 60


def main():
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((N, N)))[0]
    spectra = {"flat": np.linspace(1, 3, N), "decaying": 0.9 ** np.arange(N), "indefinite": np.linspace(-1, 1, N)}
    print(f"{'spectrum':12} {'method':12} {'coverage':>8} {'rms error':>10} {'mean bar':>10}  bar")
    for name, values in spectra.items():
        dense = torch.as_tensor((basis * values) @ basis.T)
        A = sc.as_operator(lambda V, dense=(dense + dense.T) / 2: dense @ V, n=N)
        for method in METHODS:
            runs = [
                sc.trace(A, method=method, products=PRODUCTS, generator=torch.Generator().manual_seed(seed))
                for seed in range(SEEDS)
            ]
            held = np.mean([low <= values.sum() <= high for low, high in (run.interval() for run in runs)])
            error = np.sqrt(np.mean([(run.value - values.sum()) ** 2 for run in runs]))
            bar = np.mean([run.standard_error for run in runs])
            print(f"{name:12} {method:12} {held:8.1%} {error:10.3g} {bar:10.3g}  {runs[0].bar}")


if __name__ == "__main__":
    main()
