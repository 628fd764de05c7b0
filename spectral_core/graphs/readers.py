"""From a file to a graph: whatever the format, one sentence for each thing changed, one for each thing wrong."""

import gzip
import io
import re
import zlib
from os import PathLike
from pathlib import Path

from spectral_core.graphs.graph import DIRECTED, check_choice, from_edges

__all__ = ["read_graph"]

MAX_BYTES = 2**30
CHUNK = 2**20
MAX_NODES = 2 * 10**7  # more are believed only of a file that has as many rows
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v")) + b"\x7f"
ARCHIVES = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7-zip", b"\x28\xb5\x2f\xfd": "zstd", b"Rar!": "rar"}


def read_graph(source, *, name=None, directed="union", self_loops="drop", max_bytes=MAX_BYTES):
    """The undirected graph of a file; `notes` says all that was changed.

    Edge lists (space-, tab-, comma- or semicolon-separated; comments ``#`` and ``%``; column names; an ``n m`` line;
    integer or string labels; a third column of weights, unless it holds times), Matrix Market (also rows without the
    header), GraphML, GML, SciPy's sparse npz; each also gzipped. The content decides, not the name.

    Parameters
    ----------
    source : path, bytes or binary file object
    name : str, optional
        The file's name, for messages and the graph's `name`, where `source` does not tell.
    directed : {"union", "reciprocal", "undirected"}
        What becomes of an edge listed in one direction only: kept, dropped, or kept with ``u v`` and ``v u`` as
        duplicates. See `from_edges` for weights. A file that says it is undirected is taken so.
    self_loops : {"drop", "keep"}
    max_bytes : int
        Largest file read, and largest content unpacked.

    Returns
    -------
    Graph
        At least two nodes and one edge.

    Raises
    ------
    ValueError
        One sentence: the file is missing, empty, too large, binary, cut, ragged or no graph; weights are NaN, infinite
        or negative; the matrix is not square; fewer than two nodes; no edge.

    Notes
    -----
    About 3 s and 0.8 GiB (torch's 0.35 included) for five million gzipped rows. Nothing is written to disk.

    >>> graph = read_graph(b"# a path with a tail\\nann bob\\nbob cid\\ncid ann\\ncid cid\\n", name="friends.txt")
    >>> graph.n, graph.edges, graph.name
    (3, 3, 'friends')
    >>> graph.notes
    ('Dropped 1 self-loop.', 'Each edge is listed in one direction and was read as undirected.')
    """
    check_choice("directed", directed, DIRECTED)
    check_choice("self_loops", self_loops, ("drop", "keep"))
    data, name = _content(source, name, max_bytes)
    try:
        data = _unpacked(data, max_bytes)
        rows, cols, options = _parsed(data, name, max_bytes)
        if options.pop("undirected", False):
            directed = "undirected"
        n = options.get("n")
        if n is not None and n > max(MAX_NODES, 4 * len(rows)):
            raise ValueError(f"it declares {n:,} nodes but has {len(rows):,} entries: correct its size line.")
        if not len(rows):
            raise ValueError("it has no edge: a graph needs at least one.")
        stem = re.sub(
            r"(\.(gz|txt|csv|tsv|mtx|edges|edgelist|graphml|gml|npz|xml|dat|el))+$", "", Path(name).name, flags=re.I
        )
        graph = from_edges(rows, cols, directed=directed, self_loops=self_loops, name=stem or "graph", **options)
        del rows, cols
        if graph.n < 2:
            raise ValueError("it has one node: a graph needs at least two.")
        if not graph.edges:
            why = "no edge is listed in both directions: take the union" if directed == "reciprocal" else "it had only "
            raise ValueError(
                f"no edge is left: {why}{'' if directed == 'reciprocal' else 'self-loops or weights of 0'}."
            )
    except MemoryError:
        raise ValueError(f"{name} does not fit into this machine's memory: give a smaller file.") from None
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as a graph: {' '.join(str(error).split())}") from None
    return graph


def _content(source, name, max_bytes):
    """The source's bytes and its name."""
    if isinstance(source, (str, PathLike)):
        path = Path(source)
        name = name or path.name
        if not path.is_file():
            raise ValueError(f"there is no file {path}: check its path.")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif hasattr(source, "read"):
        name = name or getattr(source, "name", None)
        data = source.read(max_bytes + 1)
        if not isinstance(data, bytes):
            raise ValueError(f"a file object must be opened in binary mode ('rb'); it gave {type(data).__name__}.")
    else:
        raise ValueError(f"a graph is read from a path, bytes or a binary file; got {type(source).__name__}.")
    name = str(name or "the file")
    if len(data) > max_bytes:
        raise ValueError(f"{name} is larger than {_size(max_bytes)}, the limit: give a smaller file.")
    return data, name


def _unpacked(data, max_bytes):
    """Undo gzip in pieces, never beyond the limit."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    pieces, total = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while piece := stream.read(CHUNK):
                pieces.append(piece)
                total += len(piece)
                if total > max_bytes:
                    raise ValueError(
                        f"its gzipped content is larger than {_size(max_bytes)}, the limit, and was not unpacked "
                        "further: give a smaller file."
                    )
    except EOFError:
        raise ValueError("its gzip stream is cut in the middle: fetch the file again.") from None
    except (OSError, zlib.error):
        raise ValueError("its gzip stream is damaged: fetch the file again.") from None
    return b"".join(pieces)


def _parsed(data, name, max_bytes):
    """``(rows, cols, options of from_edges)`` by the format that the content shows."""
    # here, since pandas and networkx take most of a second to import, and most sessions read no file
    from spectral_core.graphs.edge_lists import edge_list
    from spectral_core.graphs.markup import gml, graphml
    from spectral_core.graphs.matrix_files import matrix_market, scipy_npz

    if not data.strip():
        raise ValueError("it is empty.")
    if data.startswith(b"PK"):
        return scipy_npz(data, max_bytes)
    for magic, kind in ARCHIVES.items():
        if data.startswith(magic):
            raise ValueError(f"it is a {kind} archive: unpack it first (gzip is read as it is).")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if len(data.translate(None, CONTROL)) != len(data):
        raise ValueError("it is a binary file of no kind that is known here: give text, gzipped text or SciPy's npz.")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("it is not UTF-8 text: save it as UTF-8, or give text instead of a binary file.") from None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    head = data[:4096].lstrip()
    if head[:14].lower() == b"%%matrixmarket":
        return matrix_market(data.lstrip())
    if head.startswith(b"<"):
        return graphml(data)
    if re.search(rb"(?m)^\s*graph\s*\[", head) or (re.match(rb"Creator\b", head) and re.search(rb"\bgraph\s*\[", data)):
        return gml(data)
    return edge_list(data, one_based=name.lower().removesuffix(".gz").endswith(".mtx"))


def _size(count):
    return (
        f"{count / 2**30:g} GiB"
        if count >= 2**30
        else f"{count / 2**20:g} MiB"
        if count >= 2**20
        else f"{count:,} bytes"
    )
