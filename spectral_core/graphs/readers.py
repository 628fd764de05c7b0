"""From a file to a graph: whatever the format, one sentence for each thing changed, one for each thing wrong."""

import re
from pathlib import Path

from spectral_core.file_bytes import file_bytes, plain_text, unpacked
from spectral_core.graphs.graph import DIRECTED, check_choice, from_edges

__all__ = ["read_graph"]

MAX_BYTES = 2**30
MAX_NODES = 2 * 10**7  # more are believed only of a file that has as many rows


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
    data, name = file_bytes(source, name, max_bytes, "a graph")
    try:
        data = unpacked(data, max_bytes)
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
    data = plain_text(data, "text, gzipped text or SciPy's npz")
    head = data[:4096].lstrip()
    if head[:14].lower() == b"%%matrixmarket":
        return matrix_market(data.lstrip())
    if head.startswith(b"<"):
        return graphml(data)
    if re.search(rb"(?m)^\s*graph\s*\[", head) or (re.match(rb"Creator\b", head) and re.search(rb"\bgraph\s*\[", data)):
        return gml(data)
    return edge_list(data, one_based=name.lower().removesuffix(".gz").endswith(".mtx"))
