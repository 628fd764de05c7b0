"""Chebyshev-Nystrom: errors beside known ones, the time of a new sigma, the authors' public code, and what auto chooses.

    python -m tests.benchmarks.chebyshev_nystrom [table | sigma | authors | choice] [seeds]

`authors` needs a checkout of github.com/FMatti/parameter-trace, its folder named by EIGENSCOPE_AUTHORS_CODE.
"""

import importlib
import os
import sys
import time

import numpy as np
import torch

import spectral_core as sc
from spectral_core.estimators import spectrum as chooser
from spectral_core.estimators.smoothing_kernels import least_degree

SIGMA, DEGREE, COLUMNS = 0.005, 1000, (20, 40, 80, 160)
ESTIMATORS = ("hutchinson", "nystrom", "nystrom++", "xnystrom")
# L1 errors measured before, same sigma, degree and n, in the order of the estimators
KNOWN = {
    "lattice": {20: (0.051, 0.30, 0.033, 0.031), 40: (0.043, 0.12, 0.016, 0.0072), 80: (0.026, 0.0027, 0.0048, 0.0013),
                160: (0.021, 2e-6, 2e-4, 1e-4)},
    "network": {20: (0.035, 0.55, 0.035, 0.017), 40: (0.031, 0.46, 0.014, 0.0038), 80: (0.022, 0.42, 0.0037, 0.0051),
                160: (0.015, 0.34, 0.0034, 0.0016)},
}  # fmt: skip


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def error(found, truth, t):
    """``int |p - truth|`` by the trapezium rule."""
    return float(np.trapezoid(np.abs(found - truth), t))


def table(seeds=5):
    """The authors' 100 points are four sigma apart: the network's spike at 0 counts for 0.4 to 1.6 times its mass, by where it
    falls among them. So it is shown on 401 points too, one a sigma, where the sum is the integral."""
    print(
        f"L1 error at sigma {SIGMA}, degree {DEGREE}, n = 1000: median of {seeds} seeds / known (ratio where above 1e-4)"
    )
    for name, grids in (("lattice", (100,)), ("network", (100, 401))):
        errors = {}
        for seed in range(seeds):
            model = (
                sc.lattice_schroedinger() if name == "lattice" else sc.synthetic_network(generator=seeded(100 + seed))
            )
            model = model.mapped()
            sketch = sc.chebyshev_sketch(model.operator, DEGREE, columns=max(COLUMNS), generator=seeded(seed))
            for points in grids:
                t = np.linspace(-1.0, 1.0, points)
                truth = sc.smoothed_spectrum(model.eigenvalues, t, SIGMA)
                for columns in COLUMNS:
                    for estimator in ESTIMATORS:
                        found = sketch.restricted(columns).density(SIGMA, estimator=estimator).pdf(t)
                        errors.setdefault((points, columns, estimator), []).append(error(found, truth, t))
        for points in grids:
            worst = 0.0
            for columns in COLUMNS:
                cells = []
                for estimator, known in zip(ESTIMATORS, KNOWN[name][columns], strict=True):
                    found = np.median(errors[points, columns, estimator])
                    above = known > 1e-4
                    worst = max(worst, found / known if above else 0.0)
                    cells.append(
                        f"{estimator} {found:.1e} / {known:.1e}" + (f" ({found / known:.2f})" if above else "       ")
                    )
                print(f"{name}, {points} points {columns:4d}  " + "   ".join(cells), flush=True)
            print(f"largest ratio {worst:.2f}; at most 1.3 is wanted")


def sigma():
    model = sc.lattice_schroedinger().mapped()
    t = np.linspace(-1.0, 1.0, 100)
    print(f"a new sigma at degree {DEGREE}, {len(t)} points, one thread; no product")
    whole = sc.chebyshev_sketch(model.operator, DEGREE, columns=80, generator=seeded(0))
    for columns in (20, 40, 80):
        sketch = whole.restricted(columns)
        cells = []
        for estimator in ESTIMATORS:
            times = []
            for width in (0.005, 0.006, 0.008, 0.012, 0.02):
                start = time.perf_counter()
                sketch.density(width, estimator=estimator).pdf(t)
                times.append(time.perf_counter() - start)
            cells.append(f"{estimator} {1e3 * np.median(times):6.0f} ms")
        print(f"{columns:4d} columns, {sketch.memory / 1e6:6.1f} MB: " + "   ".join(cells))


