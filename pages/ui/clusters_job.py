"""What the Clusters tab computes: the count, its exact check, Lanczos stems beside it; membership; Table 3.2 anew."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from pages.ui.controls import verbatim
from pages.ui.graph_source import GraphChoice, graph_steps
from pages.ui.jobs import Step
from spectral_core import graphs
from spectral_core.estimators.quadrature import Quadrature, lanczos_quadrature_steps
from spectral_core.exact import exact_eigenvalue_steps
from spectral_core.krylov.lanczos import lanczos_memory
from spectral_core.results import Moments

__all__ = [
    "EXACT_LIMIT",
    "LADDER",
    "WORK",
    "ClusterResult",
    "ClusterSettings",
    "MembershipSettings",
    "clusters_job",
    "membership_job",
    "table_3_2_job",
]

EXACT_LIMIT = 5000
LADDER = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 140, 160, 180, 200, 250, 300, 350, 400)
MEMORY = 1 << 30  # bytes for the Lanczos vectors: all probes go at once, so that each step is a result
WORK = {
    "quick": 1.5e9,
    "full": np.inf,
}  # n probes steps^2: what keeping Lanczos vectors orthogonal costs, a few ns each
FEWEST = 4  # probes for Lanczos: rather fewer steps than fewer probes


@dataclass(frozen=True)
class ClusterSettings:
    """Everything that costs products, and so decides the result."""

    graph: GraphChoice
    isolated: float = 0.0
    degree: int = 100
    probes: int = 32
    lanczos: str = "quick"
    exact: bool = True
    seconds: int = 10
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"Normalised Laplacian of {verbatim(self.graph.title())}: {self.degree} moments, {self.probes} probes, seed "
            f"{self.seed}, isolated nodes at {self.isolated:g}, {self.dtype} on {self.device}"
        )

    def options(self) -> dict:
        """Keyword arguments of `graphs.cluster_count_steps` but for the generator and `exact`."""
        return {
            "degree": self.degree,
            "probes": self.probes,
            "isolated": self.isolated,
            "dtype": getattr(torch, self.dtype),
            "device": self.device,
        }

    def planted(self) -> int | None:
        """Clusters that a random network was made of."""
        options = dict(self.graph.parameters)
        return options["clusters"] if self.graph.source == "random" and self.graph.key == "clustered" else None


@dataclass(frozen=True, eq=False)
class ClusterResult:
    """A complete partial result.

    `lanczos` holds a quadrature for each number of steps of the ladder; `eigenvalues` all of them, or None.
    """

    name: str
    n: int
    edges: int
    lonely: int
    notes: tuple[str, ...]
    count: graphs.ClusterCount
    eigenvalues: np.ndarray | None = None
    eigenvalues_note: str = ""
    lanczos: tuple[tuple[int, Quadrature], ...] = ()

    @property
    def moments(self) -> Moments | None:
        """None where every eigenvalue is known from the components."""
        return self.count.moments

    def exact_below(self, threshold: float) -> tuple[int | None, str]:
        """How many eigenvalues lie below, and how that is known or why not."""
        if self.eigenvalues is not None:
            return int((self.eigenvalues < threshold).sum()), "from all eigenvalues"
        if self.count.exact is not None and threshold == self.count.threshold:
            return self.count.exact, "by inertia"
        return None, self.count.exact_note if self.count.exact is None else "counted at the plateau's λ* only"


def clusters_job(settings: ClusterSettings) -> Iterator[Step]:
    """The graph, the moments, the exact count by inertia, the Lanczos stems, all eigenvalues where affordable."""
    for fraction, graph in graph_steps(settings.graph):
        yield Step(0.05 * fraction, note="reading the graph")
    wanted = settings.exact and graph.n <= EXACT_LIMIT
    note = "" if wanted else "switched off" if not settings.exact else f"n = {graph.n:,} is above {EXACT_LIMIT:,}"
    about = (graph.name, graph.n, graph.edges, int((graph.degrees == 0).sum()), graph.notes)
    steps = graphs.cluster_count_steps(
        graph, generator=torch.Generator().manual_seed(settings.seed), exact=False, **settings.options()
    )
    total = settings.probes * -(-settings.degree // 2)
    result = None
    for count in steps:
        if (
            result is None
            or count.products >= total
            or count.products * 20 // total > result.count.products * 20 // total
        ):
            result = ClusterResult(*about, count, None, note)
        yield Step(0.05 + 0.4 * count.products / total, result, f"moments: {count.products:,} of {total:,} products")
    if settings.exact and count.exact is None:
        yield Step(0.45, result, "counting exactly")
        matrix = graphs.normalised_laplacian(graph, isolated=settings.isolated).matrix
        for fraction, checked in graphs.with_exact_steps(count, matrix, seconds=settings.seconds):
            result = replace(result, count=checked)
            yield Step(0.45 + 0.15 * fraction, result, "counting exactly, by inertia")
    with contextlib.closing(_exact_steps(settings, graph, wanted)) as exact:
        _, eigenvalues = next(exact, (1.0, None))  # begins in a process of its own, beside the products
        if settings.lanczos != "off" and count.moments is not None:
            for fraction, found in _lanczos_steps(settings, graph):
                result = replace(result, lanczos=found)
                yield Step(0.6 + 0.25 * fraction, result, "Lanczos, to compare")
        for fraction, values in exact:
            eigenvalues = values if values is not None else eigenvalues
            yield Step(0.85 + 0.15 * fraction, result, "all eigenvalues, exactly")
    yield Step(1.0, replace(result, eigenvalues=eigenvalues), "finished")


def _exact_steps(settings, graph, wanted):
    if wanted:
        yield from exact_eigenvalue_steps(graphs.normalised_laplacian(graph, isolated=settings.isolated).matrix)


def _lanczos_steps(settings, graph):
    """As many steps as moments, as the thesis compares them, with half the probes: as many products. Large graphs: fewer."""
    L = graphs.normalised_laplacian(graph, isolated=settings.isolated)
    dtype = getattr(torch, settings.dtype)
    if (dtype, settings.device) != (torch.float64, "cpu"):
        L = L.to(dtype=dtype, device=settings.device)
    known = graphs.component_eigenspace(graph, isolated=settings.isolated)
    one = lanczos_memory(graph.n, settings.degree, 1, dtype)
    work = WORK[settings.lanczos]
    probes = min(-(-settings.probes // 2), max(FEWEST, int(min(MEMORY / one, work / (graph.n * settings.degree**2)))))
    most = MEMORY / (probes * one / (settings.degree + 7)) - 7, (work / (graph.n * probes)) ** 0.5
    steps = min(settings.degree, max(10, int(min(most))))
    found = []
    generator = torch.Generator().manual_seed(settings.seed)
    options = {"steps": steps, "probes": probes, "generator": generator, "known": known, "memory": 2 * MEMORY}
    for quadrature in lanczos_quadrature_steps(L, **options):
        if quadrature.steps in LADDER or quadrature.steps == steps:
            found.append((quadrature.steps, quadrature))
        yield quadrature.steps / steps, tuple(found)
    if not found or found[-1][1] is not quadrature:
        yield 1.0, (*found, (quadrature.steps, quadrature))


@dataclass(frozen=True)
class MembershipSettings:
    """Which graph, and into how many clusters."""

    graph: GraphChoice
    count: int
    isolated: float = 0.0
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class MembershipResult:
    """A partition, and the nodes' labels."""

    membership: graphs.Membership
    nodes: np.ndarray | None


