"""Work that can not be interrupted, in a process that can be killed.

LAPACK and SuperLU hold their core to the end once they have begun. Here they run in a child process, which dies with
the generator that waits for it, with the process that started it, and at the end of the time it was given. This file is
both sides: the parent imports it, the child runs it by its path and imports NumPy and SciPy only.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Generator
from pathlib import Path

import numpy as np

__all__ = ["child_steps"]

OUT_OF_MEMORY = 3  # exit code of the child
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def child_steps(
    task: str,
    parts: dict[str, np.ndarray],
    *,
    expected: float,
    seconds: float = float("inf"),
    memory: int = 0,
    threads: int = 1,
) -> Generator[tuple[float, None], None, dict[str, np.ndarray]]:
    """Yield ``(fraction, None)`` about every 0.1 s while the child works, and return its arrays.

    Parameters
    ----------
    task : str
        A key of `TASKS`.
    parts : dict of arrays
        What the task is given.
    expected : float
        Seconds; the fraction is what has passed of them, never above 0.99.
    seconds : float
        The child is killed after so many.
    memory : int
        Bytes of address space the child may take, where the platform can limit them; 0 is no limit.
    threads : int
        BLAS threads of the child.

    Returns
    -------
    dict of arrays
        By ``answer = yield from child_steps(...)``. Closing the generator kills the child and removes its files.

    Raises
    ------
    MemoryError, TimeoutError
        It needs more than there is. A child that is killed from outside counts as out of memory.
    ValueError
        The child crashed.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eigenvalues-") as folder:
        np.savez(Path(folder, "parts.npz"), **parts)
        # By path and with -P, so that the child imports nothing else of this package.
        command = [sys.executable, "-P", __file__, task, folder, str(memory)]
        environment = os.environ | {name: str(threads) for name in THREADS}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
            try:
                while _still_running(child):
                    passed = time.monotonic() - start
                    if passed > seconds:
                        raise TimeoutError
                    yield min(0.99, passed / expected), None
                complaint = child.stderr.read().decode(errors="replace").strip()
            finally:
                child.kill()
        if child.returncode in (OUT_OF_MEMORY, -9):  # -9: killed, as a rule by the operating system for want of memory
            raise MemoryError
        if child.returncode != 0:
            last = complaint.splitlines()[-1] if complaint else f"exit code {child.returncode}"
            raise ValueError(f"The exact solver stopped unexpectedly ({last}).")
        with np.load(Path(folder, "answer.npz")) as answer:
            return dict(answer)


def _still_running(child: subprocess.Popen) -> bool:
    try:
        child.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return True
    return False


def dense(parts) -> np.ndarray:
    """The float64 matrix from its parts; repeated entries of a CSR matrix add up."""
    if "dense" in parts:
        return np.asarray(parts["dense"], dtype=np.float64)
    n, indptr = int(parts["n"]), parts["indptr"]
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.repeat(np.arange(n), np.diff(indptr)), parts["indices"]), parts["data"])
    return matrix


def eigenvalues(parts):
    """All eigenvalues, ascending."""
    return {"values": np.linalg.eigvalsh(dense(parts))}


def negative_pivots(parts):
    """The eigenvalues below ``parts["threshold"]``, counted; -1 where that is undecided. Explained in `inertia`."""
    from scipy import sparse

    n, threshold = int(parts["n"]), float(parts["threshold"])
    if "dense" in parts:
        matrix = sparse.csc_array(dense(parts))
    else:  # symmetric: its rows are its columns
        matrix = sparse.csc_array((parts["data"].astype(np.float64), parts["indices"], parts["indptr"]), shape=(n, n))
        matrix.sum_duplicates()
    scale = float(abs(matrix).sum(axis=0).max())
    below = _count(matrix, threshold, scale)
    if below is None:
        nudge = float(parts["nudge"]) * (scale or 1.0)
        lower, upper = (_count(matrix, threshold + step, scale) for step in (-nudge, nudge))
        below = lower if lower == upper else None
    return {"below": np.array(-1 if below is None else below)}


