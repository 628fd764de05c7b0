"""Matrices in files: every format gives the same matrix, every bad file one sentence."""

import gzip
import io

import numpy as np
import pytest
from scipy import io as scipy_io
from scipy import sparse

from spectral_core.matrix_files import read_matrix
from tests.damage import cut, overwritten

A = np.array([[2.0, -1.0, 0.0], [-1.0, 3.0, -0.25], [0.0, -0.25, 4.0]])
HEADER = b"%%MatrixMarket matrix coordinate real general\n"


def npz(matrix):
    stream = io.BytesIO()
    sparse.save_npz(stream, matrix)
    return stream.getvalue()


def numpy_file(save, *arrays, **named):
    stream = io.BytesIO()
    save(stream, *arrays, **named)
    return stream.getvalue()


def market(matrix, **options):
    stream = io.BytesIO()
    scipy_io.mmwrite(stream, matrix, **options)
    return stream.getvalue()


FORMATS = {
    "csr": npz(sparse.csr_array(A)),
    "coo": npz(sparse.coo_array(A)),
    "dia": npz(sparse.dia_array(A)),
    "market, symmetric": market(sparse.coo_array(A)),
    "market, general": market(sparse.coo_array(A), symmetry="general"),
    "market, array": market(A),
    "market, gzipped": gzip.compress(market(sparse.coo_array(A))),
    "arr_0": numpy_file(np.savez, A),
    "another name": numpy_file(np.savez, K=A),
    "npy": numpy_file(np.save, A),
    "integers and float32": numpy_file(np.save, A.astype(np.float32)),
}


@pytest.mark.parametrize("case", FORMATS)
def test_every_format_gives_the_same_matrix(case):
    file = read_matrix(FORMATS[case], name="a.dat")
    dense = file.matrix.toarray() if sparse.issparse(file.matrix) else file.matrix
    np.testing.assert_array_equal(dense, A)
    assert dense.dtype == np.float64
    assert (file.n, file.notes) == (3, ())


def test_rounding_is_taken_out_and_said():
    rounded = A.copy()
    rounded[0, 1] += 1e-12
    file = read_matrix(numpy_file(np.save, rounded))
    np.testing.assert_array_equal(file.matrix, file.matrix.T)
    assert "rounding" in file.notes[0]


def test_a_pattern_is_ones():
    text = b"%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 1\n2 1\n"
    np.testing.assert_array_equal(read_matrix(text).matrix.toarray(), [[1.0, 1.0], [1.0, 0.0]])


def test_asymmetric_where_that_is_allowed():
    W = np.array([[0.0, 1.0], [0.5, 0.0]])
    np.testing.assert_array_equal(read_matrix(numpy_file(np.save, W), symmetric=False).matrix, W)


class Evil:
    def __reduce__(self):
        return (print, ("pickle was run",))


BAD = {
    "empty": (b" \n", "is empty"),
    "text": (b"hello, world\n", "neither"),
    "binary": (bytes(range(256)) * 9, "binary"),
    "csv": (b"1,2\n3,4\n", "neither"),
    "not square": (npz(sparse.csr_array(np.ones((2, 3)))), "2 x 3: it must be square"),
    "dense, not square": (numpy_file(np.save, np.ones((2, 3))), "it must be square"),
    "no rows": (numpy_file(np.save, np.ones((0, 0))), "at least one row"),
    "a vector": (numpy_file(np.savez, np.ones(3)), "1-dimensional"),
    "not symmetric": (numpy_file(np.save, np.array([[1.0, 2.0], [3.0, 4.0]])), "not symmetric"),
    "sparse, not symmetric": (npz(sparse.csr_array(np.triu(A))), "not symmetric"),
    "nan": (numpy_file(np.save, np.array([[1.0, np.nan], [np.nan, 4.0]])), "NaN or infinite"),
    "market, inf": (HEADER + b"2 2 1\n1 1 inf\n", "NaN or infinite"),
    "market, word": (HEADER + b"2 2 1\n1 1 heavy\n", "NaN or infinite"),
    "market, cut": (HEADER + b"3 3 4\n1 2 1.0\n2 3 1.0\n", "header promises"),
    "market, ragged": (HEADER + b"3 3 2\n1 2 1.0\n2 3 1.0 7\n", "differ in length"),
    "market, header only": (HEADER, "header is broken"),
    "market, nothing follows": (HEADER + b"3 3 4\n", "none follow"),
    "market, absurd": (HEADER + b"4000000000 4000000000 1\n1 1 1.0\n", "declares"),
    "market, complex": (HEADER.replace(b"real", b"complex") + b"2 2 1\n1 2 1 1\n", "real"),
    "market, out of range": (HEADER + b"3 3 1\n1 9 1.0\n", "from 1 to 3"),
    "npz, two arrays": (numpy_file(np.savez, A, A), "keep one array"),
    "npz, complex": (npz(sparse.csr_array(A * 1j)), "real numbers"),
    "npz, cut": (npz(sparse.csr_array(A))[:-30], "cut or damaged"),
    "npz, bomb": (npz(sparse.csr_array(np.ones((500, 500)))), "limit"),
    "npy, cut": (numpy_file(np.save, A)[:-8], "cut"),
    "npy, pickle": (numpy_file(np.save, np.array([Evil()], dtype=object)), "pickled"),
    "npz, pickle": (numpy_file(np.savez, np.array([[Evil()]], dtype=object)), "pickled"),
    "words": (numpy_file(np.save, np.array([["a", "b"], ["c", "d"]])), "real numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_file_gets_one_sentence(case, capsys):
    data, said = BAD[case]
    with pytest.raises(ValueError, match=r"^bad\.dat cannot be read as a matrix: ") as caught:
        read_matrix(data, name="bad.dat", max_bytes=10**5)
    sentence = str(caught.value)
    assert said in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("case", FORMATS)
def test_damaged_files_raise_nothing_but_value_errors(case):
    for copy in [*cut(FORMATS[case]), *overwritten(FORMATS[case], np.random.default_rng(0))]:
        try:
            read_matrix(copy, max_bytes=10**7)
        except ValueError as error:
            assert "\n" not in str(error), str(error)  # noqa: PT017


def test_the_files_of_spatial_weights(data):
    for name, n in (("USCounties", 3111), ("wrld_1deg", 15260)):
        file = read_matrix(data / "sparse" / f"{name}.npz")
        assert file.n == n
        assert abs(file.matrix - file.matrix.T).max() == 0
