"""Matrices in files: Matrix Market, SciPy's sparse npz, NumPy's npz and npy; nothing in a file is ever run."""

import io
import math
import re
import warnings
import zipfile
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spectral_core.file_bytes import file_bytes, plain_text, unpacked

__all__ = ["Entries", "MatrixFile", "archive_arrays", "market_entries", "read_matrix", "sparse_entries"]

MAX_BYTES = 200 * 2**20
MAX_ROWS = 2 * 10**7  # more are believed only of a file that has as many entries
ROUNDING = 1e-8  # of the largest entry: what A and A.T may differ by in a file with few digits
HEADER = re.compile(
    rb"%%MatrixMarket[ \t]+matrix[ \t]+(?P<layout>coordinate|array)[ \t]+(?P<field>[\w-]+)[ \t]+(?P<symmetry>[\w-]+)"
    rb"[^\n]*\n(?:[ \t]*(?:%[^\n]*)?\n)*(?P<sizes>[^\n]+)(?:\n|$)",
    re.IGNORECASE,
)
DAMAGED = "its npz archive is cut or damaged: fetch the file again."
KINDS = "Matrix Market, SciPy's sparse npz, or NumPy's npz or npy"


@dataclass(frozen=True, eq=False)
class Entries:
    """The entries of a square matrix of order `n`; `values` is None for a pattern of ones.

    Where `symmetric`, only one triangle is listed.
    """

    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray | None
    n: int
    symmetric: bool = False


@dataclass(frozen=True, eq=False)
class MatrixFile:
    """A square matrix of finite real numbers: SciPy CSR or a dense array, float64; `notes` says what was changed."""

    matrix: object
    name: str
    notes: tuple[str, ...] = ()

    @property
    def n(self):
        """Order of the matrix."""
        return self.matrix.shape[0]


def read_matrix(source, *, name=None, symmetric=True, max_bytes=MAX_BYTES):
    """The square matrix of a file. The content decides its format, not its name.

    Matrix Market (general or symmetric, coordinate or array), what `scipy.sparse.save_npz` wrote, and one dense array
    written by `numpy.savez` or `numpy.save`; text may be gzipped.

    Parameters
    ----------
    source : path, bytes or binary file object
    name : str, optional
        The file's name, for messages, where `source` does not tell.
    symmetric : bool
        Whether to refuse a matrix with ``max |A - A.T|`` above 1e-8 of its largest entry; a smaller difference is
        rounding, and taken out by ``(A + A.T) / 2``.
    max_bytes : int
        Largest file read, and largest content unpacked.

    Returns
    -------
    MatrixFile

    Raises
    ------
    ValueError
        One sentence: the file is missing, empty, too large, cut or of another kind; the matrix is not square, not
        real, not finite, or not symmetric.

    Examples
    --------
    >>> text = b"%%MatrixMarket matrix coordinate real symmetric\\n2 2 3\\n1 1 2\\n2 1 -1\\n2 2 2\\n"
    >>> read_matrix(text).matrix.toarray().tolist()
    [[2.0, -1.0], [-1.0, 2.0]]
    """
    data, name = file_bytes(source, name, max_bytes, "a matrix")
    try:
        matrix = _parsed(unpacked(data, max_bytes), max_bytes)
        values = matrix.data if sparse.issparse(matrix) else matrix
        if not np.isfinite(values).all():
            raise ValueError("it holds NaN or infinite entries: remove or replace them.")
        notes = ()
        if symmetric:
            gap, largest = float(abs(matrix - matrix.T).max()), float(abs(matrix).max())
            if gap > ROUNDING * largest:
                raise ValueError(
                    f"its matrix is not symmetric (A and its transpose differ by up to {gap:.3g}, the largest entry is "
                    f"{largest:.3g}): give (A + A.T) / 2, or A.T A for singular values; the matrix "
                    "of spatial weights W is I - rho W."
                )
            if gap > 0:
                matrix = (matrix + matrix.T) / 2.0
                notes = (f"A and its transpose differ by up to {gap:.1e}, which is rounding: (A + A.T) / 2 was taken.",)
    except MemoryError:
        raise ValueError(f"{name} does not fit into this machine's memory: give a smaller file.") from None
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as a matrix: {' '.join(str(error).split())}") from None
    return MatrixFile(matrix, name, notes)


