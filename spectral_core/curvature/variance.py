"""How curvature and gradient differ from example to example: the noise that mini-batches inherit."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from spectral_core.curvature.examples import GradientDistances, ProductDistances, visits
from spectral_core.curvature.gradient_covariance import GradientCovarianceOperator
from spectral_core.probes import draw_probes
from spectral_core.results import Estimate, frozen, last, mean_and_standard_error

__all__ = ["NoiseScale", "gradient_variance", "gradient_variance_steps", "variance", "variance_steps"]


@dataclass(frozen=True, eq=False)
class NoiseScale(Estimate):
    """``s^2`` with its error bar, over probes and over the examples drawn together.

    Attributes
    ----------
    examples, population : int
        m of N examples (or mini-batches) were looked at.
    size : int
        ``P``.
    """

    examples: int = 0
    population: int = 0
    size: int = 0

    @property
    def per_element(self):
        """``s^2 / P``: the thesis's ``sigma^2`` of one element of the matrix, where the noise is the same in all."""
        return self.value / self.size

    def of_mini_batch(self, batch_size):
        """``s^2 (1/B - 1/N) N/(N - 1)``: noise scale of the mean over B of the N examples, drawn without replacement.

        Exact for examples of equal weight. ``1/b = 1/B - 1/N`` is the thesis's; its ``N/(N - 1)`` is left out there.

        >>> NoiseScale(4.0, 0.0, 0, population=5).of_mini_batch(np.array([1, 5])).tolist()
        [4.0, 0.0]
        """
        N = self.population
        if np.any(np.asarray(batch_size) < 1) or np.any(np.asarray(batch_size) > N):
            raise ValueError(f"a mini-batch has from 1 to the {N} examples there are; got {batch_size}.")
        return self.value * (1.0 / batch_size - 1.0 / N) * (N / (N - 1.0) if N > 1 else 0.0)


def variance_steps(H, *, probes=10, directions=None, over="examples", examples=None, generator=None):
    """Yield the `NoiseScale` from the examples so far after each chunk of them; parameters are those of `variance`."""
    if isinstance(H, GradientCovarianceOperator):
        raise ValueError("the covariance is no mean over examples: take gradient_variance, or another matrix.")
    if directions is None:
        if probes < 1:
            raise ValueError(f"at least one probe is needed; got {probes}.")
        U = draw_probes(H.shape[0], probes, generator=generator, dtype=H.dtype, device=H.device) / H.shape[0] ** 0.5
    else:
        U = unit_vectors(directions, H)
    centre = (H @ U).sub_(U, alpha=H.weight_decay)
    products = lambda share: int(np.ceil(U.shape[1] * (1 + share)))  # noqa: E731
    distances = ProductDistances(H, U.T.contiguous(), centre.T.contiguous())
    yield from _noise_steps(H, distances, over, examples, generator, products, directions is None)


def variance(H, *, probes=10, directions=None, over="examples", examples=None, generator=None):
    """Noise scale ``s^2(u) = (1/N) sum_i ||H_i u||^2 - ||H u||^2`` of a curvature matrix ``H = (1/N) sum_i H_i``.

    With random unit vectors u it is the mean over the sphere, ``(1/P) [(1/N) sum_i ||H_i||_F^2 - ||H||_F^2]``, which is
    ``P sigma^2`` for noise of variance ``sigma^2`` in every element. At an eigenvector it is what mini-batches do to that
    eigenvalue. Computed as ``(1/N) sum_i ||H_i u - H u||^2``, so that nothing cancels. Where examples weigh differently in the
    loss (ignored labels, class weights), i is drawn with the probability of its weight. Weight decay changes nothing.

    Parameters
    ----------
    H : HessianOperator, GGNOperator, ResidualOperator or Fisher operator
    probes : int
        Random directions on the unit sphere.
    directions : (P, k) tensor or array, optional
        Take these instead, normalised; `value` and `standard_error` are (k,) then.
    over : {"examples", "mini-batches"}
        What i is. Over the data's mini-batches of B each, ``s_B^2 = s^2 (1/B - 1/N) N/(N - 1)`` in expectation over how
        the examples are dealt out, see `NoiseScale.of_mini_batch`.
    examples : int, optional
        How many i to look at, drawn without replacement; all by default.
    generator : torch.Generator
        Not needed with directions and all examples.

    Returns
    -------
    NoiseScale
        In the units of the squared eigenvalues. The standard error holds both probes and examples; with all examples and
        given directions it is 0.

    Raises
    ------
    ValueError
        Single examples where they mean nothing: batch norm in train mode, or a loss that is no mean over examples; the
        gradient covariance, which is no mean of ``H_i``.

    Notes
    -----
    Cost: one product with H a probe, of 1.6 to 3.5 gradients, and a small product for each probe and example, which together
    count as a share ``m/N`` of a product in `products`. They take longer than that, since each makes P numbers: for all
    examples the time of one product with a small residual network, of ten with LeNet or a wide perceptron; several times more
    where the model has to be taken example by example. A few hundred examples will do.

    Source: thesis Algorithm 8, corrected: it forgets the ``1/N`` and subtracts ``(u.H u)^2`` for ``||H u||^2``.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> data = [(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))]
    >>> H = HessianOperator(torch.nn.Linear(1, 1, bias=False), "squared error", data)  # H_i = x_i^2
    >>> variance(H, directions=torch.ones(1, 1)).value
    array([16.])
    """
    return last(
        variance_steps(H, probes=probes, directions=directions, over=over, examples=examples, generator=generator)
    )


