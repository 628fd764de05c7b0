"""The catalogue; downloads against a server on this machine: whole, wrong, missing, cut, stopped, cached."""

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spectral_core.graphs import catalogue, collection, download_steps, load

CONTENT = gzip.compress(b"".join(b"%d %d\n" % (i, i * i % 999983) for i in range(1, 60000)), mtime=0)


class Answers(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        Answers.requests += 1
        if "missing" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if "cut" in self.path else CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def entry(monkeypatch):
    entry = collection.CatalogueEntry(
        "test", "Test graph", "", "here", 0, 0, "download", "test.txt.gz", hashlib.sha256(CONTENT).hexdigest()
    )
    monkeypatch.setitem(collection.ENTRIES, "test", entry)


@pytest.mark.parametrize("entry", [e for e in catalogue() if e.kind == "packaged"], ids=lambda e: e.key)
def test_packaged_graphs_have_the_counts_they_state(entry):
    graph = load(entry.key)
    assert (graph.n, graph.edges, graph.name) == (entry.nodes, entry.edges, entry.key)
    assert list(download_steps(entry.key)) == [1.0]


def test_downloads_state_where_and_what():
    downloads = [e for e in catalogue() if e.kind == "download"]
    assert len({e.sha256 for e in downloads}) == len(downloads) >= 10
    assert all(e.url.startswith("https://snap.stanford.edu/data/") and len(e.sha256) == 64 for e in downloads)


@pytest.mark.usefixtures("entry")
def test_fetched_once_then_read_without_a_network(server, tmp_path):
    fractions = list(download_steps("test", cache=tmp_path, base_url=server))
    assert fractions == sorted(fractions)
    assert len(fractions) > 3
    assert fractions[-1] == 1.0
    asked = Answers.requests
    graph = load("test", cache=tmp_path, base_url="http://127.0.0.1:9")
    assert graph.name == "test"
    assert graph.edges > 50000
    assert Answers.requests == asked
    assert [path.name for path in tmp_path.iterdir()] == ["test.txt.gz"]


@pytest.mark.usefixtures("entry")
def test_a_damaged_cached_file_is_fetched_again(server, tmp_path):
    (tmp_path / "test.txt.gz").write_bytes(b"rubbish")
    assert load("test", cache=tmp_path, base_url=server).edges > 50000


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("missing", "could not be fetched: 127.0.0.1:.* answered 404 Not Found; download it by hand from https://snap"),
        ("cut", "broke after .* of .* bytes; try again"),
        (
            "nowhere",
            "could not be fetched: no connection to 127.0.0.1:9; download it by hand from .* upload",
        ),
    ],
)
def test_failed_downloads_say_one_sentence_and_leave_no_file(where, said, server, tmp_path):
    base = "http://127.0.0.1:9" if where == "nowhere" else f"{server}/{where}"
    with pytest.raises(ValueError, match=said) as caught:
        load("test", cache=tmp_path, base_url=base)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_checksum_has_its_own_sentence_and_removes_the_file(server, tmp_path):
    with pytest.raises(ValueError, match=r"SHA-256 differs.*removed"):
        load("ca-GrQc", cache=tmp_path, base_url=server)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("entry")
def test_stopping_leaves_no_file(server, tmp_path):
    steps = download_steps("test", cache=tmp_path, base_url=server)
    assert 0 < next(steps) < 1
    steps.close()
    assert list(tmp_path.iterdir()) == []


def test_unknown_key_and_unwritable_cache(tmp_path):
    with pytest.raises(ValueError, match="choose one of karate_club"):
        load("moon")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        load("ca-GrQc", cache=tmp_path / "file" / "folder")
