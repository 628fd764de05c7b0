"""Choosing a graph: from the catalogue, drawn at random, or uploaded; and building it off the script thread."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st
import torch

from pages.ui import uploads
from pages.ui.controls import bound
from pages.ui.kept_upload import kept_upload, leave_upload
from pages.ui.shelf import Shelf
from spectral_core import graphs

__all__ = ["FUNCTIONS", "MODELS", "GraphChoice", "choose_graph", "graph_steps"]

SOURCES = {"catalogue": "Catalogue", "random": "Random", "upload": "Upload"}
MODELS = {
    "er": "Erdős–Rényi",
    "ws": "Watts–Strogatz",
    "ba": "Barabási–Albert",
    "blocks": "Stochastic blocks",
    "clustered": "Clustered network",
}
LINKED = ("upload", "file")  # what a link calls the digest and the name of an upload
TYPES = ["txt", "csv", "tsv", "edges", "edgelist", "gz", "mtx", "graphml", "gml", "npz"]


@dataclass(frozen=True)
class GraphChoice:
    """Which graph. `parameters` are those of the catalogue key, of the random model, or of the reader."""

    source: str
    key: str
    parameters: tuple[tuple[str, object], ...] = ()
    seed: int = 0
    digest: str = ""

    def code(self) -> str:
        """Python that builds the graph with `spectral_core`."""
        options = "".join(f", {name}={value!r}" for name, value in self.parameters)
        if self.source == "catalogue":
            return f"graph = sc.graphs.load({self.key!r})"
        if self.source == "upload":
            return (
                f"path = {self.key!r}  # the uploaded file, SHA-256 {self.digest}...\n"
                f"graph = sc.graphs.read_graph(path{options})"
            )
        return f"graph = sc.graphs.{FUNCTIONS[self.key]}({options[2:]}, generator=torch.Generator().manual_seed({self.seed}))"

    def title(self) -> str:
        """A short name for captions; not to be rendered as Markdown."""
        if self.source == "random":
            return f"{MODELS[self.key]} ({', '.join(f'{k} = {v}' for k, v in self.parameters)}, seed {self.seed})"
        return self.key


FUNCTIONS = {
    "er": "erdos_renyi",
    "ws": "watts_strogatz",
    "ba": "barabasi_albert",
    "blocks": "stochastic_blocks",
    "clustered": "clustered",
}


def choose_graph() -> GraphChoice | None:
    """The widgets, in the place where they are called; None while an upload is awaited."""
    source = bound(
        st.segmented_control,
        "Graph",
        list(SOURCES),
        key="graph",
        default="catalogue",
        required=True,
        format_func=SOURCES.get,
        width="stretch",
    )
    if source != "upload":
        leave_upload(*LINKED)
    if source == "catalogue":
        entries = {entry.key: entry for entry in graphs.catalogue()}
        key = bound(
            st.selectbox,
            "From the catalogue",
            list(entries),
            key="name",
            index=list(entries).index("digits"),
            format_func=lambda k: entries[k].title,
        )
        entry = entries[key]
        fetched = " Fetched at first use." if entry.kind == "download" else ""
        st.caption(
            f"{entry.description} {entry.nodes:,} nodes, {entry.edges:,} edges. Source: {entry.source}.{fetched}"
        )
        return GraphChoice("catalogue", key)
    return _choose_random() if source == "random" else _choose_upload()


def _choose_random() -> GraphChoice:
    model = bound(st.selectbox, "Model", list(MODELS), key="model", format_func=MODELS.get)
    number = st.number_input
    if model in ("er", "ws", "ba"):
        n = bound(number, "Nodes n", 2, 2_000_000, 5000, key="n")
    if model == "er":
        p = bound(number, "Edge probability p", 0.0, 1.0, 0.001, key="p", format="%.6g", step=0.001)
        parameters = (("n", n), ("p", p))
    elif model == "ws":
        k = bound(number, "Neighbours k (even)", 2, 1000, 10, 2, key="k")
        parameters = (("n", n), ("k", k), ("p", bound(number, "Rewiring p", 0.0, 1.0, 0.1, key="rewire", step=0.05)))
    elif model == "ba":
        parameters = (("n", n), ("m", bound(number, "Edges per new node m", 1, 1000, 3, key="attach")))
    elif model == "blocks":
        blocks = bound(number, "Blocks", 2, 100, 4, key="blocks")
        size = bound(number, "Nodes a block", 2, 100_000, 500, key="size")
        inside = bound(number, "Probability inside", 0.0, 1.0, 0.05, key="inside", format="%.6g", step=0.01)
        between = bound(number, "Probability between", 0.0, 1.0, 0.002, key="between", format="%.6g", step=0.001)
        rows = tuple(tuple(inside if i == j else between for j in range(blocks)) for i in range(blocks))
        parameters = (("sizes", (size,) * blocks), ("probabilities", rows))
    else:
        clusters = bound(number, "Clusters", 1, 10_000, 30, key="clusters")
        size = bound(number, "Nodes a cluster", 2, 10_000, 30, key="csize")
        largest = bound(
            number,
            "Nodes of the largest cluster",
            0,
            10_000,
            0,
            key="csize_high",
            help="Sizes are drawn up to it; 0: all alike.",
        )
        inside = bound(
            st.selectbox,
            "Model of a cluster",
            ("er", "ws", "ba", "mixed"),
            key="cmodel",
            format_func=(MODELS | {"mixed": "The three in turn"}).get,
        )
        parameters = (
            ("clusters", clusters),
            ("size", (size, largest) if largest > size else size),
            ("p", bound(number, "Probability inside", 0.0, 1.0, 0.5, key="cp", step=0.05)),
            ("links", bound(number, "Links a cluster", 0, 1000, 1, key="links")),
        )
        if inside != "er":
            parameters += (("model", inside),)
    return GraphChoice("random", model, parameters, bound(number, "Seed of the graph", 0, 10**9, 0, key="graph_seed"))


def _choose_upload() -> GraphChoice | None:
    kept = kept_upload(
        "Edge list (plain, CSV, gzipped), Matrix Market, GraphML, GML or SciPy npz",
        LINKED[0],
        "Drop a file above: one edge a line, as `from to` or `from,to,weight`.",
        TYPES,
        LINKED[1],
    )
    directed = bound(
        st.segmented_control,
        "One-way edges",
        ["union", "reciprocal"],
        key="directed",
        default="union",
        required=True,
        help="union keeps an edge listed in either direction, reciprocal only one listed in both.",
    )
    loops = bound(st.segmented_control, "Self-loops", ["drop", "keep"], key="loops", default="drop", required=True)
    st.caption(uploads.KEPT)
    if kept is None:
        return None
    return GraphChoice("upload", kept[1], (("directed", directed), ("self_loops", loops)), digest=kept[0])


_shelf = Shelf(4)  # the last few graphs, so that another matrix or another seed of the probes reads nothing again


def graph_steps(choice: GraphChoice) -> Iterator[tuple[float, graphs.Graph | None]]:
    """Yield ``(fraction, None)`` while the graph is fetched, then ``(1, graph)``; on any thread, no Streamlit."""
    graph = _shelf.get(choice)
    if graph is None:
        yield 0.0, None
        options = dict(choice.parameters)
        if choice.source == "catalogue":
            yield from ((fraction, None) for fraction in graphs.download_steps(choice.key))
            graph = graphs.load(choice.key)
        elif choice.source == "upload":
            kept = uploads.fetch(choice.digest)
            if kept is None:
                raise ValueError(f"“{choice.key}” is no longer kept on this server: upload it again.")
            graph = graphs.read_graph(kept[1], name=choice.key, **options)
        else:
            generator = torch.Generator().manual_seed(choice.seed)
            graph = getattr(graphs, FUNCTIONS[choice.key])(**options, generator=generator)
        _shelf.put(choice, graph)
    yield 1.0, graph