def gradient_variance_steps(H, *, over="examples", examples=None, generator=None):
    """Yield the `NoiseScale` from the examples so far after each chunk; parameters are those of `gradient_variance`."""
    centre = H.gradient().sub_(H.point(), alpha=H.weight_decay)
    distances = GradientDistances(H, centre[None])
    for noise in _noise_steps(H, distances, over, examples, generator, lambda share: 0, False):
        yield replace(noise, value=float(noise.value[0]), standard_error=float(noise.standard_error[0]))


def gradient_variance(H, *, over="examples", examples=None, generator=None):
    """``tr C = (1/N) sum_i ||g_i||^2 - ||g||^2``: the noise of the gradient of one example.

    ``C`` is the matrix of `GradientCovarianceOperator`, whose trace this is without probes. Parameters, returns and errors
    are those of `variance`, but for probes and directions; the cost is one gradient and m small ones, no product.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> data = [(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))]
    >>> gradient_variance(HessianOperator(model, "squared error", data)).value  # g_i = 1, 9
    16.0
    """
    return last(gradient_variance_steps(H, over=over, examples=examples, generator=generator))


def unit_vectors(vectors, H):
    """(P, k) columns of norm 1 on H's device; ValueError where they are none."""
    U = (vectors if torch.is_tensor(vectors) else torch.tensor(np.asarray(vectors))).to(dtype=H.dtype, device=H.device)
    U = U[:, None] if U.ndim == 1 else U
    if U.ndim != 2 or U.shape[0] != H.shape[0] or not U.shape[1]:
        raise ValueError(f"directions are the columns of a ({H.shape[0]}, k) tensor; got {tuple(U.shape)}.")
    norms = torch.linalg.vector_norm(U, dim=0)
    if not (torch.isfinite(norms) & (norms > 0)).all():
        raise ValueError("a direction is zero or not finite: leave it out.")
    return U / norms


def _noise_steps(H, distances, over, examples, generator, products, averaged):
    rows, weights = np.empty((0, distances.columns)), np.empty(0)
    for row, weight, population in visits(distances, over=over, examples=examples, generator=generator):
        rows, weights = np.concatenate([rows, row]), np.concatenate([weights, weight])
        seen, summary = len(weights), _mean_over_probes if averaged else _mean
        value, error, freedom = summary(rows, weights, seen / population)
        yield NoiseScale(
            value,
            error,
            products(seen / population),
            freedom,
            "exact" if not np.any(error) else "standard error",
            f"looked at {seen} of {population} {over}",
            examples=seen,
            population=population,
            size=H.shape[0],
        )


def _weighted(rows, weights):
    """Means (k,) by weight, and the weighted deviations of the examples from them, (m, k), whose mean is 0."""
    means = weights @ rows / weights.sum()
    return means, weights[:, None] * (rows - means) / weights.mean()


def _mean(rows, weights, share):
    """Value, standard error from having seen a share of the examples only, and degrees of freedom."""
    means, deviations = _weighted(rows, weights)
    seen = len(weights)
    error = np.full(len(means), np.inf)
    if share == 1:
        error = np.zeros(len(means))
    elif seen > 1:
        error = np.sqrt((1 - share) * deviations.var(axis=0, ddof=1) / seen)
    return frozen(means), frozen(error), np.inf if share == 1 else max(seen - 1, 1)


def _mean_over_probes(rows, weights, share):
    """The same of the mean over columns, which are a sample as well: the variance components of a two-way layout."""
    means, deviations = _weighted(rows, weights)
    seen, probes = rows.shape
    mean, error = mean_and_standard_error(means)
    variance, freedom = float(error) ** 2, max(probes - 1, 1)
    if share < 1:
        freedom = max(min(probes, seen) - 1, 1)
        if seen > 1 and probes > 1:
            examples = deviations.mean(axis=1)
            both = ((deviations - examples[:, None]) ** 2).sum() / ((seen - 1) * (probes - 1))
            variance += (1 - share) * max(examples.var(ddof=1) - both / probes, 0.0) / seen
        else:
            variance = np.inf
    return float(mean), float(np.sqrt(variance)), freedom
