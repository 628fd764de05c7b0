"""How many clusters a graph has: the small eigenvalues of its normalised Laplacian, counted from products alone."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from spectral_core.estimators.kernel_polynomial import moment_steps
from spectral_core.estimators.quadrature import lanczos_quadrature_steps
from spectral_core.graphs.cluster_minima import density_minimum, lanczos_minimum
from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.counting import Plateau, counting_function, widest_plateau
from spectral_core.graphs.graph import check_choice
from spectral_core.graphs.matrices import component_eigenspace, normalised_laplacian
from spectral_core.inertia import inertia_steps
from spectral_core.results import Moments, last

__all__ = [
    "METHODS",
    "ClusterCount",
    "cluster_count",
    "cluster_count_steps",
    "count_from_moments",
    "count_from_quadrature",
    "with_exact_steps",
]

METHODS = ("plateau", "first minimum", "deepest minimum", "threshold", "smoothed Lanczos")
LEAST_DEGREE = 10
EXACT_LIMIT = 20_000  # nodes, for exact="auto"
SIGMA = 0.02


@dataclass(frozen=True, eq=False)
class ClusterCount:
    """The number of eigenvalues below a threshold in the spectral gap, which is the number of clusters.

    Attributes
    ----------
    value, standard_error : float
        Number of clusters, components included; NaN where the method found no threshold.
    threshold : float
        lambda*, below which they are counted.
    components : int
        Connected components (with eigenvalue 0), counted exactly; at least so many clusters there are.
    clear : bool
        Whether a gap was found. Without one `value` is that at the low end, the components at least, and says no more.
    confidence : float
        Width of the gap in units of the resolution; 0 for methods that do not measure it.
    exact : int or None
        Eigenvalues below the threshold, exactly.
    exact_note : str
        How `exact` is known, or why it is not.
    method : str
    products : int
    stopped : str
    plateau : Plateau or None
    moments : Moments or None
        What was measured; other methods, thresholds and numbers of moments are re-evaluations of it.
    density : Density or None
        Whose minimum was taken, where one was.
    """

    value: float
    standard_error: float
    threshold: float
    components: int
    clear: bool
    confidence: float
    method: str
    products: int
    stopped: str
    exact: int | None = None
    exact_note: str = "not asked for"
    plateau: Plateau | None = None
    moments: Moments | None = field(default=None, repr=False)
    density: object = field(default=None, repr=False)

    @cached_property
    def counting(self):
        """`CountingFunction` of the moments; None without moments."""
        return None if self.moments is None else counting_function(self.moments)

    @property
    def sentence(self):
        """The reading in words."""
        pieces = "1 connected component" if self.components == 1 else f"{self.components:,} connected components"
        if not np.isfinite(self.value):
            return f"The {self.method} method finds no threshold: the density has no such minimum. There are {pieces}."
        if not self.clear:
            return (
                f"No clear gap: {pieces} for sure, but above 0 the count grows with the threshold without a pause, so a "
                "number of weakly linked clusters would be arbitrary."
            )
        estimate = _rounded(self.value, self.standard_error)
        shown, beside = estimate, ""
        if self.exact is not None:
            shown, beside = f"{self.exact:,}", f" Exactly, {self.exact_note}; from products alone {estimate}."
        below = f"below λ* = {self.threshold:.3g}"
        if self.method != "plateau":
            return f"{shown} clusters {below} ({self.method}), in {pieces}.{beside}"
        if self.value - self.components >= 0.5:
            return f"{shown} clusters {below}, weakly linked, in {pieces}.{beside}"
        if self.components == 1:
            end = f" below about {self.plateau.end:.2g}" if self.plateau else ""
            return f"One cluster: the graph is in one piece, and its only eigenvalue{end} is 0.{beside}"
        return (
            f"{self.components:,} clusters, all of them connected components: none is weakly linked to another.{beside}"
        )


def count_from_moments(moments, *, method="plateau", degree=None, threshold=None):
    """`ClusterCount` by any method that takes Chebyshev moments; no product.

    Parameters
    ----------
    moments : Moments
        Of a normalised Laplacian on (0, 2), components taken out as atoms, `size` given.
    method : {"plateau", "first minimum", "deepest minimum", "threshold"}
    degree : int, optional
        Use only so many of them.
    threshold : float
        lambda* in (0, 2), for the method "threshold".

    Raises
    ------
    ValueError
        Another method, a threshold outside (0, 2), or moments of something else.

    Examples
    --------
    >>> values = np.cos(np.arange(41) * np.arccos(0.0))  # 98 eigenvalues 1, beside two components
    >>> mu = Moments(values[None], (0, 2), atoms=[(0.0, 0.02)], is_exact=True, size=100)
    >>> count_from_moments(mu).sentence
    '2 clusters, all of them connected components: none is weakly linked to another.'
    """
    check_choice("method", method, METHODS[:-1])
    if degree is not None:
        moments = moments.truncated(degree)
    positions, masses = moments.atoms.T
    shared = {
        "components": round(moments.size * masses[positions <= 1e-12].sum()),
        "method": method,
        "products": moments.probes * -(-moments.degree // 2) if moments.products else 0,
        "stopped": moments.stopped,
        "moments": moments,
    }
    plateau = widest_plateau(counting_function(moments)) if method == "plateau" else None
    if method == "plateau":
        found = plateau.count, plateau.standard_error, plateau.flattest
        return ClusterCount(*found, clear=plateau.clear, confidence=plateau.width, plateau=plateau, **shared)
    if method == "threshold":
        if threshold is None or not 0.0 < threshold < 2.0:
            raise ValueError(f"a threshold must lie between 0 and 2, as the eigenvalues do; got {threshold}.")
        value, error = counting_function(moments).at(threshold)
        return ClusterCount(value, error, float(threshold), clear=True, confidence=0.0, **shared)
    *found, density = density_minimum(moments, method.split()[0])
    return ClusterCount(*found, clear=bool(np.isfinite(found[0])), confidence=0.0, density=density, **shared)


def count_from_quadrature(quadrature, *, sigma=SIGMA, minimum="first", reflected=True):
    """`ClusterCount` from Lanczos stems smoothed by a Gaussian of width `sigma`: `lanczos_minimum`; no product."""
    *found, density = lanczos_minimum(quadrature, sigma, minimum, reflected=reflected)
    positions, masses = quadrature.atoms.T
    return ClusterCount(
        *found,
        components=round(quadrature.size * masses[positions <= 1e-12].sum()),
        clear=bool(np.isfinite(found[0])),
        confidence=0.0,
        method="smoothed Lanczos",
        products=quadrature.products,
        stopped=quadrature.stopped,
        density=density,
    )


def cluster_count_steps(
    graph,
    *,
    generator,
    method="plateau",
    degree=100,
    probes=32,
    threshold=None,
    sigma=SIGMA,
    isolated=0.0,
    exact="auto",
    seconds=10.0,
    dtype=torch.float64,
    device="cpu",
):
    """Yield a complete `ClusterCount` after every block product, and while an exact count is made.

    Components are counted exactly first, and their eigenvectors ``D^1/2 1_C`` projected out of the probes: only weakly
    linked clusters are left to estimate.

    Parameters
    ----------
    graph : Graph
    generator : torch.Generator
    method : {"plateau", "first minimum", "deepest minimum", "threshold", "smoothed Lanczos"}
        The widest plateau of the counting function (default); the thesis's Algorithm 5; the same at the deepest minimum;
        a `threshold` of one's own; Lanczos stems smoothed with `sigma`, reflected at 0.
    degree, probes : int
        ``probes * ceil(degree / 2)`` products. The statistical error of n_c clusters is about ``sqrt(2 n_c / probes)``; the
        gap must be wider than ``2 pi / degree`` in ``arccos(1 - lambda)``. Lanczos takes ``ceil(degree / 2)`` steps.
    isolated : float
        Diagonal entry of isolated nodes: 0 makes each a component and a cluster of its own.
    exact : {"auto", True, False}
        Whether to count the eigenvalues below the threshold found by inertia too; "auto" up to 20 000 nodes.
    seconds : float
        After which the exact count is given up.

    Raises
    ------
    ValueError
        A graph without edges, fewer than ten moments, or what `count_from_moments` raises.

    Notes
    -----
    Source: thesis Algorithm 5 and section 3.7.1, which count at a minimum of the density; see `widest_plateau` for the
    default and for what a clear gap is.
    """
    check_choice("method", method, METHODS)
    if exact not in (True, False, "auto"):
        raise ValueError(f"exact must be True, False or 'auto'; got {exact!r}.")
    graph = as_graph(graph)
    if graph.edges == 0:
        raise ValueError("the graph has no edge, so there is nothing to cluster: choose a graph with edges.")
    if degree < LEAST_DEGREE:
        raise ValueError(f"a gap needs at least {LEAST_DEGREE} moments to be seen; got {degree}.")
    if method == "threshold" and (threshold is None or not 0.0 < threshold < 2.0):
        raise ValueError(f"a threshold must lie between 0 and 2, as the eigenvalues do; got {threshold}.")
    L = normalised_laplacian(graph, isolated=isolated)
    known = component_eigenspace(graph, isolated=isolated)
    matrix = L.matrix
    L = L.to(dtype=dtype, device=device)
    if len(known.values) == graph.n:
        result = _all_known(known)
        yield result
    elif method == "smoothed Lanczos":
        steps = -(-degree // 2)
        for quadrature in lanczos_quadrature_steps(L, steps=steps, probes=probes, generator=generator, known=known):
            result = count_from_quadrature(quadrature, sigma=sigma)
            yield result
    else:
        options = {"probes": probes, "generator": generator, "interval": (0.0, 2.0), "known": known}
        for moments in moment_steps(L, degree, **options):
            result = count_from_moments(moments, method=method, threshold=threshold)
            yield result
    if exact is True or (exact == "auto" and graph.n <= EXACT_LIMIT):
        yield from (item for _, item in with_exact_steps(result, matrix, seconds=seconds))
    elif exact == "auto":
        yield replace(result, exact_note=f"not tried above {EXACT_LIMIT:,} nodes unless asked for")


def with_exact_steps(count, matrix, *, seconds=10.0):
    """Yield ``(fraction, count)`` while ``#{lambda < threshold}`` is found by inertia; the last one has `exact`.

    Parameters
    ----------
    count : ClusterCount
    matrix : (n, n) SciPy sparse array
        The normalised Laplacian.
    seconds : float
        After which it is given up; `exact_note` then says so.
    """
    if not count.clear:
        yield 1.0, replace(count, exact_note="there is no gap to count below")
        return
    try:
        for fraction, number in inertia_steps(matrix, count.threshold, seconds=seconds):
            if number is None:
                yield fraction, count
        yield 1.0, replace(count, exact=number, exact_note="by inertia")
    except ValueError as error:
        yield 1.0, replace(count, exact_note=str(error))


def cluster_count(graph, **options):
    """The last item of `cluster_count_steps`, whose options it takes.

    Examples
    --------
    >>> from spectral_core.graphs import clustered
    >>> network = clustered(9, generator=torch.Generator().manual_seed(0))
    >>> k = cluster_count(network, generator=torch.Generator().manual_seed(1))
    >>> k.clear, k.exact, abs(k.value - 9) < 3 * k.standard_error
    (True, 9, True)
    """
    return last(cluster_count_steps(graph, **options))


def _all_known(known):
    """Isolated nodes and lone edges only: every eigenvalue is known, 0 or 2 (or that of an isolated node)."""
    components = int((known.values <= 1e-12).sum())
    return ClusterCount(
        value=float(components),
        standard_error=0.0,
        threshold=1.0,
        components=components,
        clear=True,
        confidence=np.inf,
        method="plateau",
        products=0,
        stopped="every eigenvalue is known from the components",
    )


def _rounded(value, error):
    """``value ± error`` with two digits of the error.

    >>> _rounded(1358.2, 11.7), _rounded(9.466, 0.79), _rounded(20.0, 0.0)
    ('1,358 ± 12', '9.47 ± 0.79', '20')
    """
    if not error > 1e-6 * max(value, 1.0):
        return f"{value:,.6g}" if value == round(value, 3) else f"{value:,.2f}"
    if not np.isfinite(error):
        return f"{value:,.4g} (one probe: no error bar)"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:,.{digits}f} ± {error:,.{digits}f}"