def _count(matrix, threshold, scale):
    """Negative pivots of ``A - threshold I = L D L.T``; None where pivots were exchanged or rounding may change one."""
    from scipy import sparse
    from scipy.sparse.linalg import splu

    n = matrix.shape[0]
    try:
        shifted = (matrix - threshold * sparse.eye_array(n, format="csc")).tocsc()
        factors = splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:
        if "alloc" in str(error).lower() or "memory" in str(error).lower():
            raise MemoryError(str(error)) from None
        return None  # a zero pivot
    if not np.array_equal(factors.perm_r, factors.perm_c):
        return None
    L, U = factors.L, factors.U
    longest = int(np.bincount(L.indices, minlength=n).max())
    growth = float((abs(L) @ (abs(U) @ np.ones(n))).max())
    rounding = np.finfo(np.float64).eps * (4 * longest * growth + scale + abs(threshold))
    pivots = U.diagonal()
    if not np.isfinite(rounding) or (pivots == 0).any():
        return None
    # The distance from the threshold to the nearest eigenvalue, by inverse iteration: from above, and near enough.
    vector = np.random.default_rng(0).standard_normal(n)
    distance = np.inf
    for _ in range(8):
        vector /= np.linalg.norm(vector)
        vector = factors.solve(vector)
        size = np.linalg.norm(vector)
        if not np.isfinite(size):
            return None
        distance = min(distance, 1.0 / size)
    return int((pivots < 0).sum()) if distance > 10.0 * rounding else None


def log_pivots(parts):
    """``log det A`` from the pivots of its factorisation, with the smallest and the largest entry they come from.

    ``smallest`` is the smallest pivot, at most 0 where A is not positive definite, and ``largest`` the largest diagonal
    entry of A.
    """
    if "dense" in parts:
        matrix = dense(parts)
        largest = matrix.diagonal().max()
        try:
            pivots = np.linalg.cholesky(matrix).diagonal() ** 2
        except np.linalg.LinAlgError:
            pivots = np.array([-np.inf])
    else:
        from scipy import sparse
        from scipy.sparse.linalg import splu

        n = int(parts["n"])
        matrix = sparse.csc_array((parts["data"].astype(np.float64), parts["indices"], parts["indptr"]), shape=(n, n))
        matrix.sum_duplicates()
        largest = matrix.diagonal().max()
        try:
            factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        except RuntimeError as error:
            if "alloc" in str(error).lower() or "memory" in str(error).lower():
                raise MemoryError(str(error)) from None
            pivots = np.array([-np.inf])  # a zero pivot
        else:
            kept = np.array_equal(factors.perm_r, factors.perm_c)  # else a pivot on the diagonal was 0
            pivots = factors.U.diagonal() if kept else np.array([-np.inf])
    smallest = pivots.min()
    value = np.log(pivots).sum() if smallest > 0 else np.nan
    return {"value": np.array(value), "smallest": np.array(smallest), "largest": np.array(largest)}


TASKS = {"eigenvalues": eigenvalues, "log_pivots": log_pivots, "negative_pivots": negative_pivots}


def _work(task: str, folder: Path, memory: int) -> None:
    """The child: parts.npz in, answer.npz out."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()  # dies with the parent
    code = 1
    try:
        if memory:
            _limit(memory)
        with np.load(folder / "parts.npz") as parts:
            answer = TASKS[task](dict(parts))
        np.savez(folder / "answer.npz", **answer)
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    except Exception as error:
        sys.stderr.write("".join(traceback.format_exception_only(error)))
        sys.stderr.flush()
    os._exit(code)  # past the thread that still waits for the parent


def _limit(memory):
    try:
        import resource
    except ImportError:  # a platform without such limits
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    _work(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