def _parsed(data, max_bytes):
    """The matrix in the format that the content shows."""
    if not data.strip():
        raise ValueError("it is empty.")
    if data.startswith(b"\x93NUMPY"):
        stream = io.BytesIO(data)
        _check_member("the file", stream, len(data))
        try:
            array = np.load(io.BytesIO(data), allow_pickle=False)
        except Exception:  # NumPy has several for a file that is cut
            raise ValueError("its array is cut: fetch the file again.") from None
        return _dense(array)
    if data.startswith(b"PK"):
        parts = archive_arrays(data, max_bytes)
        if len(parts) == 1:
            return _dense(*parts.values())
        if not {"data", "format", "shape"} & parts.keys():
            raise ValueError(
                f"its npz archive holds {', '.join(sorted(parts))[:80] or 'nothing'}: keep one array, or write one sparse "
                "matrix with scipy.sparse.save_npz."
            )
        entries = sparse_entries(parts)
    else:
        data = plain_text(data, KINDS).lstrip()
        if data[:14].lower() != b"%%matrixmarket":
            raise ValueError(f"it is neither {KINDS}.")
        entries = market_entries(data)
    rows, cols, n = entries.rows, entries.cols, entries.n
    if n > max(MAX_ROWS, 4 * len(rows)):
        raise ValueError(f"it declares {n:,} rows but has {len(rows):,} entries: correct its size line.")
    values = np.ones(len(rows)) if entries.values is None else entries.values.astype(np.float64)
    if entries.symmetric:
        off = rows != cols
        rows, cols, values = np.r_[rows, cols[off]], np.r_[cols, rows[off]], np.r_[values, values[off]]
    return sparse.csr_array((values, (rows, cols)), shape=(n, n))


def _dense(array):
    if array.ndim != 2:
        raise ValueError(f"its array is {array.ndim}-dimensional: a matrix has two dimensions.")
    _check_square(*array.shape)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"its entries are of type {array.dtype}: they must be real numbers.")
    return array.astype(np.float64)


def market_entries(data):
    """The `Entries` of Matrix Market text; the header decides layout, symmetry and pattern.

    Read here rather than by scipy.io.mmread, which crashes the interpreter on some files that are cut.
    """
    found = HEADER.match(data)
    sizes = found["sizes"].split() if found else []
    layout = found["layout"].lower() if found else b""
    if len(sizes) != {b"coordinate": 3, b"array": 2}.get(layout) or not all(size.isdigit() for size in sizes):
        raise ValueError(
            "its Matrix Market header is broken: the first line must be like '%%MatrixMarket matrix coordinate real "
            "symmetric', the first other line 'rows columns entries'."
        )
    field, symmetry = found["field"].lower(), found["symmetry"].lower()
    _check_square(*map(int, sizes[:2]))
    if field == b"complex" or symmetry in (b"skew-symmetric", b"hermitian"):
        raise ValueError(
            f"its matrix is {field.decode()}, {symmetry.decode()}: entries must be real, the matrix general or symmetric."
        )
    n, symmetric, pattern = int(sizes[0]), symmetry == b"symmetric", field == b"pattern"
    promised = int(sizes[2]) if layout == b"coordinate" else n * (n + 1) // 2 if symmetric else n * n
    if not promised:
        return Entries(*np.zeros((2, 0), dtype=np.int64), None, n, symmetric)
    table = _number_table(data[found.end() :])
    width = (2 if pattern else 3) if layout == b"coordinate" else 1
    if len(table) != promised or table.shape[1] != width or table.isna().any(axis=None):
        raise ValueError(
            f"its header promises {promised:,} x {width} numbers but {len(table):,} x {table.shape[1]} follow: the file is "
            "cut or damaged."
        )
    values = None if pattern else _numbers(table[width - 1])
    if layout == b"array":
        cols, rows = np.triu_indices(n) if symmetric else np.indices((n, n)).reshape(2, -1)  # column by column
        return Entries(rows, cols, values, n, symmetric)
    rows, cols = table[0].to_numpy(), table[1].to_numpy()
    integers = rows.dtype.kind in "iu" and cols.dtype.kind in "iu"
    if not integers or min(rows.min(), cols.min()) < 1 or max(rows.max(), cols.max()) > n:
        raise ValueError(f"its row and column numbers must be integers from 1 to {n:,}, as its header says: mend them.")
    return Entries(rows - 1, cols - 1, values, n, symmetric)


