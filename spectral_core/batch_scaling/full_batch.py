"""The curvature of all data and the noise of its examples: what every prediction for mini-batches follows from."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.batch_scaling import predictions
from spectral_core.batch_scaling.mini_batches import effective_batch_size
from spectral_core.batch_scaling.noise import noise_scale_steps
from spectral_core.batch_scaling.projections import ExampleProjections, projection_steps
from spectral_core.curvature.variance import NoiseScale, gradient_variance
from spectral_core.estimators.eigenpairs import eigenpair_steps
from spectral_core.estimators.quadrature import Quadrature, lanczos_quadrature
from spectral_core.random_matrices import free_convolution
from spectral_core.results import frozen

__all__ = ["CriticalBatchSize", "FullBatch", "checked_batch_sizes", "full_batch_steps"]

LEAST = 1e-7  # of the spectrum: a smaller noise moves nothing


@dataclass(frozen=True, eq=False)
class CriticalBatchSize:
    """Batch size at which the noise of mini-batches doubles lambda_1: below it the rate grows with B, above it hardly.

    Attributes
    ----------
    value, lower, upper : float
        Where the refined curve of the mean crosses ``2 lambda_1``, and the curves two standard errors beside it: of drawing
        mini-batches, and of the noise as a mean over the examples there are. 1 where even single examples do not reach it.
    second_order, second_order_error : float
        ``B`` of ``b = s^2(u_1)/lambda_1^2``, and its error as a sample of examples: what the plain formula says.
    """

    value: float
    lower: float
    upper: float
    second_order: float
    second_order_error: float


@dataclass(frozen=True, eq=False)
class FullBatch:
    """All that is known of the curvature of all data and of its noise: every prediction follows without a product.

    Attributes
    ----------
    eigenvalues : (o + 1,) array
        The outliers asked for, and the next one: the upper edge of the bulk.
    residuals : (o + 1,) array
    lowest : float
        Smallest Ritz value.
    projections : ExampleProjections
    noise : NoiseScale
        ``s^2`` in random directions.
    gradient_noise : NoiseScale
        ``tr C``, the gradient's.
    gradient_norm : float
    quadrature : Quadrature
        The spectrum.
    vectors : (P, o) array
    products : int
    weight_decay : float
    """

    eigenvalues: np.ndarray
    residuals: np.ndarray
    lowest: float
    projections: ExampleProjections
    noise: NoiseScale
    gradient_noise: NoiseScale
    gradient_norm: float
    quadrature: Quadrature
    vectors: np.ndarray
    products: int
    weight_decay: float = 0.0

    @property
    def outliers(self):
        """How many are followed."""
        return len(self.eigenvalues) - 1

    @property
    def size(self):
        """``P``."""
        return self.quadrature.size

    @property
    def examples(self):
        """``N``."""
        return self.projections.examples

    @property
    def simple_noise_scale(self):
        """``tr C/||g||^2``, the gradient noise scale, in examples (McCandlish et al. 2018): B where noise equals signal."""
        return float(self.gradient_noise.value / self.gradient_norm**2) if self.gradient_norm else np.inf

    def bulk(self):
        """Stems of the spectrum less the outliers: positions, shares that sum to 1."""
        nodes, weights = self.quadrature.stems()
        edge = self.eigenvalues[-2:].mean() if self.outliers else np.inf
        inside = nodes < max(edge, nodes.min() + LEAST * np.abs(nodes).max())
        weights = np.where(inside, weights, 0.0)
        return nodes[inside] - self.weight_decay, weights[inside] / weights.sum()

    def free_convolution(self, b):
        """Outliers, (batch size, outlier), and upper edge of the spectrum with a semicircle of ``s^2/b`` freely added.

        ``l + (s^2/b) int p(x)/(l - x) dx`` where ``(s^2/b) int p(x)/(l - x)^2 dx < 1``, else the edge; p is the bulk.
        """
        x, w = self.bulk()
        l = (self.eigenvalues[:-1] - self.weight_decay)[None, :]
        scales = np.sqrt(max(self.noise.value, 0.0) / np.asarray(b))
        norm = max(np.abs(x).max(), np.abs(l).max())
        laws = [free_convolution(x, w, s) if s > LEAST * norm else None for s in scales]
        upper = np.array([x.max() if law is None else law.bulk[1] for law in laws])[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = l + scales[:, None] ** 2 * (w / (l[..., None] - x)).sum(-1)
            leaves = (l > x.max()) & (scales[:, None] ** 2 * (w / (l[..., None] - x) ** 2).sum(-1) < 1)
        return frozen(np.where(leaves, moved, upper) + self.weight_decay), frozen(upper[:, 0] + self.weight_decay)

    def predictions(self, batch_sizes, *, draws=100, seed=0):
        """Every model's outliers at these batch sizes, as fields of `Outliers`; no product."""
        B, o, decay = checked_batch_sizes(batch_sizes, self.examples), self.outliers, self.weight_decay
        b, l = effective_batch_size(B, self.examples), self.eigenvalues[:o] - decay
        law = predictions.wigner(l, self.noise.value, b)
        bulk = float(np.dot(*self.bulk()))
        plus, _ = predictions.additive(l, self.noise.value, self.size, b)
        times, _ = predictions.multiplicative(l, bulk, self.size, b)
        second, second_error = predictions.second_order(self.projections, b, o)
        options = {"draws": draws, "generator": np.random.default_rng(seed)}
        local = predictions.local(self.projections, B, o, **options)
        refined = predictions.refined(self.projections, B, o, **options)
        free, free_edge = self.free_convolution(b)
        s2, _ = self.projections.noise
        with np.errstate(divide="ignore", invalid="ignore"):
            overlap = np.clip(np.where(l > 0, 1 - s2[:o] / (b[:, None] * l**2), 0.0), 0.0, 1.0)
        return {
            "batch_sizes": B,
            "effective": frozen(b),
            "wigner": frozen(law.outlier + decay),
            "wigner_edge": frozen(law.edge.max(axis=1) + decay),
            "wigner_overlap": law.overlap,
            "additive": frozen(plus + decay),
            "multiplicative": frozen(times + decay),
            "second_order": second,
            "second_order_error": second_error,
            "local": local.value,
            "local_error": local.standard_error,
            "local_overlap": frozen(overlap),
            "refined": refined.value,
            "refined_error": refined.standard_error,
            "refined_deviation": refined.deviation,
            "refined_overlap": refined.overlap,
            "free": free,
            "free_edge": free_edge,
        }

    def critical_batch_size(self, *, draws=100, seed=0):
        """`CriticalBatchSize`; no product."""
        N, top = self.examples, float(self.eigenvalues[0])
        ladder = np.unique(np.geomspace(1, N, int(np.log2(N)) + 2).round().astype(int))
        generator = np.random.default_rng(seed)
        found = predictions.refined(self.projections, ladder, 1, draws=draws, generator=generator)
        value, (_, relative) = found.value[:, 0], self._noise_at_the_sharpest
        error = np.hypot(found.standard_error[:, 0], (value - top) * relative)
        at = [_crossing(ladder, value + shift * error, 2 * top) for shift in (0, -2, 2)]
        return CriticalBatchSize(*at, *self.second_order_critical)

    @property
    def second_order_critical(self):
        """``B`` of ``b = s^2(u_1)/lambda_1^2`` and its error: the second-order fields of `CriticalBatchSize`."""
        N, top = self.examples, float(self.eigenvalues[0])
        noise, relative = self._noise_at_the_sharpest
        b = noise / (top - self.weight_decay) ** 2 if top > self.weight_decay else np.inf
        plain = 1 / (1 / N + (N - 1) / (N * b)) if b > 0 else 0.0
        return float(plain), float(relative * plain * (1 - plain / N))

    @property
    def _noise_at_the_sharpest(self):
        """``s^2(u_1)``, and its relative error as a mean over examples."""
        noise, error = (each[0] for each in self.projections.noise)
        return noise, error / noise if noise > 0 else 0.0


