"""What the "Which model?" tab computes: settings, the job that a run drains, and the result that is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from pages.ui.controls import verbatim
from pages.ui.graph_source import GraphChoice, graph_steps
from pages.ui.jobs import Step
from spectral_core import graphs
from spectral_core.exact import exact_eigenvalue_steps

__all__ = ["EXACT_LIMIT", "ModelResult", "ModelSettings", "model_job"]

EXACT_LIMIT = 2000  # the dense solve takes as long as the search


@dataclass(frozen=True)
class ModelSettings:
    """Everything that decides the result of the tab."""

    graph: GraphChoice
    models: tuple[str, ...] = ("er", "ws", "ba")
    size: int = 1000
    degree: int = 30
    repeats: int = 5
    probes: int = 32
    ridge: float = 2e-3
    seed: int = 0
    isolated: float = 0.0
    exact: bool = True
    dtype: str = "float64"
    device: str = "cpu"

    def caption(self, nodes: int) -> str:
        """One line under the figures."""
        return (
            f"Normalised Laplacian of {verbatim(self.graph.title())} on (0, 2), atoms inside: {self.degree} moments, "
            f"{self.repeats} candidates of {min(nodes, self.size):,} nodes a point, error allowed a moment {self.ridge:g}, "
            f"seed {self.seed}, {self.dtype} on {self.device}"
        )


@dataclass(frozen=True, eq=False)
class ModelResult:
    """A complete partial result; `eigenvalues` is None while, or where, they are not computed."""

    graph: graphs.Graph
    fits: graphs.ModelFits
    eigenvalues: np.ndarray | None = None


def model_job(settings: ModelSettings) -> Iterator[Step]:
    """Build the graph, measure it, search each model's parameter, then all eigenvalues where that is affordable."""
    for fraction, graph in graph_steps(settings.graph):
        yield Step(0.05 * fraction, note="reading the graph")
    wanted = settings.exact and graph.n <= EXACT_LIMIT
    end = 0.9 if wanted else 1.0
    for fits in graphs.fit_models_steps(
        graph,
        settings.models,
        size=min(graph.n, settings.size),
        degree=settings.degree,
        repeats=settings.repeats,
        probes=settings.probes,
        ridge=settings.ridge,
        isolated=settings.isolated,
        generator=torch.Generator().manual_seed(settings.seed),
        dtype=getattr(torch, settings.dtype),
        device=settings.device,
    ):
        result = ModelResult(graph, fits)
        yield Step(0.05 + (end - 0.05) * fits.fraction, result, _note(fits))
    if wanted:
        matrix = graphs.normalised_laplacian(graph, settings.isolated).matrix
        for fraction, eigenvalues in exact_eigenvalue_steps(matrix):
            if eigenvalues is not None:
                result = replace(result, eigenvalues=eigenvalues)
            yield Step(end + (1.0 - end) * fraction, result, "all eigenvalues, exactly")


def _note(fits):
    for fit in fits.fits:
        if fit.stopped == "on the way":
            return f"{fit.title}: point {fit.points} of {fit.total}"
    return "" if fits.fits else f"the graph's moments: {fits.products:,} products"
