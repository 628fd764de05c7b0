"""Known graphs: those that installed packages carry, and SNAP's, fetched once, checked and cached."""

import http.client
import importlib.util
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pooch

from spectral_core.graphs.graph import from_edges
from spectral_core.graphs.readers import read_graph

__all__ = ["CatalogueEntry", "catalogue", "download_steps", "load"]

SNAP = "https://snap.stanford.edu/data"
CHUNK = 2**16
TIMEOUT = 20  # seconds without a byte


@dataclass(frozen=True)
class CatalogueEntry:
    """One graph of the catalogue; `nodes` and `edges` as its source counts them (SNAP: before loops and doubles go)."""

    key: str
    title: str
    description: str
    source: str
    nodes: int
    edges: int
    kind: str = "packaged"
    file: str = ""
    sha256: str = ""

    @property
    def url(self):
        """Where the file is fetched; empty for a packaged graph."""
        return f"{SNAP}/{self.file}" if self.file else ""


NETWORKX = "networkx (BSD licence)"
PACKAGED = (
    CatalogueEntry("karate_club", "Karate club", "Friendships in a club that split (Zachary 1977).", NETWORKX, 34, 78),
    CatalogueEntry(
        "les_miserables",
        "Les Miserables",
        "Characters, weighted by the chapters they share (Knuth 1993).",
        NETWORKX,
        77,
        254,
    ),
    CatalogueEntry(
        "davis_southern_women", "Southern women", "Women and the events they attended (Davis 1941).", NETWORKX, 32, 89
    ),
    CatalogueEntry(
        "florentine_families",
        "Florentine families",
        "Marriages between families (Padgett & Ansell 1993).",
        NETWORKX,
        15,
        20,
    ),
    CatalogueEntry(
        "digits",
        "Handwritten digits",
        "1797 images of digits, each joined to its 10 nearest.",
        "scikit-learn (BSD licence), UCI",
        1797,
        12339,
    ),
)
# key, title, description, nodes, edges, path below SNAP, sha256 of the gzipped file
DOWNLOADS = (
    ("email-Eu-core", "Email, a European institute", "Who wrote to whom.", 1005, 25571, "email-Eu-core.txt.gz",
     "4b47acdb80197b085fe63c819c357ae488131ee904ed93d1b219a68b0f9e245f"),
    ("facebook_combined", "Facebook circles", "Friends of ten people.", 4039, 88234, "facebook_combined.txt.gz",
     "125e84db872eeba443d270c70315c256b0af43a502fcfe51f50621166ad035d7"),
    ("ca-GrQc", "Co-authors, general relativity", "arXiv 1993 to 2003.", 5242, 14496, "ca-GrQc.txt.gz",
     "a254442cdf5d684712578b630c2e0d7543518ab154ef2341cabb607572ce7230"),
    ("wiki-Vote", "Wikipedia votes", "Who voted on whose adminship.", 7115, 103689, "wiki-Vote.txt.gz",
     "7d3e53626e14b8b09fb3b396bece9d481ad606bd64ceab066349ff57d4ada7fc"),
    ("ca-HepTh", "Co-authors, high-energy theory", "arXiv 1993 to 2003.", 9877, 25998, "ca-HepTh.txt.gz",
     "7235c7e11887f8a32dfd03a3aa0c77efdf89d41591a959c7d6e4ca11b1299bb5"),
    ("ca-HepPh", "Co-authors, high-energy phenomenology", "arXiv 1993 to 2003.", 12008, 118521, "ca-HepPh.txt.gz",
     "8d679f64ea507834613f4c09e6f692cc8a2405d5a01bfe1ee3b24fbbea1d807f"),
    ("email-Enron", "Email, Enron", "Who wrote to whom in one company.", 36692, 183831, "email-Enron.txt.gz",
     "55cfead79b1f0161786179a48796c2a119bd7026a246238b257b6be9d8b69b68"),
    ("web-Stanford", "Web, stanford.edu", "Links between pages in 2002.", 281903, 2312497, "web-Stanford.txt.gz",
     "49bfc0e366c3028dbd84e8557b09287cbd61051bde29d160c277688c727cb679"),
    ("com-dblp", "Co-authors, DBLP", "Computing.", 317080, 1049866, "bigdata/communities/com-dblp.ungraph.txt.gz",
     "9eb0bd30312ddd04e2624f7c36c0983a2e99b116f0385be5a7fce6d6170f4cb3"),
    ("com-amazon", "Amazon", "Products bought together.", 334863, 925872,
     "bigdata/communities/com-amazon.ungraph.txt.gz",
     "bb4b9fcf549c9174049e885e9a0a4057c9724846e7297c4a1ea299b8e92eec34"),
    ("roadNet-PA", "Roads, Pennsylvania", "Crossings and the roads between.", 1088092, 1541898, "roadNet-PA.txt.gz",
     "450b8733635d887466a2b96b26411f6e62caf7006f8a264f59cf9b5d75cdf549"),
    ("com-youtube", "YouTube", "Friendships.", 1134890, 2987624, "bigdata/communities/com-youtube.ungraph.txt.gz",
     "dff1b97ba7d2fa9c59884b67dcd2275e717ff9501f86ed82ce6582ed4971f3e0"),
    ("roadNet-CA", "Roads, California", "Crossings and the roads between.", 1965206, 2766607, "roadNet-CA.txt.gz",
     "383f7b14424530a9e25c392969a9c19dace32ebcfd141f0967a1433498c2acdd"),
)  # fmt: skip
ENTRIES = {entry.key: entry for entry in PACKAGED} | {
    key: CatalogueEntry(key, title, about, "SNAP, Leskovec & Krevl 2014", nodes, edges, "download", file, sha256)
    for key, title, about, nodes, edges, file, sha256 in DOWNLOADS
}


