"""Exact eigenvalues in a process that can be killed."""

import os
import subprocess
import tempfile
import time

import numpy as np
import pytest
import scipy.sparse

from spectral_core import exact


@pytest.fixture
def always_a_child(monkeypatch, tmp_path):
    monkeypatch.setattr(exact, "SMALL", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    children = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            children.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield children
    assert os.listdir(tmp_path) == []


def path_laplacian(n, **kwargs):
    return scipy.sparse.diags_array([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1], **kwargs)


def path_eigenvalues(n):
    return 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("make", [scipy.sparse.csr_array, scipy.sparse.coo_matrix, lambda A: A.toarray()])
def test_values_of_a_path(always_a_child, make, dtype):
    values = exact.exact_eigenvalues(make(path_laplacian(40).astype(dtype)))
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, path_eigenvalues(40), atol=1e-13)
    assert len(always_a_child) == 1


def test_repeated_entries_of_a_sparse_matrix_add_up(always_a_child):
    doubled = scipy.sparse.csr_array(([1.0, 1.0, 2.0], [1, 1, 0], [0, 2, 3]), shape=(2, 2))
    np.testing.assert_allclose(exact.exact_eigenvalues(doubled), [-2.0, 2.0])


def test_a_small_matrix_needs_no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    np.testing.assert_allclose(exact.exact_eigenvalues(path_laplacian(100)), path_eigenvalues(100), atol=1e-13)


def test_closing_kills_the_child_and_removes_its_files(always_a_child):
    steps = exact.exact_eigenvalue_steps(path_laplacian(4000))
    fractions = [next(steps)[0] for _ in range(3)]
    assert fractions == sorted(fractions)
    [child] = always_a_child
    os.kill(child, 0)  # it lives
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 2  # the child has minutes of work left
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_the_child_dies_with_its_parent(always_a_child):
    steps = exact.exact_eigenvalue_steps(path_laplacian(4000))
    next(steps)
    frame = steps.gi_yieldfrom.gi_frame.f_locals["child"]
    frame.stdin.close()  # what the end of this process would do
    assert frame.wait(timeout=2) == 1
    with pytest.raises(ValueError, match="unexpectedly"):
        list(steps)


def test_a_killed_child_is_a_sentence_about_memory(always_a_child):
    steps = exact.exact_eigenvalue_steps(path_laplacian(4000))
    next(steps)
    os.kill(always_a_child[0], 9)
    with pytest.raises(ValueError, match=r"n = 4000 need about 0\.3 GB of free memory"):
        list(steps)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.ones((2, 3)), "square"),
        (np.zeros((0, 0)), "square"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), "symmetric"),
        (scipy.sparse.csr_array([[0.0, 1.0], [2.0, 0.0]]), "symmetric"),
        (np.array([[np.nan]]), "finite"),
        (np.array([[np.inf, 1.0], [1.0, np.inf]]), "finite"),
        (np.array([[1j]]), "real"),
        (path_laplacian(6), "up to n = 5"),
    ],
)
def test_what_is_refused(matrix, said):
    with pytest.raises(ValueError, match=said):
        exact.exact_eigenvalues(matrix, largest=5)
