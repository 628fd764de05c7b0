"""``log det`` of the five-point Laplacian of 10^6 nodes against its closed form, beside imate's, at equal error.

    python -m tests.benchmarks.sparse_log_determinant [side]

Prints, for each setting, the median over seeds of the relative error and of the seconds, by the clock and of all threads
together, ours and imate's in turn in one process and on as many threads; then the seconds that each takes to a given
error, by its fastest setting that reaches it; and the memory that each adds to the process at its peak.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

import spectral_core as sc
from spectral_core.estimators.logdet.averaged import averaged_steps
from spectral_core.sparse_products import cores

SEEDS = 5
OURS = (36, 72, 144, 208, 304)  # products
THEIRS = ((20, 4), (20, 10), (30, 10), (40, 10), (60, 20))  # Lanczos steps, probes
TARGETS = (1e-3, 5e-4, 2e-4, 1e-4)


def poisson(side):
    """The matrix, and ``sum_jk log(4 sin^2(j h) + 4 sin^2(k h))`` with ``h = pi / (2 side + 2)``."""
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    values = 4 * np.sin(np.pi * np.arange(1, side + 1) / (2 * (side + 1))) ** 2
    return sparse.csr_array(sparse.kronsum(line, line)), np.log(values[:, None] + values).sum()


def ours(matrix, products, seed):
    A = sc.SparseOperator(matrix, symmetric=True)
    *_, result = averaged_steps(A, products=products, generator=torch.Generator().manual_seed(seed))
    return result.value


def theirs(matrix, setting, seed):
    import imate

    steps, probes = setting
    return imate.logdet(
        matrix,
        method="slq",
        lanczos_degree=steps,
        min_num_samples=probes,
        max_num_samples=probes,
        num_threads=cores(),
        seed=seed,
    )


def added_memory(name, matrix):
    """MiB that one run adds to the peak of a fresh process that has read the matrix."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "matrix.npz")
        sparse.save_npz(path, matrix, compressed=False)
        command = [sys.executable, "-m", "tests.benchmarks.sparse_log_determinant", path, name]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure_memory(path, name):
    function, setting = {"ours": (ours, 144), "imate": (theirs, (20, 10))}[name]
    function(poisson(200)[0], setting, 0)  # import and compile
    matrix = sparse.load_npz(path)
    before = peak()
    function(matrix, setting, 0)
    print(peak() - before)


def peak():
    """MiB resident at most so far; not from `getrusage`, which a child process inherits from its parent."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def main(side):
    matrix, truth = poisson(side)
    print(f"{side}^2 = {side**2:,} rows, log det = {truth:.4f} (closed form); {cores()} threads, {SEEDS} seeds")
    ours(poisson(200)[0], 600, 0)  # compile
    settings = [("ours", ours, s) for s in OURS] + [("imate", theirs, s) for s in THEIRS]
    errors, seconds, cpu = {}, {}, {}
    for seed in range(SEEDS):
        for name, function, setting in settings:
            start, used = time.perf_counter(), time.process_time()
            value = function(matrix, setting, seed)
            seconds.setdefault((name, setting), []).append(time.perf_counter() - start)
            cpu.setdefault((name, setting), []).append(time.process_time() - used)
            errors.setdefault((name, setting), []).append(abs(value / truth - 1.0))
    table = [
        (*key, np.median(errors[key]), np.max(errors[key]), np.median(seconds[key]), np.median(cpu[key]))
        for key in errors
    ]
    print(f"{'':6} {'setting':>10} {'median error':>13} {'largest':>9} {'seconds':>8} {'CPU s':>8}")
    for name, setting, error, largest, took, used in table:
        label = f"{setting}" if name == "ours" else f"{setting[0]} x {setting[1]}"
        print(f"{name:6} {label:>10} {error:13.1e} {largest:9.1e} {took:8.2f} {used:8.2f}")
    for target in TARGETS:
        (took, used), (imates, imates_used) = (
            min(((row[4], row[5]) for row in table if row[0] == name and row[3] <= target), default=(np.inf, np.inf))
            for name in ("ours", "imate")
        )
        if not np.isfinite(imates):
            print(f"all seeds to {target:.0e}: ours {took:.2f} s; imate at none of these settings")
            continue
        print(
            f"all seeds to {target:.0e}: ours {took:.2f} s, imate {imates:.2f} s: {imates / took:.1f} times faster "
            f"(CPU seconds: {imates_used / used:.1f})"
        )
    print(
        f"peak memory added: ours {added_memory('ours', matrix):.0f} MiB, imate {added_memory('imate', matrix):.0f} MiB"
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure_memory(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