def full_batch_steps(H, *, outliers=5, directions=20, probes=8, steps=30, generator):
    """Yield ``(fraction, note, None)``, at last ``(1.0, note, FullBatch)``.

    Parameters
    ----------
    H : HessianOperator, GGNOperator or Fisher operator
    outliers : int
        Eigenvalues to follow.
    directions : int
        Leading eigenvectors that the refinement knows the noise on.
    probes : int
        Random halves for the noise scale in random directions.
    steps : int
        Of Lanczos, for the spectrum (two probes).
    generator : torch.Generator

    Notes
    -----
    Cost: some ten products a direction for the eigenpairs, 1.5 a probe, ``2 steps``, and the pass of `example_projections`.
    """
    P = H.shape[0]
    if not 1 <= outliers <= directions:
        raise ValueError(
            f"directions hold the outliers, 1 at least; got {outliers} outliers of {directions} directions."
        )
    k, outliers = min(directions + 1, P), min(outliers, P - 1)
    if outliers < 1:
        raise ValueError("a matrix of one row has no bulk for an outlier to leave: take a model of more parameters.")
    pairs = None
    for pairs in eigenpair_steps(H, k=k, which="top", tolerance=1e-3, generator=generator):
        yield min(0.3, 0.3 * pairs.products / (6 * k)), f"eigenvectors of all data, {pairs.products} products", None
    vectors, lowest = pairs.vectors[:, : min(directions, P)], None
    for noise in noise_scale_steps(H, probes=probes, generator=generator):
        yield 0.3 + 0.1 * noise.products / (1.5 * probes), "noise in random directions", None
    q = lanczos_quadrature(H, steps=min(steps, P), probes=2, generator=generator)
    lowest = float(q.nodes[q.weights > 0].min())
    yield 0.45, "spectrum of all data", None
    gradient_noise, norm = gradient_variance(H), float(torch.linalg.vector_norm(H.gradient()))
    for fraction, found in projection_steps(H, vectors):
        yield 0.5 + 0.5 * fraction, "every example on the leading eigenvectors", None
    if not (found.inside.any() or found.outside.any()):
        raise ValueError("no example has any curvature at these weights: take other weights or data.")
    spent = pairs.products + noise.products + q.products
    top, residuals = frozen(pairs.values[: outliers + 1]), frozen(pairs.residuals[: outliers + 1])
    U = frozen(vectors[:, :outliers])
    known = FullBatch(top, residuals, lowest, found, noise, gradient_noise, norm, q, U, spent, H.weight_decay)
    yield 1.0, "every example on the leading eigenvectors", known


def checked_batch_sizes(batch_sizes, examples):
    """Integers in the order given, each from 1 to N."""
    B = np.atleast_1d(np.asarray(batch_sizes))
    numbers = B.ndim == 1 and len(B) and B.dtype.kind in "iuf" and np.isfinite(B).all()
    if not numbers or not np.all(B.astype(int) == B) or B.min() < 1 or B.max() > examples:
        raise ValueError(
            f"batch sizes are whole numbers from 1 to the {examples} examples there are; got {batch_sizes}."
        )
    B = B.astype(int)
    B.setflags(write=False)
    return B


def _crossing(sizes, values, level):
    """Batch size from which a falling curve stays below `level`, log-linear between sizes: chance is largest at small ones."""
    above = np.flatnonzero(values > level)
    if not len(above):
        return float(sizes[0])
    if above[-1] == len(sizes) - 1:
        return float(sizes[-1])
    j = above[-1] + 1
    share = (np.log(values[j - 1]) - np.log(level)) / (np.log(values[j - 1]) - np.log(max(values[j], 1e-300)))
    return float(np.exp(np.log(sizes[j - 1]) + share * np.log(sizes[j] / sizes[j - 1])))
