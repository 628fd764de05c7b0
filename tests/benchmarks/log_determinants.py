"""Log-determinants: Table 2.1 at matched condition numbers, larger kernels, and how often error bars hold the truth.

    pip install -e ".[benchmark]" && python -m tests.benchmarks.log_determinants [table] [large] [huge] [oracles] [SEEDS]

table    n = 1000, 1500 products, medians of 5 seeds (inputs and probes): ours, the classical ones, imate and
         linear_operator with the same products, and what the thesis printed.
large    n = 4000, the same products, l = .45 and .85, against plain stochastic Lanczos quadrature.
huge     n = 10 000, once.
oracles  stored data and closed forms, 40 seeds: share of runs within 3 reported standard errors, share of intervals
         that hold the truth, and the relative error of the default budget.
"""

import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy import linalg, sparse

import spectral_core as sc
from pages.ui.published import TABLE_2_1
from spectral_core.estimators.logdet import logdet
from spectral_core.estimators.logdet.entropy import meme_steps
from spectral_core.kernels import RBF, KernelOperator, gaussian_inputs, spatial_operator, standardised
from spectral_core.krylov.bounds import gershgorin

NOISE, PRODUCTS, PROBES, STEPS = 1e-8, 1500, 50, 30
ORACLES = {  # name: (file or side, parameter, log det as stored beside the data)
    "USCounties, rho = .5": ("USCounties", 0.5, -79.27673),
    "USCounties, rho = .9": ("USCounties", 0.9, -360.32330),
    "USCounties, rho = .99": ("USCounties", 0.99, -540.77126),
    "wrld_1deg, rho = .5": ("wrld_1deg", 0.5, -329.39885),
    "wrld_1deg, rho = .9": ("wrld_1deg", 0.9, -1541.71510),
    "wrld_1deg, rho = .99": ("wrld_1deg", 0.99, -2400.13123),
    "Poisson 100^2": (100, None, 11717.1089),
    "Poisson 283^2": (283, None, 93561.7032),
    "RBF on concrete": ("uci_concrete", None, -2681.93469),
    "RBF on airfoil": ("uci_airfoil", None, -5660.47234),
    "RBF on diabetes": ("diabetes", None, -119.31459),
}


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def last(steps):
    *_, item = steps
    return item


def kernel(row, n, seed):
    """The thesis's squared exponential kernel of a row's length scale, its inputs scaled to match the condition number."""
    X = gaussian_inputs(n, scale=row.lengthscale / row.ratio, generator=seeded(seed))
    return KernelOperator(X, RBF(row.lengthscale), noise=NOISE)


def dense(K):
    return K @ torch.eye(K.shape[0], dtype=torch.float64)


def by_imate(A, seed):
    import imate

    np.random.seed(seed)  # noqa: NPY002  it has no generator
    value, info = imate.logdet(
        A.numpy(),
        method="slq",
        return_info=True,
        min_num_samples=PROBES,
        max_num_samples=PROBES,
        lanczos_degree=STEPS,
        orthogonalize=-1,
        num_threads=torch.get_num_threads(),
    )
    assert info["convergence"]["num_samples_used"] == PROBES
    return float(value)


