"""The spectrum of a graph's matrix, from its products alone: stems, then moments on the interval that the stems found."""

from dataclasses import dataclass, replace

import torch

from spectral_core.estimators.kernel_polynomial import moment_steps
from spectral_core.estimators.quadrature import Quadrature, lanczos_quadrature_steps
from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.graph import check_choice
from spectral_core.graphs.matrices import adjacency, component_eigenspace, laplacian, normalised_laplacian
from spectral_core.results import Moments, last

__all__ = ["MATRICES", "GraphSpectrum", "spectrum", "spectrum_steps"]

MATRICES = {"normalised_laplacian": normalised_laplacian, "laplacian": laplacian, "adjacency": adjacency}
MARGIN = 0.01  # of the safe interval, on either side of the Ritz values


@dataclass(frozen=True, eq=False)
class GraphSpectrum:
    """What the products gave: `quadrature` for stems and smoothing, `moments` for densities of maximum entropy.

    Attributes
    ----------
    quadrature : Quadrature
    moments : Moments or None
        None while the stems are still being computed.
    interval : (float, float)
        Safe interval of the matrix, from theory.
    products, total : int
        Spent so far, and in the end.
    """

    quadrature: Quadrature
    moments: Moments | None
    interval: tuple[float, float]
    products: int
    total: int


def spectrum_steps(
    graph,
    *,
    matrix="normalised_laplacian",
    steps=50,
    probes=10,
    degree=100,
    generator,
    isolated=0.0,
    dtype=torch.float64,
    device="cpu",
    memory=1 << 30,
):
    """Yield a complete `GraphSpectrum` after every block product: first the stems, then the moments.

    Eigenpairs known from the components become exact atoms and are taken out of the probes. The moments' interval is
    that of the Ritz values with their residuals, widened on either side by 1 % of the safe interval of theory, within it;
    should an eigenvalue lie outside after all, that is found out and the safe interval is used.

    Parameters
    ----------
    graph : Graph
    matrix : {"normalised_laplacian", "laplacian", "adjacency"}
    steps, probes : int
        Lanczos: ``steps * probes`` products at most.
    degree : int
        Moments: ``probes * ceil(degree / 2)`` products.
    generator : torch.Generator
    isolated : float
        Diagonal entry of isolated nodes in the normalised Laplacian.
    memory : int
        Bytes for the Lanczos vectors.

    Raises
    ------
    ValueError
        A graph without edges, or one whose every eigenvalue is known.
    """
    check_choice("matrix", matrix, tuple(MATRICES))
    graph = as_graph(graph)
    if graph.edges == 0:
        raise ValueError("the graph has no edge, so every eigenvalue is the same: choose a graph with edges.")
    options = {"isolated": isolated} if matrix == "normalised_laplacian" else {}
    A = MATRICES[matrix](graph, **options)
    A = A.to(dtype=dtype, device=device)
    known = component_eigenspace(graph, matrix, **options)
    known = known if len(known.values) else None
    free = graph.n - (len(known.values) if known else 0)
    if free == 0:
        raise ValueError(
            "every eigenvalue of this matrix is known from its components, 0 and 2: choose another matrix or another graph."
        )
    half = -(-degree // 2)
    total = probes * (min(steps, free) + half)
    result = None
    for quadrature in lanczos_quadrature_steps(
        A, steps=steps, probes=probes, generator=generator, known=known, memory=memory
    ):
        result = GraphSpectrum(quadrature, None, A.interval, quadrature.products, total)
        yield result
    total = quadrature.products + probes * half
    low, high = quadrature.ends
    margin = MARGIN * (A.interval[1] - A.interval[0])
    tight = max(A.interval[0], low - margin), min(A.interval[1], high + margin)
    state = generator.get_state()
    for interval in (tight, A.interval):
        generator.set_state(state)
        try:
            for moments in moment_steps(A, degree, probes=probes, generator=generator, interval=interval, known=known):
                spent = quadrature.products + moments.products
                yield replace(result, moments=moments, products=spent, total=total)
            return
        except ValueError:
            if interval == A.interval:
                raise


def spectrum(graph, **options):
    """The last item of `spectrum_steps`, whose options it takes.

    Examples
    --------
    >>> from spectral_core.graphs import from_edges
    >>> path = from_edges([0, 1, 2], [1, 2, 3])
    >>> s = spectrum(path, steps=4, probes=2, degree=4, generator=torch.Generator())
    >>> s.quadrature.stems()[0].round(6)
    array([0. , 0.5, 0.5, 1.5, 1.5, 2. ])
    """
    return last(spectrum_steps(graph, **options))
