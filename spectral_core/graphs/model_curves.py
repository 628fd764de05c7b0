"""One random-graph model against a spectrum: the curve of divergences over its parameter, and the minimum of that curve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy import special

from spectral_core.blas_threads import one_blas_thread
from spectral_core.estimators.divergences import symmetric_kl
from spectral_core.estimators.kernel_polynomial import chebyshev_moments
from spectral_core.estimators.maxent import MaxEntDensity, maxent
from spectral_core.graphs.comparison import INTERVAL, comparable_moment_steps
from spectral_core.graphs.generators import barabasi_albert, erdos_renyi, watts_strogatz
from spectral_core.graphs.matrices import normalised_laplacian
from spectral_core.polynomials import vandermonde
from spectral_core.results import Estimate, Moments, frozen, mean_and_standard_error

__all__ = ["FINE", "RANDOM_GRAPHS", "REFINED", "ModelCurve", "ModelFit", "coarse_grid", "graph_moment_steps"]

EXACT = 300  # nodes up to which all eigenvalues are computed: 3 ms
SPAN, STEP = 8.0, 2.0  # the mean degree is searched from an eighth to eight times the graph's, by factors of 2
REFINED, FINE = 2, 9  # times that the grid is refined, by so many points between the neighbours of its minimum
NEAR = 4  # points of the curve on either side of its smallest value through which the cubic goes
RELATIVE = 0.25  # of the divergence: how far that cubic may be from the curve


class RandomGraph(NamedTuple):
    """A model with one parameter: its names, ``draw(n, value, k, generator)``, and the scale of its grid and its way back."""

    title: str
    symbol: str
    draw: Callable
    stretch: Callable
    unstretch: Callable


def _logit(value, most):
    return special.logit(np.asarray(value, dtype=np.float64) / most)


RANDOM_GRAPHS = {
    # searched by the mean degree c = p (n - 1); the semicircle's radius is 2 sqrt((1 - p) / c), so its logarithm is linear
    "er": RandomGraph(
        "Erdős–Rényi",
        "p",
        lambda n, c, k, generator: erdos_renyi(n, min(c / (n - 1), 1.0), generator=generator),
        lambda c, n: _logit(c, n - 1),
        lambda x, n: (n - 1) * special.expit(x),
    ),
    "ws": RandomGraph(
        "Watts–Strogatz",
        "p",
        lambda n, p, k, generator: watts_strogatz(n, k, p, generator=generator),
        lambda p, n: np.sqrt(p),
        lambda x, n: np.clip(x, 0.0, 1.0) ** 2,
    ),
    "ba": RandomGraph(
        "Barabási–Albert",
        "r",
        lambda n, r, k, generator: barabasi_albert(n, round(r), generator=generator),
        lambda r, n: _logit(r, n),
        lambda x, n: n * special.expit(x),
    ),
}


@dataclass(frozen=True, eq=False)
class ModelFit:
    """One model's curve of divergences and its minimum.

    Attributes
    ----------
    model : {"er", "ws", "ba"}
    parameters, divergence, standard_error : (g,) arrays
        The curve, ascending: ``p``, ``p`` or ``r`` against the symmetric KL in nats and its error over the repeats.
    value : float
        The parameter at the minimum.
    interval : (float, float)
        For the parameter: see `fit_model_steps`; while the search goes on the range so far.
    least : Estimate
        The smallest divergence of the curve.
    density, target : MaxEntDensity
        Of the candidates at the smallest divergence, and of the graph.
    size, nodes : int
        Nodes of a candidate and of the graph.
    k : int or None
        Neighbours in the ring of the Watts-Strogatz model: the best of those tried.
    tried : (t, 2) array
        ``(k, smallest divergence)`` for each k; only the best one's curve was refined.
    at_end : bool
        Whether the smallest divergence lies at an end of the range searched.
    products, points, total : int
        Matrix-vector products spent on the candidates; points computed so far, and in the end.
    stopped : str
    """

    model: str
    parameters: np.ndarray
    divergence: np.ndarray
    standard_error: np.ndarray
    value: float
    interval: tuple[float, float]
    least: Estimate
    density: MaxEntDensity
    target: MaxEntDensity
    size: int
    nodes: int
    k: int | None
    tried: np.ndarray
    at_end: bool
    products: int
    points: int
    total: int
    stopped: str

    @property
    def title(self):
        """The model's name."""
        return RANDOM_GRAPHS[self.model].title

    @property
    def symbol(self):
        """The parameter's name."""
        return RANDOM_GRAPHS[self.model].symbol

    @property
    def mean_degree(self):
        """Of a candidate at the minimum: ``p (n - 1)``, ``k`` or ``2 r (1 - r / size)``."""
        if self.model == "er":
            return self.value * (self.nodes - 1)
        return float(self.k) if self.model == "ws" else 2.0 * self.value * (1.0 - self.value / self.size)

    @property
    def label(self):
        """The parameters in short; r, an integer, is the one of the smallest divergence."""
        value = self.parameters[self.divergence.argmin()] if self.model == "ba" else self.value
        return (f"k = {self.k}, " if self.k else "") + f"{self.symbol} = {value:.3g}"

    @property
    def reading(self):
        """The parameter and its interval in words."""
        low, high = self.interval
        c = f"; mean degree {self.mean_degree:.3g}" if self.model == "er" else ""
        reach = "still searched" if self.stopped == "on the way" else f"{low:.3g} to {high:.3g}"
        text = f"{self.title} with {self.label} ({reach}{c})"
        return text + (", the end of the range searched" if self.at_end else "")