def catalogue():
    """The known graphs, packaged ones first, as a tuple of `CatalogueEntry`; no network.

    >>> [entry.key for entry in catalogue() if entry.kind == "packaged"][:2]
    ['karate_club', 'les_miserables']
    """
    return tuple(ENTRIES.values())


def load(key, *, cache=None, base_url=None):
    """A graph of the catalogue; what must be fetched is fetched once, then read from the cache without a network.

    Parameters
    ----------
    key : str
    cache : path, optional
        Folder for fetched files; by default the operating system's cache folder for "eigenscope" (pooch).
    base_url : str, optional
        A mirror of SNAP's data folder.

    Raises
    ------
    ValueError
        An unknown key, or what `download_steps` raises.

    >>> graph = load("karate_club")
    >>> graph.n, graph.edges, graph.weighted
    (34, 78, False)
    """
    entry = _entry(key)
    if entry.kind == "download":
        for _ in download_steps(key, cache=cache, base_url=base_url):
            pass
        return replace(read_graph(_cached(entry, cache)), name=entry.key)
    if key == "digits":
        return _digits()
    import networkx as nx  # a fifth of a second, and only small graphs need it

    graph = {
        "karate_club": nx.karate_club_graph,
        "les_miserables": nx.les_miserables_graph,
        "davis_southern_women": nx.davis_southern_women_graph,
        "florentine_families": nx.florentine_families_graph,
    }[key]()
    index = {node: i for i, node in enumerate(graph)}
    ends = np.array([(index[u], index[v]) for u, v in graph.edges()])
    weights = [graph.edges[edge]["weight"] for edge in graph.edges()] if key == "les_miserables" else None
    notes = ["The numbers of shared activities were not taken as weights."] if key == "karate_club" else []
    labels = None if key == "karate_club" else np.array(list(graph), dtype=object)
    return from_edges(*ends.T, weights, n=len(graph), nodes=labels, directed="undirected", name=key, notes=notes)


def download_steps(key, *, cache=None, base_url=None):
    """Fetch a graph's file, yielding the fraction of its bytes that has come; stop iterating to stop fetching.

    The file appears in the cache only whole and with the right SHA-256. Yields 1.0 at once where it is there already.

    Raises
    ------
    ValueError
        One sentence: an unknown key, no connection, another answer than the file, a cut download, a wrong checksum.

    >>> list(download_steps("karate_club"))
    [1.0]
    """
    entry = _entry(key)
    if entry.kind == "packaged":
        yield 1.0
        return
    path = _cached(entry, cache)
    if path.is_file():
        if pooch.file_hash(str(path)) == entry.sha256:
            yield 1.0
            return
        path.unlink()
    url = f"{(base_url or SNAP).rstrip('/')}/{entry.file}"
    by_hand = f"download it by hand from {entry.url} and upload it here"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise ValueError(f"the cache folder {path.parent} cannot be written ({error.strerror}): give one.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield from _stream(url, file, f"{entry.title} could not be fetched", by_hand)
        if pooch.file_hash(partial) != entry.sha256:
            raise ValueError(
                f"{entry.title} was fetched from {url} but is not the file known here (its SHA-256 differs), and was "
                f"removed: try again later, or {by_hand}."
            )
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)
    yield 1.0


def _stream(url, file, failed, by_hand):
    """Copy the answer into `file`, yielding fractions; nothing but ValueErrors of one sentence."""
    host = urlsplit(url).netloc
    done, total = 0, 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                yield min(done / total, 1.0) if total else 0.0
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"{failed}: {host} answered {error.code} {error.reason}; {by_hand}.") from None
    except (OSError, http.client.HTTPException) as error:
        if not done:
            raise ValueError(f"{failed}: no connection to {host}; {by_hand}.") from error
        total = total or done + 1
    if done < total:
        raise ValueError(f"{failed}: the connection to {host} broke after {done:,} of {total:,} bytes; try again.")


def _entry(key):
    if key not in ENTRIES:
        raise ValueError(f"there is no graph {key!r} in the catalogue: choose one of {', '.join(ENTRIES)}.")
    return ENTRIES[key]


def _cached(entry, cache):
    return Path(cache or pooch.os_cache("eigenscope")) / entry.file.rpartition("/")[2]


def _digits():
    """The union of each digit's 10 nearest in Euclidean distance, unweighted."""
    # scikit-learn takes longer to import than all the rest: its data file is read without it
    folder = importlib.util.find_spec("sklearn").submodule_search_locations[0]
    pixels = np.loadtxt(Path(folder, "datasets", "data", "digits.csv.gz"), delimiter=",")[:, :-1]
    n, squares = len(pixels), (pixels**2).sum(1)
    distances = squares[:, None] + squares - 2 * pixels @ pixels.T  # squared, of integers: exact
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances * n + np.arange(n), 10)[:, :10]  # of equally near ones the first
    note = "Each image is joined to its 10 nearest in Euclidean distance."
    return from_edges(np.repeat(np.arange(n), 10), nearest.ravel(), n=n, name="digits", notes=[note])
