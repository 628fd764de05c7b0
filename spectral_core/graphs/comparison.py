"""How alike graphs are: divergences between their densities of maximum entropy, whatever their sizes."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from spectral_core.estimators.divergences import noise_floor, symmetric_kl, wasserstein
from spectral_core.estimators.kernel_polynomial import moment_steps
from spectral_core.estimators.maxent import MaxEntDensity, maxent
from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.matrices import component_eigenspace, normalised_laplacian
from spectral_core.results import frozen

__all__ = [
    "RIDGE",
    "Similarity",
    "comparable_moment_steps",
    "comparable_moments",
    "similarity",
    "similarity_of_moments",
    "similarity_steps",
]

RIDGE = 2e-3
INTERVAL = (0.0, 2.0)


@dataclass(frozen=True, eq=False)
class Similarity:
    """All pairs of some graphs.

    Attributes
    ----------
    names : tuple of str
    densities : tuple of MaxEntDensity
        Of the normalised Laplacians on (0, 2), atoms inside.
    divergence, standard_error : (k, k) arrays
        Symmetric KL in nats, and its error over the probes (`estimators.divergences.symmetric_kl`).
    wasserstein, wasserstein_error : (k, k) arrays
        In units of the eigenvalues.
    noise_floor : (k,) array
        The divergence of two measurements of one graph is the sum of two of these on average.
    ridge : float
        The standard error that every fit allowed every moment: divergences depend on it.
    products : int
    """

    names: tuple[str, ...]
    densities: tuple[MaxEntDensity, ...]
    divergence: np.ndarray
    standard_error: np.ndarray
    wasserstein: np.ndarray
    wasserstein_error: np.ndarray
    noise_floor: np.ndarray
    ridge: float
    products: int

    @property
    def converged(self):
        """Whether every fit is."""
        return all(density.converged for density in self.densities)

    def order(self, distance="divergence"):
        """Indices that put like graphs beside each other: average linkage, leaves ordered optimally (Bar-Joseph 2001)."""
        matrix = getattr(self, distance)
        if len(matrix) < 3:
            return np.arange(len(matrix))
        from scipy.cluster import hierarchy  # a twentieth of a second of every start, and only this needs it

        pairs = matrix[np.triu_indices(len(matrix), 1)]
        return hierarchy.leaves_list(hierarchy.optimal_leaf_ordering(hierarchy.average(pairs), pairs))

    def nearest(self, distance="divergence"):
        """Index of each graph's nearest other graph, (k,) ints."""
        return (getattr(self, distance) + np.diag(np.full(len(self.names), np.inf))).argmin(axis=1)

    def exceptions(self, families, distance="divergence"):
        """Triples ``(i, j, l)``: graph i is nearer to j, of another family, than to l, the farthest of its own.

        The nearest such j for each i. `families` holds one label a graph.
        """
        matrix, found = getattr(self, distance), []
        families = np.asarray(families)
        for i, family in enumerate(families):
            own = np.flatnonzero((families == family) & (np.arange(len(families)) != i))
            others = np.flatnonzero(families != family)
            if len(own) and len(others):
                farthest, nearest = own[matrix[i, own].argmax()], others[matrix[i, others].argmin()]
                if matrix[i, nearest] < matrix[i, farthest]:
                    found.append((i, int(nearest), int(farthest)))
        return found


def comparable_moment_steps(
    graph, *, degree=100, probes=10, generator, isolated=0.0, dtype=torch.float64, device="cpu"
):
    """Yield `Moments` of the normalised Laplacian on (0, 2), atoms inside, after every block product.

    What two graphs of any sizes are compared by. The eigenvalues that the components give are taken out of the probes and
    put back exactly, which leaves less noise than probing them.

    Parameters
    ----------
    graph : Graph
    degree, probes : int
        ``probes * ceil(degree / 2)`` products.
    generator : torch.Generator
    isolated : float
        Diagonal entry of an isolated node: it moves divergences, so one choice for all graphs.

    Raises
    ------
    ValueError
        No edge, or not more nodes than moments: n eigenvalues are known from n moments.
    """
    options = {"degree": degree, "probes": probes, "isolated": isolated, "dtype": dtype, "device": device}
    yield from (moments.whole() for moments in _apart_steps(graph, generator=generator, **options))


def _apart_steps(graph, *, generator, degree=100, probes=10, isolated=0.0, dtype=torch.float64, device="cpu"):
    """The same with the known atoms apart."""
    graph = as_graph(graph)
    if graph.edges == 0:
        raise ValueError(f"{graph.name} has no edge, so there is nothing to compare: choose graphs with edges.")
    if graph.n <= degree:
        raise ValueError(
            f"{graph.name} has {graph.n} nodes, too few for {degree} moments: ask for fewer moments than nodes, or leave it out."
        )
    A = normalised_laplacian(graph, isolated)
    A = A.to(dtype=dtype, device=device)
    known = component_eigenspace(graph, isolated=isolated)
    if len(known.values) >= graph.n:  # all known: lone edges and isolated nodes
        known = None
    return moment_steps(A, degree, probes=probes, generator=generator, interval=INTERVAL, known=known)


def comparable_moments(graph, **options):
    """The last item of `comparable_moment_steps`, whose options it takes.

    >>> from spectral_core.graphs import load
    >>> moments = comparable_moments(load("karate_club"), degree=10, probes=3, generator=torch.Generator())
    >>> moments.interval, len(moments.atoms)
    ((0.0, 2.0), 0)
    """
    moments = None
    for moments in _apart_steps(graph, **options):
        pass
    return moments.whole()