def authors():
    folder = os.environ.get("EIGENSCOPE_AUTHORS_CODE")
    if not folder or not os.path.isfile(os.path.join(folder, "algorithms", "chebyshev_nystrom.py")):
        print(
            "skipped: the authors' code is not here; clone github.com/FMatti/parameter-trace and name its folder in "
            "EIGENSCOPE_AUTHORS_CODE."
        )
        return
    sys.path.insert(0, folder)
    theirs = importlib.import_module("algorithms.chebyshev_nystrom").chebyshev_nystrom
    model = sc.lattice_schroedinger().mapped()
    matrix, n = model.operator.matrix, 1000
    t = np.linspace(-1.0, 1.0, 100)
    truth = sc.smoothed_spectrum(model.eigenvalues, t, SIGMA)

    def kernel(points, s=None):
        gap = points if s is None else np.subtract.outer(points, s)
        return np.exp(-0.5 * (gap / SIGMA) ** 2) / (np.sqrt(2 * np.pi) * SIGMA * n)

    def ours(columns, estimator, seed):
        sketch = sc.chebyshev_sketch(model.operator, DEGREE, columns=columns, generator=seeded(seed))
        return sketch.density(SIGMA, estimator=estimator).pdf(t)

    def run(work):
        times, errors = [], []
        for seed in range(3):
            start = time.perf_counter()
            found = work(seed)
            times.append(time.perf_counter() - start)
            errors.append(error(found, truth, t))
        return np.median(times), np.median(errors)

    print(f"lattice, sigma {SIGMA}, degree {DEGREE}, {len(t)} points: seconds and L1 error, median of 3")
    for columns in (20, 40, 80):
        half = columns // 2
        rows = {
            "authors, Nystrom++": run(lambda seed: theirs(matrix, t, DEGREE, half, half, kernel, seed=seed)),  # noqa: B023
            "here, Nystrom++": run(lambda seed: ours(columns, "nystrom++", seed)),  # noqa: B023
            "here, leave-one-out": run(lambda seed: ours(columns, "xnystrom", seed)),  # noqa: B023
        }
        base = rows["authors, Nystrom++"][0]
        for name, (seconds, found) in rows.items():
            print(
                f"{columns:4d} columns  {name:20} {seconds:6.2f} s  {found:.1e}  {base / seconds:5.1f} times as fast",
                flush=True,
            )


def choice(seeds=2):
    print(
        "L1 error at equal products, matrices mapped to [-1, 1]; what auto chooses where products do not reach n. A dash: fewer"
    )
    print("than four columns, or Lanczos where its Ritz values take minutes")
    print(f"{'matrix':28} {'sigma':>6} {'products':>8} {'a row':>6}  {'lanczos':>8} {'kpm':>8} {'sketch':>8}  auto")
    t = np.linspace(-1.0, 1.0, 401)
    models = [sc.lattice_schroedinger(), sc.synthetic_network(500, generator=seeded(9)), sc.poisson(64)]
    for model in (model.mapped() for model in models):
        n = len(model.eigenvalues)
        for width in (0.1, 0.03, 0.01):
            truth = sc.smoothed_spectrum(model.eigenvalues, t, width)
            for products in (400, 1600, 6400, 25600):
                steps = np.ceil(chooser.RESOLVED / (2.0 * width))
                if products > 6400 and n > 1000:
                    continue
                cells = []
                for method in ("lanczos", "kpm", "chebyshev-nystrom++"):
                    few = method == "chebyshev-nystrom++" and products < 4 * least_degree("gaussian", width)
                    slow = method == "lanczos" and products > 1600 and (steps > chooser.STEPS or products > 6400)
                    if few or slow:
                        cells.append("       -")
                        continue
                    found = [
                        sc.spectrum(model.operator, sigma=width, method=method, products=products, generator=seeded(seed),
                                    interval=(-1.0, 1.0)).pdf(t)
                        for seed in range(seeds)
                    ]  # fmt: skip
                    cells.append(f"{np.mean([error(f, truth, t) for f in found]):8.4f}")
                chosen = chooser._choose(n, width, products)[0]
                print(
                    f"{model.name:28} {width:6g} {products:8d} {products / n:6.1f}  {' '.join(cells)}  {chosen}",
                    flush=True,
                )


def main():
    torch.set_num_threads(1)
    work = {"table": table, "sigma": sigma, "authors": authors, "choice": choice}
    names = [name for name in sys.argv[1:] if name in work] or list(work)
    seeds = [int(word) for word in sys.argv[1:] if word.isdigit()]
    for name in names:
        work[name](*seeds) if name in ("table", "choice") else work[name]()
        print()


if __name__ == "__main__":
    main()
