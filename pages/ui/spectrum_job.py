"""What the Spectrum tab computes: settings, the job that a run drains, and the result that is drawn."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from pages.ui.controls import verbatim
from pages.ui.graph_source import GraphChoice, graph_steps
from pages.ui.jobs import Step
from spectral_core import graphs
from spectral_core.exact import exact_eigenvalue_steps

__all__ = ["EXACT_LIMIT", "SpectrumResult", "SpectrumSettings", "matrix_of", "spectrum_job"]

EXACT_LIMIT = 5000


@dataclass(frozen=True)
class SpectrumSettings:
    """Everything that decides the result of the tab: the key of its run, its link, its caption and its notebook."""

    graph: GraphChoice
    matrix: str = "normalised_laplacian"
    isolated: float = 0.0
    steps: int = 50
    probes: int = 10
    degree: int = 100
    seed: int = 0
    exact: bool = True
    dtype: str = "float64"
    device: str = "cpu"

    def caption(self) -> str:
        """One line under the figure."""
        matrix = self.matrix.replace("_", " ").capitalize()
        return (
            f"{matrix} of {verbatim(self.graph.title())}: {self.probes} probes, {self.steps} Lanczos steps, "
            f"{self.degree} moments, seed {self.seed}, {self.dtype} on {self.device}"
        )

    def options(self) -> dict:
        """Keyword arguments of `graphs.spectrum_steps` but for the generator, dtype and device."""
        chosen = {"matrix": self.matrix, "steps": self.steps, "probes": self.probes, "degree": self.degree}
        return chosen | self.matrix_options()

    def matrix_options(self) -> dict:
        """Keyword arguments of the matrix itself."""
        return {"isolated": self.isolated} if self.matrix == "normalised_laplacian" else {}

    def matrix_code(self) -> str:
        """Python that makes the operator ``A``."""
        options = "".join(f", {name}={value!r}" for name, value in self.matrix_options().items())
        where = f"dtype=torch.{self.dtype}, device={self.device!r}"
        return f"{self.graph.code()}\nA = sc.graphs.{self.matrix}(graph{options}).to({where})"


@dataclass(frozen=True, eq=False)
class SpectrumResult:
    """A complete partial result. `eigenvalues` is None while, or where, they are not computed; `exact_note` says why."""

    graph: graphs.Graph
    components: int
    spectrum: graphs.GraphSpectrum
    eigenvalues: np.ndarray | None = None
    exact_note: str = ""


def spectrum_job(settings: SpectrumSettings) -> Iterator[Step]:
    """Build the graph, then stems, then moments, then all eigenvalues where that is affordable and wanted."""
    for fraction, graph in graph_steps(settings.graph):
        yield Step(0.05 * fraction, note="reading the graph")
    wanted = settings.exact and graph.n <= EXACT_LIMIT
    note = "" if wanted else "The exact histogram is switched off."
    if settings.exact and not wanted:
        note = f"The exact histogram is skipped: n = {graph.n:,} is above {EXACT_LIMIT:,}."
    components = graph.components()[0]
    with contextlib.closing(_exact_steps(settings, graph, wanted)) as exact:
        _, eigenvalues = next(exact, (1.0, None))  # begins in a process of its own, beside the products
        end = 0.6 if wanted else 1.0
        for spectrum in graphs.spectrum_steps(
            graph,
            **settings.options(),
            generator=torch.Generator().manual_seed(settings.seed),
            dtype=getattr(torch, settings.dtype),
            device=settings.device,
        ):
            result = SpectrumResult(graph, components, spectrum, eigenvalues, note)
            what = "stems" if spectrum.moments is None else "moments"
            done = f"{what}: {spectrum.products:,} of {spectrum.total:,} products"
            yield Step(0.05 + (end - 0.05) * spectrum.products / spectrum.total, result, done)
        for fraction, eigenvalues in exact:
            if eigenvalues is not None:
                result = replace(result, eigenvalues=eigenvalues)
            yield Step(end + (1.0 - end) * fraction, result, "all eigenvalues, exactly")


def matrix_of(settings: SpectrumSettings):
    """The operator, made anew on any thread."""
    *_, (_, graph) = graph_steps(settings.graph)
    matrix = graphs.MATRICES[settings.matrix](graph, **settings.matrix_options())
    return matrix.to(dtype=getattr(torch, settings.dtype), device=settings.device)


def _exact_steps(settings, graph, wanted):
    if wanted:
        matrix = graphs.MATRICES[settings.matrix](graph, **settings.matrix_options()).matrix
        yield from exact_eigenvalue_steps(matrix)
