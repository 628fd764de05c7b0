"""What the Compare tab computes: the moments of each graph, once, kept for every comparison that holds it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from pages.ui.controls import verbatim
from pages.ui.graph_names import name_of
from pages.ui.graph_source import GraphChoice, graph_steps
from pages.ui.jobs import Step
from pages.ui.shelf import Shelf
from spectral_core import graphs
from spectral_core.results import Moments

__all__ = ["CompareResult", "CompareSettings", "Compared", "compare_job"]


@dataclass(frozen=True)
class CompareSettings:
    """Everything that decides the moments; what is shown of them needs no product."""

    choices: tuple[GraphChoice, ...]
    degree: int = 100
    probes: int = 10
    seed: int = 0
    isolated: float = 0.0
    dtype: str = "float64"
    device: str = "cpu"

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"Normalised Laplacians on (0, 2), atoms inside: {self.degree} moments, {self.probes} probes a graph, seed "
            f"{self.seed}, isolated nodes at {self.isolated:g}, {self.dtype} on {self.device}"
        )

    def options(self) -> dict:
        """Keyword arguments of `graphs.comparable_moment_steps` but for the generator, dtype and device."""
        return {"degree": self.degree, "probes": self.probes, "isolated": self.isolated}


@dataclass(frozen=True, eq=False)
class Compared:
    """One graph of a comparison, without the graph."""

    name: str
    moments: Moments
    n: int
    edges: int
    components: int
    content_hash: str


@dataclass(frozen=True, eq=False)
class CompareResult:
    """The graphs so far, and for each that could not take part its name and a sentence."""

    compared: tuple[Compared, ...]
    failures: tuple[tuple[str, str], ...] = ()


_kept = Shelf(500)  # the moments of the last graphs, a few kilobytes each


def compare_job(settings: CompareSettings) -> Iterator[Step]:
    """The moments of one graph after another; a graph that can not be compared is left out with its sentence."""
    result, total = CompareResult(()), len(settings.choices)
    for place, choice in enumerate(settings.choices):
        entry = None
        try:
            for fraction, entry in _entry_steps(choice, settings):
                yield Step((place + fraction) / total, note=f"graph {place + 1} of {total}")
            same = [one for one in result.compared if one.content_hash == entry.content_hash]
            if same:
                raise ValueError(f"it is the same graph as {verbatim(same[0].name)}, at distance 0: it was left out.")
            result = replace(result, compared=(*result.compared, entry))
        except ValueError as error:
            result = replace(result, failures=(*result.failures, (name_of(choice), str(error))))
        yield Step((place + 1) / total, result, f"graph {place + 1} of {total}")


def _entry_steps(choice, settings):
    key = replace(settings, choices=(choice,))
    entry = _kept.get(key)
    if entry is None:
        for fraction, graph in graph_steps(choice):
            yield 0.3 * fraction, None
        moments, half = None, -(-settings.degree // 2)
        for moments in graphs.comparable_moment_steps(
            replace(graph, name="this graph"),
            **settings.options(),
            generator=torch.Generator().manual_seed(settings.seed),
            dtype=getattr(torch, settings.dtype),
            device=settings.device,
        ):
            yield 0.3 + 0.7 * moments.products / (settings.probes * half), None
        entry = Compared(name_of(choice), moments, graph.n, graph.edges, graph.components()[0], graph.content_hash)
        _kept.put(key, entry)
    yield 1.0, entry