def membership_job(settings: MembershipSettings) -> Iterator[Step]:
    """Each node's cluster."""
    for fraction, graph in graph_steps(settings.graph):
        yield Step(0.05 * fraction, note="reading the graph")
    options = {"isolated": settings.isolated, "dtype": getattr(torch, settings.dtype), "device": settings.device}
    generator = torch.Generator().manual_seed(settings.seed)
    for fraction, found in graphs.membership_steps(graph, settings.count, generator=generator, **options):
        result = None if found is None else MembershipResult(found, graph.nodes)
        yield Step(0.05 + 0.95 * fraction, result, "eigenvectors")


def table_3_2_job(sizes: tuple[int, ...], seeds: int) -> Iterator[Step]:
    """Mean fractional errors over seeds: rows ``(n_c, seeds done, {method: mean error})``, one more after each network."""
    rows, done, total = {size: {} for size in sizes}, 0, sum(sizes) * seeds
    for seed in range(seeds):
        for size in sizes:
            for fraction, errors in table_3_2_steps(size, seed):
                yield Step((done + size * fraction) / total, note=f"{size} clusters, seed {seed + 1} of {seeds}")
            done += size
            for name, error in errors.items():
                rows[size].setdefault(name, []).append(error)
            shown = tuple((one, {name: tuple(found) for name, found in rows[one].items()}) for one in sizes)
            yield Step(done / total, shown, f"{size} clusters, seed {seed + 1} of {seeds}")


def table_3_2_steps(clusters: int, seed: int, degree: int = 80, probes: int = 100):
    """One network of the table: Erdos-Renyi clusters of 30 nodes, p = 0.5, a link a cluster."""
    network = graphs.clustered(clusters, generator=torch.Generator().manual_seed(seed))
    L, known = graphs.normalised_laplacian(network), graphs.component_eigenspace(network)
    generator = torch.Generator().manual_seed(1000 + seed)
    for count in graphs.cluster_count_steps(network, generator=generator, degree=degree, probes=probes, exact=False):
        yield 0.3 * count.products / (probes * degree / 2), None
    generator = torch.Generator().manual_seed(1000 + seed)
    for quadrature in lanczos_quadrature_steps(L, steps=degree, probes=probes, generator=generator, known=known):
        yield 0.3 + 0.7 * quadrature.products / (probes * degree), None
    found = {"plateau": count}
    for method in ("first minimum", "deepest minimum"):
        found[method] = graphs.count_from_moments(count.moments, method=method)
    for name, reflected in (("smoothed Lanczos, reflected at 0", True), ("smoothed Lanczos", False)):
        found[name] = graphs.count_from_quadrature(quadrature, reflected=reflected)
    yield 1.0, {name: abs(one.value / clusters - 1.0) for name, one in found.items()}
