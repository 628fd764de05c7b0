"""What the Influence tab computes: two clusters, apart at first, and the spectrum after each edge that joins them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pages.ui.controls import verbatim
from pages.ui.graph_source import GraphChoice, graph_steps
from pages.ui.jobs import Step
from spectral_core import graphs

__all__ = ["LARGEST", "InfluenceResult", "InfluenceSettings", "influence_job"]

LARGEST = 1200  # nodes of both clusters: a dense solve of a tenth of a second, twice that where cores are few
CUT = 20_000  # nodes of a graph that is cut into clusters
LEAST = 10
UNCLEAR = 11  # clusters at most, where no clear gap says how many
EDGES = 200  # drawn between random clusters
POINTS = 60  # values of E that are computed


@dataclass(frozen=True)
class InfluenceSettings:
    """Everything that decides the curves; how many edges are looked at is free."""

    graph: GraphChoice | None  # None for random clusters
    clusters: int = 0  # as many as are found
    size: int = 100
    p: float | None = None
    degree: int | None = None
    seed: int = 0

    def caption(self) -> str:
        """One line under the figure."""
        if self.graph is not None:
            return (
                f"Largest component of {verbatim(self.graph.title())}, cut into {self.clusters or 'its'} clusters, the two "
                f"largest that are joined, seed {self.seed}"
            )
        kind = f"rings of degree {self.degree}" if self.p is None else f"Erdős–Rényi graphs with p = {self.p:g}"
        return f"Two {kind}, {self.size} nodes each, seed {self.seed}"


@dataclass(frozen=True, eq=False)
class InfluenceResult:
    """The curves so far; `products` is what cutting the graph cost, `sizes` the nodes of either cluster,
    `clusters` how many the graph was cut into (0 for random ones)."""

    linked: graphs.LinkedClusters
    sizes: tuple[int, int]
    total: int
    products: int = 0
    clusters: int = 0


def influence_job(settings: InfluenceSettings) -> Iterator[Step]:
    """Two clusters, then one dense solve for each number of edges."""
    generator = torch.Generator().manual_seed(settings.seed)
    products, wanted, weights, begun = 0, 0, None, 0.0
    if settings.graph is None:
        graph, links = graphs.two_clusters(
            settings.size, p=settings.p, degree=settings.degree, edges=EDGES, generator=generator
        )
    else:
        whole = None
        for fraction, whole in graph_steps(settings.graph):
            yield Step(0.05 * fraction, note="reading the graph")
        part = graphs.largest_component(whole)
        if not LEAST <= part.n <= CUT:
            raise ValueError(
                f"the largest component has {part.n:,} of the graph's {whole.n:,} nodes; this view cuts graphs of {LEAST} up to "
                f"{CUT:,} nodes into clusters: choose another graph, or random clusters."
            )
        wanted = settings.clusters
        if not wanted:
            for count in graphs.cluster_count_steps(part, generator=torch.Generator().manual_seed(0), exact=False):
                yield Step(0.1, note="counting its clusters")
            wanted = round(count.value) if count.clear and count.value >= 1.5 else min(UNCLEAR, max(2, part.n // 10))
            products = count.products
        for fraction, found in graphs.membership_steps(part, wanted, generator=generator):
            yield Step(0.1 + 0.2 * fraction, note=f"cutting it into {wanted} clusters")
        graph, links, weights = graphs.split_in_two(part, found.labels, generator=generator)
        products, begun = products + found.products, 0.3
    _check(graph, links, settings)
    count, labels = graph.components()
    sizes = (int((labels == 0).sum()), int((labels == 1).sum()))
    for linked in graphs.linked_clusters_steps(graph, links, weights, points=POINTS):
        done = begun + (1 - begun) * len(linked.edges) / (min(POINTS, len(links)) + 1)
        if len(linked.edges) > 1:
            yield Step(
                done, InfluenceResult(linked, sizes, len(links), products, wanted), f"E = {linked.edges[-1]:.0f}"
            )
        else:
            yield Step(done, note="apart")


def _check(graph, links, settings):
    if graph.n > LARGEST:
        raise ValueError(
            f"the two clusters have {graph.n:,} nodes, above the {LARGEST:,} of which all eigenvalues are computed again and "
            "again: choose more and so smaller clusters."
        )
    if len(links) == 0:
        raise ValueError(
            "no edge joins the two clusters once each is one piece: cut the graph into another number of clusters."
        )
