"""Which random graph a graph's spectrum is nearest to, and with what parameter: Erdos-Renyi, Watts-Strogatz, Barabasi-Albert."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.estimators.maxent import MaxEntDensity, maxent
from spectral_core.graphs.comparison import INTERVAL, RIDGE
from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.graph import Graph, check_choice
from spectral_core.graphs.model_curves import (
    EXACT,
    FINE,
    RANDOM_GRAPHS,
    REFINED,
    ModelCurve,
    ModelFit,
    coarse_grid,
    graph_moment_steps,
)
from spectral_core.results import Moments, last

__all__ = ["RANDOM_GRAPHS", "ModelFit", "ModelFits", "fit_model", "fit_model_steps", "fit_models", "fit_models_steps"]

LARGEST = 1000  # nodes of a candidate, unless asked otherwise


@dataclass(frozen=True, eq=False)
class ModelFits:
    """The models by least divergence, nearest first; empty while the graph's own moments are computed.

    Attributes
    ----------
    fits : tuple of ModelFit
    target : MaxEntDensity
        Of the graph.
    ridge : float
        The standard error that every fit allowed every moment.
    products : int
        Of the graph and of all candidates.
    fraction : float
        The share of the work that is done.
    """

    fits: tuple[ModelFit, ...]
    target: MaxEntDensity
    ridge: float
    products: int
    fraction: float

    @property
    def tied(self):
        """The fits that can not be told from the nearest one: within two standard errors of the difference."""
        if not self.fits:
            return ()
        first = self.fits[0].least
        return tuple(
            fit
            for fit in self.fits
            if fit.least.value - first.value <= 2.0 * np.hypot(fit.least.standard_error, first.standard_error)
        )

    @property
    def reading(self):
        """What came out, in words."""
        if not self.fits:
            return "The graph's own moments come first."
        said = [f"{fit.reading}: divergence {_with_error(fit.least)}" for fit in self.fits]
        tied = len(self.tied)
        text = f"{said[0]}, is nearest" if tied == 1 else "a tie, within the errors: " + "; ".join(said[:tied])
        text = text[0].upper() + text[1:] if self.fraction == 1.0 else f"So far: {text}"
        return f"{text}." + (f" Then {'; '.join(said[tied:])}." if said[tied:] else "")


def _with_error(estimate):
    return f"{estimate.value:.2g} ± {estimate.standard_error:.1g}"


def fit_model_steps(
    target,
    model,
    *,
    generator,
    size=None,
    k=None,
    mean_degree=None,
    degree=30,
    repeats=5,
    probes=32,
    ridge=RIDGE,
    isolated=0.0,
    dtype=torch.float64,
    device="cpu",
):
    """Yield a complete `ModelFit` after every point of ``theta -> D(target, model(theta))``, D the symmetric KL.

    A point is the density of maximum entropy of the mean moments of `repeats` random graphs; each graph is a sample, so the
    curve's error bars hold the spread of graphs as well as that of probes. The same seeds serve every point. The coarse grid
    (the mean degree by factors of 2 from an eighth to eight times that of the graph, ``sqrt p`` by tenths) is refined twice
    between the neighbours of its minimum, and a cubic goes through the nine points about that, weighted by the errors and
    a quarter of D.

    Its lowest point is `value`; the jackknife over the repeats gives the standard error ``s`` of that. `interval` holds
    ``value +- t(repeats - 1) s sqrt(1 + repeats (size / nodes)^2)``, on the scale of the grid: the graph itself is one more
    draw, whose moments scatter as ``1 / nodes``. It holds too every point whose divergence is within two standard errors of
    the smallest, so that it is wide where the curve is flat. Where that cubic has no minimum, a parabola through three
    points is tried; without one the interval reaches to the neighbours of the smallest value at least, and `stopped` says so.

    Parameters
    ----------
    target : Graph or Moments
        Moments of the normalised Laplacian on (0, 2), `comparable_moments` for one; then `mean_degree` says where to
        search, or everything possible is searched.
    model : {"er", "ws", "ba"}
        Searched for the edge probability p, the rewiring probability p, the edges r of a new node (an integer).
    size : int, optional
        Nodes of a candidate, default that of the graph up to 1000. Where it differs, p of "er" is scaled to one mean
        degree ``p (nodes - 1)``.
    k : int, optional
        Neighbours in the ring, for "ws"; default the best of the even numbers about the mean degree.
    degree, probes : int
        Moments, and probes a graph; up to 300 nodes the moments are exact and take no product.
    repeats : int
        Graphs a point, at least 2.
    ridge : float
        Error that each fit allows each moment.
    isolated : float
        Diagonal entry of isolated nodes in the normalised Laplacian.

    Raises
    ------
    ValueError
        No edge, fewer nodes than moments, an unknown model, an impossible k, degree below 2, one repeat.

    Notes
    -----
    Cost: 10 to 50 points of `repeats` graphs, each ``probes ceil(degree / 2)`` products of `size` nodes. Source: thesis,
    section 3.6.1, whose grid has a spacing of 0.001, one graph a point, and no error bar.
    """
    search = _search_steps(
        target,
        model,
        generator=generator,
        size=size,
        k=k,
        mean_degree=mean_degree,
        degree=degree,
        repeats=repeats,
        probes=probes,
        ridge=ridge,
        isolated=isolated,
        dtype=dtype,
        device=device,
    )
    yield from (fit for fit in search if fit is not None)


def _search_steps(
    target,
    model,
    *,
    generator,
    size=None,
    k=None,
    mean_degree=None,
    degree=30,
    repeats=5,
    probes=32,
    ridge=RIDGE,
    **how,
):
    """As `fit_model_steps`, with None after each graph before the first point."""
    check_choice("model", model, tuple(RANDOM_GRAPHS))
    if repeats < 2:
        raise ValueError(f"an error bar needs at least 2 graphs a point; got repeats = {repeats}.")
    if probes < 2:
        raise ValueError(f"an error bar needs at least 2 probes a graph; got {probes}.")
    target = target if isinstance(target, Moments) else as_graph(target)
    how = {"isolated": 0.0, "dtype": torch.float64, "device": "cpu"} | how | {"degree": degree, "probes": probes}
    nodes, mean_degree = _about(target, mean_degree)
    size = _checked_size(size, nodes, mean_degree, degree)
    if isinstance(target, Graph):
        *_, target = graph_moment_steps(target, generator=generator, **how)
    fit = maxent(_checked_moments(target, degree), degree=degree, standard_error=ridge)
    seeds = tuple(torch.randint(2**63 - 1, (repeats,), generator=generator).tolist())
    curve = ModelCurve(model, fit, size, nodes or size, ridge, seeds, how)
    points, grid = [], coarse_grid(model, size, mean_degree, k)
    for finer in range(REFINED + 1):
        total = len(points) + len(grid) + (REFINED - finer) * (FINE - 2)
        for x, ring in grid:
            for found in curve.point_steps(x, ring):
                points += [] if found is None else [found]
                yield curve.result(points, total) if points else None
        grid = curve.finer(points)
    yield curve.located(points)


def fit_model(target, model, **options):
    """The last item of `fit_model_steps`, whose arguments it takes.

    >>> from spectral_core.graphs import erdos_renyi
    >>> graph = erdos_renyi(60, 0.5, generator=torch.Generator().manual_seed(0))
    >>> fit = fit_model(graph, "er", degree=10, generator=torch.Generator().manual_seed(1))
    >>> fit.interval[0] < 0.5 < fit.interval[1]
    True
    """
    return last(fit_model_steps(target, model, **options))


def fit_models_steps(target, models=tuple(RANDOM_GRAPHS), *, generator, k=None, mean_degree=None, **options):
    """Yield a complete `ModelFits` after every block product of the graph and every candidate graph.

    Parameters
    ----------
    target : Graph or Moments
    models : sequence of {"er", "ws", "ba"}
    generator, k, mean_degree, options
        As for `fit_model_steps`; all models meet the same moments of the graph.

    Raises
    ------
    ValueError
        As `fit_model_steps`; no model.
    """
    models = tuple(dict.fromkeys([models] if isinstance(models, str) else models))
    if not models:
        raise ValueError(f"choose at least one model of {', '.join(RANDOM_GRAPHS)}.")
    for model in models:
        check_choice("model", model, tuple(RANDOM_GRAPHS))
    target = target if isinstance(target, Moments) else as_graph(target)
    degree, ridge = options.setdefault("degree", 30), options.setdefault("ridge", RIDGE)
    nodes, mean_degree = _about(target, mean_degree)
    size = _checked_size(options.get("size"), nodes, mean_degree, degree)
    for model in models:  # bad input is told before the work begins
        coarse_grid(model, size, mean_degree, k)
    moments, share = target, 0.0
    if isinstance(target, Graph):
        names = ("degree", "probes", "isolated", "dtype", "device")
        how = {name: options[name] for name in names if name in options}
        share = 0.0 if nodes <= EXACT else 0.1
        for moments in graph_moment_steps(target, generator=generator, **how):
            yield _ordered((), maxent(moments, standard_error=ridge), moments.products, share * moments.degree / degree)
    target, spent, fits = maxent(_checked_moments(moments, degree), standard_error=ridge), moments.products, []
    for place, model in enumerate(models):
        for fit in _search_steps(moments, model, generator=generator, k=k, mean_degree=mean_degree, **options):
            done, products, found = place, spent, fits
            if fit is not None:
                done, products, found = place + 0.99 * fit.points / fit.total, spent + fit.products, [*fits, fit]
            yield _ordered(found, target, products, share + (1.0 - share) * done / len(models))
        spent, fits = products, found
    yield _ordered(fits, target, spent, 1.0)


def fit_models(target, models=tuple(RANDOM_GRAPHS), **options):
    """The last item of `fit_models_steps`, whose arguments it takes.

    >>> from spectral_core.graphs import barabasi_albert
    >>> graph = barabasi_albert(100, 40, generator=torch.Generator().manual_seed(0))
    >>> fit_models(graph, repeats=3, generator=torch.Generator().manual_seed(1)).fits[0].model
    'ba'
    """
    return last(fit_models_steps(target, models, **options))


def _ordered(fits, target, products, fraction):
    ranked = tuple(sorted(fits, key=lambda fit: fit.least.value))
    return ModelFits(ranked, target, float(np.sqrt(target.penalty[1])), products, fraction)


def _about(target, mean_degree):
    """Number of nodes (0 if unknown) and mean degree (None if unknown) of a graph or of its moments."""
    if isinstance(target, Graph):
        if target.edges == 0:
            raise ValueError(f"{target.name} has no edge, so no model can be fitted: choose a graph with edges.")
        return target.n, 2.0 * target.edges / target.n  # of edges, not of weights
    if not isinstance(target, Moments):
        raise ValueError(f"a model is fitted to a Graph or to Moments; got {type(target).__name__}.")
    if mean_degree is not None and not mean_degree > 0:
        raise ValueError(f"the mean degree must be positive; got {mean_degree}.")
    return target.size, mean_degree


def _checked_size(size, nodes, mean_degree, degree):
    """Nodes of a candidate."""
    if degree < 2:
        raise ValueError(f"a spectrum's shape needs at least 2 moments; got degree = {degree}.")
    if 0 < nodes <= degree:
        raise ValueError(
            f"the graph has {nodes} nodes, too few for {degree} moments: ask for fewer moments than nodes, or choose a larger "
            "graph."
        )
    size = min(nodes or LARGEST, LARGEST) if size is None else int(size)
    if size <= degree:
        raise ValueError(f"candidates of {size} nodes are too few for {degree} moments: choose a size above {degree}.")
    if mean_degree is not None and nodes > size and mean_degree > 0.5 * (size - 1):
        raise ValueError(
            f"the graph's mean degree {mean_degree:.4g} is too large for candidates of {size} nodes: choose at least "
            f"size = {min(int(2 * mean_degree) + 2, nodes)}."
        )
    return size


def _checked_moments(moments, degree):
    if (moments.interval, moments.basis) != (INTERVAL, "chebyshev"):
        raise ValueError(
            "models are compared by Chebyshev moments of the normalised Laplacian on (0, 2); got "
            f"{moments.basis} moments on {moments.interval}."
        )
    return moments.whole().truncated(degree)