def _number_table(body):
    """Rows of fields that blanks separate, as a pandas table."""
    import pandas as pd  # here, since it takes half a second

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return pd.read_csv(
                io.BytesIO(body),
                sep=r"\s+",
                header=None,
                engine="c",
                low_memory=False,
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                encoding="utf-8",
            )
    except pd.errors.EmptyDataError:
        raise ValueError("its header promises entries but none follow: the file is cut.") from None
    except (pd.errors.ParserError, Warning, ValueError, OverflowError):
        raise ValueError("its rows differ in length or break: the file is cut or damaged.") from None


def _numbers(column):
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").to_numpy()  # a word becomes NaN


def archive_arrays(data, max_bytes):
    """The arrays of an npz archive by name; no pickle is ever loaded, nothing unpacked beyond the limit."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # whatever the parser makes of a cut directory
        raise ValueError(DAMAGED) from None
    with archive:
        _check_members(archive, max_bytes)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except Exception:  # zlib, zipfile and NumPy each have their own
        raise ValueError(DAMAGED) from None


def sparse_entries(parts):
    """The `Entries` of the arrays that `scipy.sparse.save_npz` writes."""
    kind = "".join(np.ravel(parts.get("format", "csr"))[:1].astype(str).tolist())
    needed = {"coo": ("row", "col"), "dia": ("offsets",)}.get(kind, ("indices", "indptr"))
    if kind not in ("csr", "csc", "coo", "dia", "bsr") or not {"data", *needed} <= parts.keys():
        raise ValueError(
            f"its npz archive holds {', '.join(sorted(parts))[:80] or 'nothing'} instead of one sparse matrix: write "
            "it with scipy.sparse.save_npz."
        )
    shape = (
        tuple(int(side) for side in np.ravel(parts["shape"])) if "shape" in parts else (len(parts["indptr"]) - 1,) * 2
    )
    if len(shape) != 2:
        raise ValueError(f"its array is {len(shape)}-dimensional: a matrix has two dimensions.")
    _check_square(*shape)
    if parts["data"].dtype.kind not in "biuf":
        raise ValueError(f"its entries are of type {parts['data'].dtype}: they must be real numbers.")
    try:
        if kind == "coo":
            matrix = sparse.coo_array((parts["data"], (parts["row"], parts["col"])), shape=shape)
        elif kind == "dia":
            matrix = sparse.dia_array((parts["data"], parts["offsets"]), shape=shape)
        else:
            build = {"csr": sparse.csr_array, "csc": sparse.csc_array, "bsr": sparse.bsr_array}[kind]
            matrix = build((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
            matrix.check_format(full_check=True)  # an index out of range would be read beyond the array
        matrix = matrix.tocoo()
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ValueError(f"its sparse matrix is inconsistent ({str(error).rstrip('.')}): write it again.") from None
    return Entries(*matrix.coords, matrix.data, matrix.shape[0])


def _check_members(archive, max_bytes):
    """Refuse bombs, pickles, and headers that promise more than the archive holds, before anything is allocated."""
    total = sum(info.file_size for info in archive.infolist())
    if total > max_bytes:
        raise ValueError(
            f"its npz archive unpacks to {total:,} bytes, the limit is {max_bytes:,}: give a smaller file."
        )
    names = [info.filename for info in archive.infolist()]
    if not all(name.endswith(".npy") for name in names):
        raise ValueError("it is a zip archive but not SciPy's npz: unpack it first.")
    for info in archive.infolist():
        try:
            file = archive.open(info)
        except Exception:  # a broken directory, a password
            raise ValueError(f"its member {info.filename} is not a NumPy array: fetch the file again.") from None
        with file:
            _check_member(f"its member {info.filename}", file, info.file_size)


def _check_member(what, file, size):
    """Read an npy header: no objects, and no more numbers promised than there are bytes."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except Exception:  # zlib, zipfile, NumPy and the tokeniser each have their own
        raise ValueError(f"{what} is not a NumPy array: fetch the file again.") from None
    if dtype.hasobject:
        raise ValueError(f"{what} holds pickled Python objects, which are never loaded.")
    if math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"{what} is cut: fetch the file again.")


def _check_square(rows, columns):
    if rows != columns:
        raise ValueError(f"its matrix is {rows:,} x {columns:,}: it must be square.")
    if rows == 0:
        raise ValueError("its matrix is empty: it needs at least one row.")