def by_linear_operator(A, seed):
    from linear_operator import settings, to_linear_operator

    torch.manual_seed(seed)
    with (
        settings.max_cholesky_size(0),
        settings.num_trace_samples(PROBES),
        settings.max_cg_iterations(STEPS),
        settings.max_lanczos_quadrature_iterations(STEPS),
        settings.cg_tolerance(0.0),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # that CG has not converged
        return float(to_linear_operator(A).logdet())


def our_methods(A, generator_seed):
    top = gershgorin(A).upper
    options = {"products": PRODUCTS, "lower_bound": NOISE}

    def described(floor):
        return last(
            meme_steps(
                A, degree=30, measure="grid", floor=floor, upper_bound=top, generator=seeded(generator_seed), **options
            )
        )

    results = {
        name: logdet(A, method=name, generator=seeded(generator_seed), **options)
        for name in ("preconditioned", "slq", "chebyshev", "meme", "bmxnt")
    }
    return results | {
        "meme as described, floor 1e-5": described(1e-5),
        "meme as described, floor 1e-10": described(1e-10),
    }


def one_row(row, n, seed):
    """Errors of every method on one kernel, and of ours whether bar and interval hold the truth."""
    A = dense(kernel(row, n, seed))
    values = linalg.eigvalsh(A.numpy())
    truth = float(np.log(values).sum())
    errors, held = {}, {}
    for name, y in our_methods(A, 100 + seed).items():
        errors[name] = abs(y.value / truth - 1.0)
        held[name] = (abs(y.value - truth) <= 3 * y.standard_error, y.lower <= truth <= y.upper)
        assert y.products <= PRODUCTS
    for name, method in (("imate 50 x 30", by_imate), ("linear_operator 50 x 30", by_linear_operator)):
        errors[name] = abs(method(A, 100 + seed) / truth - 1.0)
    return values[-1] / values[0], errors, held


def table(seeds=5, n=1000):
    print(f"Table 2.1: relative error, n = {n}, {PRODUCTS} products, noise {NOISE:g}, medians of {seeds} seeds")
    columns, kappas, held = [], [], []
    for row in TABLE_2_1:
        runs = [one_row(row, n, seed) for seed in range(seeds)]
        kappas.append(float(np.median([run[0] for run in runs])))
        columns.append({name: float(np.median([run[1][name] for run in runs])) for name in runs[0][1]})
        held += [run[2] for run in runs]
        print(f"  l = {row.lengthscale} done", file=sys.stderr, flush=True)

    def line(name, values, form="{:9.4f}"):
        print(f"{name:34}" + "".join(form.format(value) for value in values), flush=True)

    line("l", [row.lengthscale for row in TABLE_2_1], "{:9.2f}")
    line("condition number, printed", [row.condition for row in TABLE_2_1], "{:9.1e}")
    line("condition number, here", kappas, "{:9.1e}")
    for name in ("meme", "chebyshev", "lanczos"):
        line(f"printed: {name}", [getattr(row, name) for row in TABLE_2_1])
    for name in columns[0]:
        line(name, [column[name] for column in columns])
    ratios = [
        column["preconditioned"] / min(column["imate 50 x 30"], column["linear_operator 50 x 30"]) for column in columns
    ]
    line("preconditioned / better of peers", ratios, "{:9.3f}")
    print("limits: .012 at l = .05 and .15, .007 from .25 on; ratio .5 from .25 on")
    print(f"{'share of runs':34}   in 3 SE  in interval")
    for name in held[0]:
        within, inside = np.mean([one[name] for one in held], axis=0)
        print(f"{name:34}{within:10.1%}{inside:12.1%}")


def large(n=4000, seeds=3):
    print(f"\nn = {n}, {PRODUCTS} products, medians of {seeds} seeds (limit: .35 of plain SLQ)")
    for row in (TABLE_2_1[4], TABLE_2_1[8]):
        errors = {"preconditioned": [], "slq": []}
        held = {name: [] for name in errors}
        for seed in range(seeds):
            K = kernel(row, n, seed)
            A = dense(K) if n <= 5000 else K
            factor = linalg.cholesky(dense(K).numpy(), lower=True, overwrite_a=True, check_finite=False)
            truth = 2.0 * float(np.log(np.diag(factor)).sum())
            del factor
            for name, found in errors.items():
                y = logdet(A, method=name, products=PRODUCTS, lower_bound=NOISE, generator=seeded(100 + seed))
                found.append(abs(y.value / truth - 1.0))
                held[name].append((abs(y.value - truth) <= 3 * y.standard_error, y.lower <= truth <= y.upper))
        ours, plain = (float(np.median(found)) for found in errors.values())
        shares = "; ".join(
            "{}: in 3 SE {:.0%}, in interval {:.0%}".format(name, *np.mean(one, 0)) for name, one in held.items()
        )
        print(
            f"l = {row.lengthscale}: preconditioned {ours:.4f}, slq {plain:.4f}, ratio {ours / plain:.3f}; {shares}",
            flush=True,
        )


def oracle(name):
    """``(operator, lower bound, truth)``; None where its data are not here."""
    source, rho, truth = ORACLES[name]
    if name.startswith("Poisson"):
        T = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(source, source))
        identity = sparse.eye_array(source)
        A = (sparse.kron(T, identity) + sparse.kron(identity, T)).tocsr()
        low = 8.0 * np.sin(np.pi / (2 * source + 2)) ** 2
        return sc.SparseOperator(A, interval=(low, 8.0 - low), symmetric=True), None, truth
    if source == "diabetes":
        from sklearn.datasets import load_diabetes

        X = load_diabetes(scaled=False).data
    elif not os.environ.get("EIGENSCOPE_DATA"):
        return None
    elif rho is not None:
        parts = np.load(Path(os.environ["EIGENSCOPE_DATA"], "sparse", f"{source}.npz"))
        W = sparse.csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=parts["shape"])
        return spatial_operator(W, rho), None, truth
    else:
        X = np.loadtxt(Path(os.environ["EIGENSCOPE_DATA"], "regression", f"{source}.csv.gz"), delimiter=",")[:, :-1]
    K = KernelOperator(standardised(X)[0], RBF(1.0), noise=0.01)
    return sc.as_operator(dense(K)), 0.01, truth


def oracles(seeds=40, methods=("preconditioned", "slq", "chebyshev", "meme")):
    print(f"\nOracles, {PRODUCTS} products, {seeds} seeds: within 3 SE / in interval / median relative error")
    print(f"{'':24}{'n':>8}{'exact':>10}" + "".join(f"{name:>28}" for name in methods))
    for name in ORACLES:
        found = oracle(name)
        if found is None:
            continue
        A, low, truth = found
        exact = logdet(A, method="exact").value
        digits = len(str(ORACLES[name][2]).split(".")[1])
        cells = []
        for method in methods:
            start, rows = time.perf_counter(), []
            for seed in range(seeds):
                y = logdet(A, method=method, products=PRODUCTS, lower_bound=low, generator=seeded(seed))
                rows.append(
                    (
                        abs(y.value - exact) <= 3 * y.standard_error,
                        y.lower <= exact <= y.upper,
                        abs(y.value / exact - 1.0),
                    )
                )
            rows = np.array(rows, dtype=float)
            took = (time.perf_counter() - start) / seeds
            cells.append(
                f"{rows[:, 0].mean():6.1%} {rows[:, 1].mean():6.1%} {np.median(rows[:, 2]):.4f} {took:4.1f}s".rjust(28)
            )
        agrees = "agrees" if round(exact, digits) == truth else f"{exact:.{digits}f}"
        print(f"{name:24}{A.shape[0]:8d}{agrees:>10}" + "".join(cells), flush=True)


def main():
    asked = sys.argv[1:] or ["table", "large", "oracles"]
    numbers = [int(word) for word in asked if word.isdigit()]
    for word, work in {"table": table, "large": large, "oracles": oracles}.items():
        if word in asked:
            work(*numbers) if word != "large" else work(seeds=numbers[0]) if numbers else work()
    if "huge" in asked:
        large(n=10_000, seeds=1)


if __name__ == "__main__":
    main()