def similarity_of_moments(moments, names, *, degree=None, ridge=RIDGE, support=None):
    """`Similarity` from moments that are there: no product; some 10 ms a graph and 0.1 ms a pair.

    Parameters
    ----------
    moments : sequence of Moments
        On one interval, in one basis, of one degree at least `degree`, atoms inside.
    names : sequence of str
        All different.
    degree : int, optional
        Use only so many moments.
    ridge : float
        Passed to `maxent` as ``standard_error=`` for every graph: divergences between unlike graphs fall as it rises.
    support : (float, float), optional
        Passed to `maxent`.

    Raises
    ------
    ValueError
        Fewer than two, names that are not all different, or moments that do not share interval, basis and degree.
    """
    moments, names = list(moments), tuple(map(str, names))
    if len(moments) < 2:
        raise ValueError(f"a comparison needs at least two graphs; got {len(moments)}: add another.")
    if len(names) != len(moments) or len(set(names)) != len(names):
        raise ValueError("every graph needs a name of its own, one name a graph: rename those that share one.")
    ways = {(one.interval, one.basis) for one in moments}
    if len(ways) > 1:
        raise ValueError(f"moments are compared on one interval and basis; got {', '.join(map(str, sorted(ways)))}.")
    least = min(one.degree for one in moments)
    degree = least if degree is None else degree
    if degree > least:
        raise ValueError(
            f"{names[[m.degree for m in moments].index(least)]} has {least} moments; {degree} were asked for."
        )
    fits = [_fit(one, degree, ridge, support) for one in moments]
    k = len(fits)
    matrices = np.zeros((4, k, k))
    for i in range(k):
        for j in range(i):
            pair = symmetric_kl(fits[i], fits[j]), wasserstein(fits[i], fits[j])
            values = [number for one in pair for number in (one.value, one.standard_error)]
            matrices[:, i, j] = matrices[:, j, i] = values
    return Similarity(
        names,
        tuple(fits),
        *(frozen(matrix) for matrix in matrices),
        noise_floor=frozen([noise_floor(fit) for fit in fits]),
        ridge=float(ridge),
        products=sum(one.products for one in moments),
    )


@lru_cache(maxsize=256)
def _fit(moments, degree, ridge, support):
    return maxent(moments.whole(), degree=degree, standard_error=ridge, support=support)


def similarity_steps(
    graphs, *, degree=100, probes=10, ridge=RIDGE, generator, isolated=0.0, dtype=torch.float64, device="cpu"
):
    """Yield the `Similarity` of the first two, three, ... graphs; options as for `similarity`."""
    graphs = [as_graph(graph) for graph in graphs]
    seed = torch.randint(2**63 - 1, (1,), generator=generator).item()  # of every graph: the order does not matter
    check_distinct(graphs)
    found = []
    for graph in graphs:
        own = torch.Generator().manual_seed(seed)
        options = {"degree": degree, "probes": probes, "isolated": isolated, "dtype": dtype, "device": device}
        found.append(comparable_moments(graph, generator=own, **options))
        if len(found) > 1:
            names = unique_names([one.name for one in graphs[: len(found)]])
            yield similarity_of_moments(found, names, ridge=ridge)


def similarity(graphs, **options):
    """``D_ij = (KL(p_i || p_j) + KL(p_j || p_i)) / 2`` between the spectra of graphs, all pairs, with error bars.

    Parameters
    ----------
    graphs : sequence of Graph
        At least two, all different, of any sizes.
    degree, probes : int
        Moments (default 100) and probes (10) of each: ``probes * ceil(degree / 2)`` products a graph.
    ridge : float
        Error that each fit allows each moment, 2e-3 by default.
    generator : torch.Generator
    isolated : float
        Diagonal entry of isolated nodes, 0 by default.
    dtype, device : optional

    Returns
    -------
    Similarity

    Raises
    ------
    ValueError
        Fewer than two graphs, the same graph twice, a graph without an edge or with fewer nodes than moments.

    Notes
    -----
    Densities of maximum entropy on one domain, (0, 2), with the atoms inside and one `ridge`, which is what makes their
    divergences finite and comparable. Source: thesis section 3.6, Equation 3.12; its Figure 3.4 comes from fits that had
    not converged.

    Examples
    --------
    >>> from spectral_core.graphs import barabasi_albert, erdos_renyi
    >>> g = torch.Generator().manual_seed(0)
    >>> graphs = [erdos_renyi(500, 0.02, generator=g), erdos_renyi(500, 0.02, generator=g), barabasi_albert(500, 5, generator=g)]
    >>> S = similarity(graphs, degree=30, generator=g)
    >>> bool(S.divergence[0, 1] < S.divergence[0, 2])
    True
    """
    result = None
    for result in similarity_steps(graphs, **options):
        pass
    if result is None:
        raise ValueError(f"a comparison needs at least two graphs; got {len(list(graphs))}: add another.")
    return result


def check_distinct(graphs):
    """Refuse one graph given twice, by the content of its adjacency matrix."""
    seen = {}
    for place, graph in enumerate(graphs):
        before = seen.setdefault(graph.content_hash, place)
        if before != place:
            raise ValueError(
                f"graph {before + 1} ({graphs[before].name}) and graph {place + 1} ({graph.name}) are the same: a graph is "
                "at distance 0 from itself; leave one of them out."
            )


def unique_names(names):
    """The names, numbered where one occurs more than once.

    >>> unique_names(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen, chosen = {}, []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        chosen.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return chosen
