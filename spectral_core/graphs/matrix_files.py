"""Matrix Market and SciPy's sparse npz: the matrix's entries as rows of an edge list."""

import io
import math
import re
import zipfile

import numpy as np
import pandas as pd
from scipy import sparse

from spectral_core.graphs.edge_lists import text_table

__all__ = ["matrix_market", "scipy_npz"]

HEADER = re.compile(
    rb"%%MatrixMarket[ \t]+matrix[ \t]+(?P<layout>coordinate|array)[ \t]+(?P<field>[\w-]+)[ \t]+(?P<symmetry>[\w-]+)"
    rb"[^\n]*\n(?:[ \t]*(?:%[^\n]*)?\n)*(?P<sizes>[^\n]+)(?:\n|$)",
    re.IGNORECASE,
)
DAMAGED = "its npz archive is cut or damaged: fetch the file again."


def matrix_market(data):
    """``(rows, cols, options)`` of Matrix Market text; the header decides layout, symmetry and pattern.

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
            f"its matrix is {field.decode()}, {symmetry.decode()}: edge weights must be real and not negative."
        )
    n, undirected, pattern = int(sizes[0]), symmetry == b"symmetric", field == b"pattern"
    promised = int(sizes[2]) if layout == b"coordinate" else n * (n + 1) // 2 if undirected else n * n
    if not promised:
        raise ValueError("it has no edge: a graph needs at least one.")
    table = text_table(data[found.end() :], " ", words=False)
    width = (2 if pattern else 3) if layout == b"coordinate" else 1
    if len(table) != promised or table.shape[1] != width or table.isna().any(axis=None):
        raise ValueError(
            f"its header promises {promised:,} rows of {width} numbers but {len(table):,} rows of {table.shape[1]} "
            "follow: the file is cut or damaged."
        )
    weights = None if pattern else pd.to_numeric(table[width - 1], errors="coerce").to_numpy()  # a word becomes NaN
    if layout == b"array":
        cols, rows = np.triu_indices(n) if undirected else np.indices((n, n)).reshape(2, -1)  # column by column
        return _entries(weights, rows, cols, n, undirected=undirected)
    rows, cols = table[0].to_numpy(), table[1].to_numpy()
    integers = rows.dtype.kind in "iu" and cols.dtype.kind in "iu"
    if not integers or min(rows.min(), cols.min()) < 1 or max(rows.max(), cols.max()) > n:
        raise ValueError(f"its row and column numbers must be integers from 1 to {n:,}, as its header says: mend them.")
    return _entries(weights, rows - 1, cols - 1, n, undirected=undirected)


def scipy_npz(data, max_bytes):
    """``(rows, cols, options)`` of what `scipy.sparse.save_npz` wrote; no pickle is ever loaded."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # whatever the parser makes of a cut directory
        raise ValueError(DAMAGED) from None
    with archive:
        _check_members(archive, max_bytes)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            parts = {key: arrays[key] for key in arrays.files}
    except Exception:  # zlib, zipfile and NumPy each have their own
        raise ValueError(DAMAGED) from None
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
        raise ValueError(f"its array has {len(shape)} dimensions: an adjacency matrix has two.")
    _check_square(*shape)
    if parts["data"].dtype.kind not in "biuf":
        raise ValueError(f"its entries are of type {parts['data'].dtype}: edge weights must be real numbers.")
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
    return _entries(matrix.data, *matrix.coords, matrix.shape[0])


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
            with archive.open(info) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
        except Exception:  # zlib, zipfile, NumPy and the tokeniser each have their own
            raise ValueError(f"its member {info.filename} is not a NumPy array: fetch the file again.") from None
        if dtype.hasobject:
            raise ValueError(f"its member {info.filename} holds pickled Python objects, which are never loaded.")
        if math.prod(shape) * dtype.itemsize > info.file_size:
            raise ValueError(f"its member {info.filename} is cut: fetch the file again.")


def _entries(data, rows, cols, n, *, undirected=False):
    """The entries other than 0 as rows of an edge list; of a symmetric matrix each pair once."""
    weights = None
    if data is not None and data.dtype.kind != "b":
        keep = data != 0
        rows, cols, weights = rows[keep], cols[keep], data[keep].astype(np.float64)
        weights = None if np.all(weights == 1) else weights
    return rows, cols, {"weights": weights, "n": n, "undirected": undirected}


def _check_square(rows, columns):
    if rows != columns:
        raise ValueError(f"its matrix is {rows:,} x {columns:,}: an adjacency matrix is square.")