class _Point(NamedTuple):
    x: float
    value: float
    k: int | None
    moments: Moments
    density: MaxEntDensity
    distance: Estimate


def graph_moment_steps(graph, *, generator, degree=30, probes=32, isolated=0.0, dtype=torch.float64, device="cpu"):
    """Moments of the normalised Laplacian on (0, 2), atoms inside: exact up to 300 nodes, else `comparable_moment_steps`."""
    if graph.n > EXACT:
        how = {"probes": probes, "isolated": isolated, "dtype": dtype, "device": device}
        yield from comparable_moment_steps(graph, degree=degree, generator=generator, **how)
        return
    yield _exact_moments(normalised_laplacian(graph, isolated), degree)


def _exact_moments(L, degree):
    with one_blas_thread():
        values = np.linalg.eigvalsh(L.matrix.toarray())
    values = np.clip(values, *INTERVAL)
    mean = vandermonde("chebyshev", degree, values, INTERVAL).mean(axis=0)
    return Moments(mean[None], INTERVAL, is_exact=True, size=len(values))


def _candidate_moments(graph, *, generator, degree, probes, isolated, dtype, device):
    """As `graph_moment_steps`, but all eigenvalues are probed: twice as fast, with a little more noise."""
    L = normalised_laplacian(graph, isolated)
    if graph.n <= EXACT:
        return _exact_moments(L, degree)
    L = L.to(dtype=dtype, device=device)
    return chebyshev_moments(L, degree, probes=probes, generator=generator, interval=INTERVAL)


def coarse_grid(model, size, mean_degree, k):
    """The first grid: pairs (place on the model's scale, k or None).

    Raises
    ------
    ValueError
        A k that is odd or outside 2, ..., size - 1; "ws" without `k` and `mean_degree`.
    """
    if model == "ws":
        return [(float(x), ring) for ring in _rings(size, mean_degree, k) for x in np.linspace(0.0, 1.0, 11)]
    form, most = RANDOM_GRAPHS[model], size - 1
    centre = most / 2.0 if mean_degree is None else mean_degree
    if model == "ba":  # r (n - r) edges
        centre = size / 2.0 * (1.0 - np.sqrt(max(1.0 - 2.0 * centre / size, 0.0)))
    span = most if mean_degree is None else SPAN
    low, high = max(centre / span, 0.5 if model == "er" else 1.0), min(centre * span, 0.99 * most)
    middle, first, last = (float(form.stretch(value, size)) for value in (min(centre, 0.99 * most), low, high))
    step = np.log(STEP)
    x = middle + step * np.arange(np.floor((first - middle) / step), np.ceil((last - middle) / step) + 1)
    return _places(model, np.clip(x, first, last), size, None)


def _rings(size, mean_degree, k):
    """The k of Watts-Strogatz graphs to try, the likeliest first."""
    most = size - 1 - (size - 1) % 2
    if k is not None:
        if k % 2 or not 2 <= k <= most:
            raise ValueError(f"a Watts-Strogatz graph of {size} nodes needs an even k from 2 to {most}; got k = {k}.")
        return [k]
    if mean_degree is None:
        raise ValueError("moments do not say how many neighbours there are: give k= or mean_degree=.")
    nearest = min(max(2 * round(mean_degree / 2.0), 2), most)
    return [ring for ring in (nearest, nearest - 2, nearest + 2) if 2 <= ring <= most]


def _places(model, x, size, k):
    """Pairs (x, k) without doubles, r rounded to integers."""
    if model == "ba":
        form = RANDOM_GRAPHS["ba"]
        x = form.stretch(np.clip(np.round(form.unstretch(x, size)), 1, size - 1), size)
    return [(float(one), k) for one in np.unique(x)]


