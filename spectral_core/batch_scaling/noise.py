"""How much mini-batches change what a curvature matrix does to a direction, for one product and a half."""

import numpy as np
import torch

from spectral_core.batch_scaling.mini_batches import (
    MiniBatchOperator,
    check_separable,
    effective_batch_size,
    population,
)
from spectral_core.curvature.variance import NoiseScale, unit_vectors
from spectral_core.probes import draw_probes
from spectral_core.results import frozen, last, mean_and_standard_error

__all__ = ["noise_scale", "noise_scale_steps"]


def noise_scale_steps(H, *, probes=8, directions=None, generator):
    """Yield the `NoiseScale` from the probes so far; parameters are those of `noise_scale`."""
    check_separable(H)
    N, P = population(H), H.shape[0]
    if N < 2 or probes < 1:
        raise ValueError(f"a spread needs two examples and one probe at least; got {N} and {probes}.")
    U = None if directions is None else unit_vectors(directions, H)
    centre = None if U is None else H @ U
    squares, spent = [], 0 if U is None else U.shape[1]
    for probe in range(1, probes + 1):
        u, mean = U, centre
        if U is None:
            u = draw_probes(P, 1, generator=generator, dtype=H.dtype, device=H.device) / P**0.5
            mean, spent = H @ u, spent + 1
        half = torch.randperm(N, generator=generator)[: N // 2].numpy()
        moved = MiniBatchOperator(H, half) @ u - mean
        spent += 0.5 * u.shape[1]
        squares.append(moved.square().sum(0, dtype=torch.float64).cpu().numpy() * effective_batch_size(len(half), N))
        value, error = mean_and_standard_error(np.array(squares))
        if U is None:
            value, error = float(value[0]), float(error[0])
        yield NoiseScale(
            value if U is None else frozen(value),
            error if U is None else frozen(error),
            int(np.ceil(spent)),
            max(probe - 1, 1),
            "standard error",
            f"{probe} random halves of {N} examples",
            examples=N,
            population=N,
            size=P,
        )


def noise_scale(H, *, probes=8, directions=None, generator):
    """Noise scale ``s^2(u) = (1/N) sum_i ||H_i u||^2 - ||H u||^2`` of one example's matrix, by random signs over the examples.

    With signs ``r_i = +-1`` of mean 0, ``E||(1/N) sum_i r_i H_i u||^2 = s^2 / (N - 1)``, and the signed sum is the product of
    the half with ``r_i = 1`` less that of all: ``H_half u - H u``. So a probe costs one product with H and one with half of
    the data, whatever N; given directions share the first. `spectral_core.curvature.variance` goes through every example
    instead: no sampling error, more time.

    Parameters
    ----------
    H : HessianOperator, GGNOperator, ResidualOperator or Fisher operator
    probes : int
        Random halves, and with each a random unit vector, whose mean is that over the sphere.
    directions : (P, k) tensor or array, optional
        Take these instead, normalised; `value` and `standard_error` are (k,) then.
    generator : torch.Generator

    Returns
    -------
    NoiseScale
        In the units of the squared eigenvalues; the standard error is over halves (and random vectors).

    Raises
    ------
    ValueError
        Examples without a loss of their own; fewer than two; no probe.

    Notes
    -----
    Cost: 1.5 products a probe; with k directions ``k + 0.5 k`` a half. Where few examples make most of the noise, as in
    trained networks, the relative spread of one half is about ``sqrt(2)`` at most. Source: thesis Algorithm 8, corrected: it
    forgets the ``1/N`` and subtracts ``(u.H u)^2`` for ``||H u||^2``.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> data = [(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))]
    >>> H = HessianOperator(torch.nn.Linear(1, 1, bias=False), "squared error", data)  # H_i = x_i^2
    >>> noise_scale(H, directions=torch.ones(1, 1), probes=2, generator=torch.Generator()).value
    array([16.])
    """
    return last(noise_scale_steps(H, probes=probes, directions=directions, generator=generator))
