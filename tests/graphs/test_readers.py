"""Formats, what the notes say, and one sentence for each bad file."""

import gzip
import io
import struct
import zipfile

import networkx as nx
import numpy as np
import pytest
from scipy import io as scipy_io
from scipy import sparse

from spectral_core.graphs import load, read_graph
from tests.damage import cut, overwritten


def matrix_market(matrix, **options):
    stream = io.BytesIO()
    scipy_io.mmwrite(stream, matrix, **options)
    return stream.getvalue()


def npz(matrix):
    stream = io.BytesIO()
    sparse.save_npz(stream, matrix)
    return stream.getvalue()


def plain_npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def graphml(graph):
    return "\n".join(nx.generate_graphml(graph)).encode()


def gml(graph):
    return "\n".join(nx.generate_gml(graph)).encode()


TRIANGLE = np.array([[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]])
ROWS = [(0, 1), (0, 2), (1, 2), (2, 3)]
TWIN = nx.Graph(ROWS)
TEXT = "\n".join(f"{u} {v}" for u, v in ROWS)
FORMATS = {
    "spaces": TEXT.encode(),
    "tabs": TEXT.replace(" ", "\t").encode(),
    "commas": TEXT.replace(" ", ", ").encode(),
    "semicolons": TEXT.replace(" ", ";").encode(),
    "windows": TEXT.replace("\n", "\r\n").encode() + b"\r\n",
    "old mac": TEXT.replace("\n", "\r").encode(),
    "blank lines and trailing blanks": ("\n\n" + TEXT.replace("\n", "  \n\n") + "\n\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "comments": b"# a\n% b\n" + TEXT.encode() + b"\n# c 9 9\n",
    "trailing tab": TEXT.replace(" ", "\t").replace("\n", "\t\n").encode() + b"\t\n",
    "column names": b"FromNodeId ToNodeId\n" + TEXT.encode(),
    "names at other places": b"Id,Source,Target\n" + b"".join(b"%d,%d,%d\n" % (i, *row) for i, row in enumerate(ROWS)),
    "size line": b"4 4\n" + TEXT.encode(),
    "size line, weights": b"4 4\n" + TEXT.replace("\n", " 1\n").encode() + b" 1",
    "floats": TEXT.replace(" ", ".0 ").replace("\n", ".0\n").encode() + b".0",
    "networkx data": b"".join(b"%d %d {}\n" % row for row in ROWS),
    "gzipped": gzip.compress(TEXT.encode()),
    "gzipped twice in a row": gzip.compress(TEXT[:8].encode()) + gzip.compress(TEXT[8:].encode()),
    "matrix market": matrix_market(sparse.coo_array(TRIANGLE)),
    "matrix market, symmetric": matrix_market(sparse.coo_array(TRIANGLE), symmetry="symmetric"),
    "matrix market, pattern": matrix_market(sparse.coo_array(TRIANGLE), field="pattern"),
    "matrix market, dense": matrix_market(TRIANGLE.astype(float), symmetry="general"),
    "matrix market, dense and symmetric": matrix_market(TRIANGLE.astype(float), symmetry="symmetric"),
    "npz csr": npz(sparse.csr_array(TRIANGLE)),
    "npz csc": npz(sparse.csc_matrix(TRIANGLE)),
    "npz coo": npz(sparse.coo_matrix(TRIANGLE)),
    "npz bsr": npz(sparse.bsr_matrix(TRIANGLE)),
    "npz dia": npz(sparse.dia_matrix(TRIANGLE)),
    "npz bool": npz(sparse.csr_array(TRIANGLE.astype(bool))),
    "graphml": graphml(TWIN),
    "gml": gml(TWIN),
    "gzipped gml": gzip.compress(gml(TWIN)),
}


@pytest.mark.parametrize("case", FORMATS)
def test_every_format_gives_the_same_graph(case):
    graph = read_graph(FORMATS[case])
    np.testing.assert_array_equal(graph.adjacency.toarray(), TRIANGLE)
    assert not graph.weighted


def test_headerless_matrix_market_counts_from_one():
    graph = read_graph(b"5 5 3\n2 1\n3 1\n3 2\n", name="m.mtx")
    assert (graph.n, graph.edges, graph.nodes.tolist()) == (5, 3, [1, 2, 3, 4, 5])
    assert "2 declared nodes have no edge and were kept" in graph.notes[0]


def test_a_first_edge_that_looks_like_a_size_line_is_an_edge():
    graph = read_graph(b"1 2\n2 3\n3 1\n")
    assert (graph.n, graph.edges) == (3, 3)
    assert graph.notes == ("Each edge is listed in one direction and was read as undirected.",)


@pytest.mark.parametrize("source", ["path", "text path", "file", "bytes"])
def test_sources_and_names(source, tmp_path):
    path = tmp_path / "roads.txt.gz"
    path.write_bytes(gzip.compress(b"a b\nb c\n"))
    with path.open("rb") as file:
        graph = {
            "path": lambda: read_graph(path),
            "text path": lambda: read_graph(str(path)),
            "file": lambda: read_graph(file),
            "bytes": lambda: read_graph(path.read_bytes(), name="roads.txt.gz"),
        }[source]()
    assert graph.name == "roads"
    assert graph.nodes.tolist() == ["a", "b", "c"]
    assert list(tmp_path.iterdir()) == [path]


def test_weights_and_what_is_no_weight():
    weighted = read_graph(b"0 1 2.5\n1 2 4\n")
    assert weighted.adjacency[0, 1] == 2.5
    assert "third column was read as the edges' weights" in weighted.notes[0]
    times = read_graph(b"0 1 1082040961\n1 2 1082155839\n")
    assert not times.weighted
    assert "looks like times" in times.notes[0]
    named = read_graph(b"source,target,timestamp,weight\n0,1,5,2\n1,2,6,3\n")
    assert named.adjacency[1, 2] == 3
    assert "1 further column was ignored" in " ".join(named.notes)
    ones = read_graph(b"0 1 1\n1 2 1\n")
    assert not ones.weighted
    attributes = read_graph(b"0 1 {'weight': 2.5}\n1 2 {'weight': 3}\n")
    assert attributes.adjacency[0, 1] == 2.5
    kinds = read_graph(b"0\t1\tknows\n1\t2\tlikes\n")
    assert "no numbers" in kinds.notes[0]


def test_weights_of_markup():
    twin = load("les_miserables")
    original = nx.les_miserables_graph()
    for data in (graphml(original), gml(original)):
        graph = read_graph(data)
        assert (graph.adjacency != twin.adjacency).nnz == 0
        assert list(graph.nodes) == list(twin.nodes)


def test_gml_with_undeclared_parallel_edges():
    data = b"graph [\n node [ id 1 ]\n node [ id 5 ]\n edge [ source 1 target 5 ]\n edge [ source 5 target 1 ]\n]\n"
    graph = read_graph(data)
    assert (graph.n, graph.edges, graph.notes) == (2, 1, ("Merged 1 duplicate row.",))


def test_string_labels_keep_leading_zeros_and_mixed_kinds():
    assert read_graph(b"007 a\na 7\n").nodes.tolist() == ["007", "a", "7"]
    assert read_graph(b'"Jean Valjean",Javert\nJavert,"Myriel, M."\n').n == 3
    assert read_graph("zoë,añil\nañil,b\n".encode()).nodes.tolist() == ["zoë", "añil", "b"]


def test_reciprocal_and_kept_loops():
    graph = read_graph(b"0 1\n1 0\n1 2\n2 2\n", directed="reciprocal", self_loops="keep")
    assert (graph.n, graph.edges) == (3, 2)
    assert "Kept 1 self-loop." in graph.notes


class Evil:
    def __reduce__(self):
        return (print, ("pickle was run",))


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><graphml>&b;</graphml>'
HEADER = b"%%MatrixMarket matrix coordinate real general\n"
BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "only comments": (b"# nothing\n% here\n", "only comments"),
    "only names": (b"source,target\n", "no edge"),
    "binary": (bytes(range(256)) * 9, "binary"),
    "image": (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
    "latin-1": ("zoë a\na b\n".encode("latin-1"), "UTF-8"),
    "bzip2": (b"BZh91AY&SY", "bzip2"),
    "sentences": (b"this is not a graph\njust a few words\nand nothing else at all\n", "rows are words"),
    "three lines of two words": (b"hello world\ngood morning\nsleep well\n", "text rather than an edge list"),
    "three lines of three words": (b"here we are\nwe are here\nare we here\n", "rows are words"),
    "one word a line": (b"alpha\nbeta\ngamma\n", "one column"),
    "one number a line": (b"1\n2\n3\n", "one column"),
    "table of measurements": (b"0.5 1.5\n2.5 0.25\n", "table of numbers"),
    "ragged": (b"0 1\n1 2 3\n", "no edge list"),
    "ragged, shorter": (b"0 1 2\n1 2\n3 4 1\n", "cut or ragged"),
    "cut in the last row": (b"0 1\n1 2\n2\n", "fewer than two nodes"),
    "nan": (b"0 1 1.5\n1 2 nan\n", "be numbers"),
    "inf": (b"0 1 1.5\n1 2 inf\n", "be finite"),
    "negative": (b"0 1 1.5\n1 2 -3\n", "not be negative"),
    "weight of words": (b"0 1 1.5\n1 2 heavy\n", "is not a number"),
    "one node": (b"7 7\n", "one node"),
    "only loops": (b"1 1\n2 2\n", "self-loops"),
    "none reciprocal": (b"0 1\n1 2\n", "take the union"),
    "size line of more rows": (b"9 12\n0 1 2.5\n1 2 3.5\n", "cut"),
    "cut gzip": (gzip.compress(TEXT.encode() * 99)[:-20], "cut in the middle"),
    "damaged gzip": (gzip.compress(TEXT.encode())[:-6] + b"xxxxxx", "damaged"),
    "gzip bomb": (gzip.compress(b"0 1\n" * 10**6), "limit"),
    "mtx, fewer rows": (HEADER + b"3 3 4\n1 2 1.0\n2 3 1.0\n", "header promises"),
    "mtx, many promised": (HEADER + b"3 3 999999999999\n1 2 1.0\n", "cut"),
    "mtx, more rows": (HEADER + b"3 3 1\n1 2 1.0\n2 3 1.0\n", "header promises"),
    "mtx, not square": (HEADER + b"3 4 1\n1 2 1.0\n", "square"),
    "mtx, index out of range": (HEADER + b"3 3 1\n1 9 1.0\n", "from 1 to 3"),
    "mtx, complex": (HEADER.replace(b"real", b"complex") + b"2 2 1\n1 2 1 1\n", "real"),
    "mtx, no entry": (HEADER + b"3 3 0\n", "no edge"),
    "mtx, absurd size": (HEADER + b"4000000000 4000000000 1\n1 2 1.0\n", "declares"),
    "mtx, header only": (HEADER, "header is broken"),
    "mtx, nan": (HEADER + b"2 2 1\n1 2 nan\n", "be numbers"),
    "headerless mtx, fewer rows": (b"5 5 7\n2 1\n3 1\n", "cut"),
    "npz, not square": (npz(sparse.csr_array(np.ones((2, 3)))), "square"),
    "npz, negative": (npz(sparse.csr_array(-TRIANGLE)), "not be negative"),
    "npz, complex": (npz(sparse.csr_array(TRIANGLE * 1j)), "real numbers"),
    "npz, pickle": (plain_npz(data=np.array([Evil()], dtype=object)), "pickled"),
    "npz, no matrix": (plain_npz(x=np.ones(3)), "holds x"),
    "npz, index out of range": (
        plain_npz(format=b"csr", shape=[2, 2], data=[1.0, 1.0], indices=[0, 99], indptr=[0, 1, 2]),
        "inconsistent",
    ),
    "npz, cut": (npz(sparse.csr_array(TRIANGLE))[:-30], "cut or damaged"),
    "npz, bomb": (npz(sparse.csr_array(np.ones((500, 500)))), "limit"),
    "zip": (plain_npz(x=np.ones(3)).replace(b"x.npy", b"x.txt"), "not SciPy's"),
    "xml entities": (BOMB, "refused"),
    "html": (b"<html><body>404</body></html>", "not GraphML"),
    "cut graphml": (graphml(TWIN)[:-40], "broken or cut"),
    "graphml, no edge": (graphml(nx.empty_graph(3)), "no edge"),
    "graphml, words for weights": (graphml(nx.Graph([(0, 1, {"weight": "big"})])), "weight"),
    "cut gml": (gml(TWIN)[:-40], "GML is not understood"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_file_gets_one_sentence(case, capsys):
    data, said = BAD[case]
    directed = "reciprocal" if case == "none reciprocal" else "union"
    with pytest.raises(ValueError, match=r"^bad\.dat cannot be read as a graph: ") as caught:
        read_graph(data, name="bad.dat", directed=directed, max_bytes=10**5)
    sentence = str(caught.value)
    assert said in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert capsys.readouterr().out == ""


def test_limits_and_sources(tmp_path):
    with pytest.raises(ValueError, match="larger than 10 bytes, the limit"):
        read_graph(b"0 1\n" * 9, max_bytes=10)
    with pytest.raises(ValueError, match="there is no file"):
        read_graph(tmp_path / "missing.txt")
    with pytest.raises(ValueError, match="binary mode"):
        read_graph(io.StringIO("0 1"))
    with pytest.raises(ValueError, match="got int"):
        read_graph(3)
    with pytest.raises(ValueError, match="'union'"):
        read_graph(b"0 1", directed="both")


def test_npz_member_that_promises_too_much():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for key in ("data", "indices", "indptr"):
            header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117) + b"\n"
            archive.writestr(f"{key}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(ValueError, match="is cut"):
        read_graph(stream.getvalue())


@pytest.mark.parametrize("case", FORMATS)
def test_damaged_files_raise_nothing_but_value_errors(case):
    rng = np.random.default_rng(0)
    data = FORMATS[case]
    damaged = [*cut(data), *overwritten(data, rng)]
    for _ in range(15):  # shuffled pieces of text
        copy = bytearray(data)
        first, second = np.sort(rng.integers(0, len(copy), size=2))
        damaged.append(bytes(copy[first:second] + copy[:first] + copy[second:]))
    for copy in damaged:
        try:
            read_graph(copy, max_bytes=10**7)
        except ValueError as error:
            assert "\n" not in str(error), str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "prefix", [b"", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"%%MatrixMarket matrix ", b"<graphml>", b"graph ["]
)
def test_random_bytes_raise_nothing_but_value_errors(prefix):
    rng = np.random.default_rng(1)
    alphabets = (np.arange(256), np.frombuffer(b"0123456789 \n\t,.-e#%\"'{}[]ab", np.uint8))
    for alphabet in alphabets:
        for size in rng.integers(1, 300, size=40):
            data = prefix + rng.choice(alphabet, size=size).astype(np.uint8).tobytes()
            try:
                read_graph(data, max_bytes=10**6)
            except ValueError as error:
                assert "\n" not in str(error), str(error)  # noqa: PT017