@dataclass(frozen=True, eq=False)
class ModelCurve:
    """What every point of one model's curve shares; `how` are the options of `graph_moment_steps`."""

    model: str
    target: MaxEntDensity
    size: int
    nodes: int
    ridge: float
    seeds: tuple[int, ...]
    how: dict

    def point_steps(self, x, k):
        """Yield None after every graph but the last, then the point at `x`: each graph's moments are one sample."""
        form = RANDOM_GRAPHS[self.model]
        value = float(form.unstretch(x, self.size))
        rows, products = [], 0
        for seed in self.seeds:
            if rows:
                yield None
            own = torch.Generator().manual_seed(seed)  # the same for every point
            graph = form.draw(self.size, value, k, own)
            one = _candidate_moments(graph, generator=own, **self.how)
            rows.append(one.samples.mean(axis=0))
            products += one.products
        moments = Moments(np.array(rows), INTERVAL, size=self.size, products=products, stopped="took all graphs")
        density = maxent(moments, standard_error=self.ridge)
        yield _Point(x, value, k, moments, density, symmetric_kl(self.target, density))

    def line(self, points):
        """The curve that holds the smallest divergence, in order of x, and the place of its smallest."""
        best = min(points, key=lambda one: one.distance.value)
        line = sorted((one for one in points if one.k == best.k), key=lambda one: one.x)
        return line, line.index(best)

    def finer(self, points):
        """The places between the neighbours of the minimum that are still to be computed."""
        line, place = self.line(points)
        ends = line[max(place - 1, 0)].x, line[min(place + 1, len(line) - 1)].x
        there = np.array([one.x for one in line])
        places = _places(self.model, np.linspace(*ends, FINE), self.size, line[0].k)
        return [(x, k) for x, k in places if np.abs(there - x).min() > 1e-9]

    def result(self, points, total, *, x=None, reach=None, stopped="on the way"):
        """The `ModelFit` of some points, its minimum at `x` with the interval `reach` on the model's scale."""
        line, place = self.line(points)
        best, form = line[place], RANDOM_GRAPHS[self.model]
        scale = 1.0 / (self.nodes - 1) if self.model == "er" else 1.0
        x = best.x if x is None else x
        low, high = (line[0].x, line[-1].x) if reach is None else reach
        value, low, high = (float(form.unstretch(one, self.size)) * scale for one in (x, low, high))
        rings = dict.fromkeys(one.k for one in points if one.k)
        tried = [(ring, min(one.distance.value for one in points if one.k == ring)) for ring in rings]
        return ModelFit(
            model=self.model,
            parameters=frozen([one.value * scale for one in line]),
            divergence=frozen([one.distance.value for one in line]),
            standard_error=frozen([one.distance.standard_error for one in line]),
            value=value,
            interval=(low, high),
            least=best.distance,
            density=best.density,
            target=self.target,
            size=self.size,
            nodes=self.nodes,
            k=best.k,
            tried=frozen(np.array(tried).reshape(-1, 2)),
            at_end=reach is not None and place in (0, len(line) - 1),
            products=sum(one.moments.products for one in points),
            points=len(points),
            total=total,
            stopped=stopped,
        )

    def located(self, points):
        """The result with the minimum of a cubic, its jackknife error over the repeats, and where the curve is flat."""
        line, place = self.line(points)
        least = line[place].distance
        within = [
            one.x
            for one in line
            if one.distance.value - least.value <= 2.0 * np.hypot(one.distance.standard_error, least.standard_error)
        ]
        for width in (NEAR, 1):  # 1: a parabola through three points, for a minimum that is sharp among integers
            x, partial = self._fitted(line[max(place - width, 0) : place + width + 1])
            if x is not None and None not in partial:
                break
        if x is None or None in partial:
            stopped = "took all points; the curve is too flat or too rough for a parabola: the minimum is the grid's"
            beside = [one.x for one in line[max(place - 1, 0) : place + 2]]
            reach = min(within + beside), max(within + beside)
            return self.result(points, len(points), reach=reach, stopped=stopped)
        repeats = len(partial)
        jackknife = (repeats - 1) * mean_and_standard_error(partial)[1]
        draws = repeats * (self.size / self.nodes) ** 2
        half = special.stdtrit(repeats - 1, 0.975) * jackknife * np.sqrt(1.0 + draws)
        ends = (RANDOM_GRAPHS[self.model].stretch(r, self.size) for r in (1, self.size - 1))
        low, high = (0.0, 1.0) if self.model == "ws" else ends if self.model == "ba" else (-np.inf, np.inf)
        reach = max(min(x - half, *within), low), min(max(x + half, *within), high)
        return self.result(points, len(points), x=x, reach=reach, stopped="took all points")

    def _fitted(self, near):
        """The lowest point of a cubic through some points, of all repeats and without each of them."""
        places = np.array([one.x for one in near])
        values = np.array([one.distance.value for one in near])
        weights = 1.0 / np.hypot([one.distance.standard_error for one in near], RELATIVE * values)
        partial = [_lowest(places, [self._without(one, i) for one in near], weights) for i in range(len(self.seeds))]
        return _lowest(places, values, weights), partial

    def _without(self, one, repeat):
        moments = Moments(np.delete(one.moments.samples, repeat, axis=0), INTERVAL)
        return self.target.symmetric_kl(maxent(moments, standard_error=self.ridge))


def _lowest(x, y, weights):
    """Where the weighted cubic through the points has its minimum; None where that is not between them."""
    if len(x) < 3:
        return None
    curve = np.polynomial.Polynomial.fit(x, y, min(3, len(x) - 1), w=weights)
    a, b, c = np.pad(curve.deriv().convert().coef, (0, 2))[:3]
    square = b * b - 4.0 * a * c
    if square < 0.0 or b + np.sqrt(square) <= 0.0:
        return None
    lowest = -2.0 * a / (b + np.sqrt(square))  # of the two roots the one where the curve bends upwards
    return float(lowest) if x[0] < lowest < x[-1] else None
