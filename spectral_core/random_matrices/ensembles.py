"""Samples of random matrices: symmetric Gaussian noise, sample covariances, and signal of low rank in noise."""

import torch

from spectral_core.random_matrices.orders import whole

__all__ = ["orthonormal_directions", "sample_covariance", "spiked", "wigner"]


def _gaussian(rows, columns, generator, dtype):
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator must be a torch.Generator, such as torch.Generator().manual_seed(0); got {generator!r}."
        )
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64).to(dtype)


def _check(dtype, variance=1.0):
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ValueError(f"dtype must be a floating-point torch.dtype, such as torch.float64; got {dtype}.")
    if not 0 <= variance < float("inf"):
        raise ValueError(f"variance must be finite and at least 0; got {variance}.")


def _check_matrix(**matrices):
    for name, A in matrices.items():
        if not (isinstance(A, torch.Tensor) and A.is_floating_point()):
            kind = A.dtype if isinstance(A, torch.Tensor) else type(A).__name__
            raise ValueError(f"{name} must be a torch.Tensor of floating point; got {kind}.")


def wigner(n, *, variance=1.0, generator, dtype=torch.float64):
    """``W = (G + G.T) sqrt(variance / 2n)``, `G` standard normal: the Gaussian orthogonal ensemble.

    Entries off the diagonal have variance ``s^2 / n``, on it ``2 s^2 / n``, so that a row sums to ``s^2`` = `variance`
    and the spectrum tends to the semicircle on ``[-2 s, 2 s]``.

    Returns
    -------
    (n, n) torch.Tensor on the CPU

    Raises
    ------
    ValueError
        No whole number from 1, a negative variance, a dtype that is not floating point, or no generator.

    Notes
    -----
    ``n^2`` normal numbers. Source: Mehta 2004, Chapter 2; the thesis's Definition 8.1 leaves the diagonal free.

    Examples
    --------
    >>> W = wigner(400, generator=torch.Generator().manual_seed(0))
    >>> round(float(torch.linalg.eigvalsh(W)[-1]), 1)
    2.0
    """
    (n,) = whole(n=n)
    _check(dtype, variance)
    G = _gaussian(n, n, generator, dtype)
    return (G + G.T) * (variance / (2 * n)) ** 0.5


def sample_covariance(n, samples, *, variance=1.0, spikes=(), generator, dtype=torch.float64):
    """``X X.T / samples`` with columns of covariance ``C = diag(spikes, variance, ..., variance)``.

    The population eigenvalue ``spikes[i]`` belongs to the i-th unit vector, so entry ``i`` of a sampled unit eigenvector
    is its overlap with it. Any other orthonormal directions give the same law. ``q = n / samples``.

    Returns
    -------
    (n, n) torch.Tensor on the CPU

    Raises
    ------
    ValueError
        No whole number from 1, a negative variance or spike, more spikes than `n`, another dtype, or no generator.

    Notes
    -----
    ``n samples`` normal numbers and ``n^2 samples`` multiplications. Source: Johnstone 2001.

    Examples
    --------
    >>> S = sample_covariance(200, 800, generator=torch.Generator().manual_seed(0))
    >>> round(float(torch.linalg.eigvalsh(S)[-1]), 1)  # (1 + sqrt q)^2 = 2.25
    2.2
    """
    n, samples = whole(n=n, samples=samples)
    _check(dtype, variance)
    population = torch.full((n,), float(variance), dtype=torch.float64)
    spikes = torch.as_tensor(spikes, dtype=torch.float64).reshape(-1)
    if len(spikes) > n or not (torch.isfinite(spikes) & (spikes >= 0)).all():
        raise ValueError(
            f"spikes are at most n = {n} eigenvalues of a covariance, so at least 0; got {spikes.tolist()}."
        )
    population[: len(spikes)] = spikes
    X = _gaussian(n, samples, generator, dtype) * population.sqrt().to(dtype)[:, None]
    return X @ X.T / samples


def orthonormal_directions(n, count, *, generator, dtype=torch.float64):
    """``(n, count)`` with orthonormal columns, uniform over all such: the ``Q`` of a Gaussian block.

    >>> U = orthonormal_directions(5, 2, generator=torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(U.T @ U, torch.eye(2, dtype=U.dtype)))
    True
    """
    n, count = whole(n=n, count=count)
    _check(dtype)
    if count > n:
        raise ValueError(f"there are at most n = {n} orthonormal directions; got count = {count}.")
    Q, R = torch.linalg.qr(_gaussian(n, count, generator, torch.float64))
    return (Q * R.diagonal().sign()).to(dtype)  # Mezzadri 2007: without the signs the columns are not uniform


def spiked(spikes, noise, *, generator=None, directions=None):
    """``noise + sum_i l_i u_i u_i.T``, the ``u_i`` random orthonormal, or the columns of `directions`.

    Parameters
    ----------
    spikes : (k,)
        Eigenvalues ``l_i`` of the signal, of either sign.
    noise : (n, n) torch.Tensor of floating point
        Such as `wigner` or `sample_covariance`; it gives the result's dtype and device and is not changed.
    directions : (n, k) torch.Tensor, optional
        Orthonormal columns, to ``100 eps sqrt(n)``; without them `generator` draws them.

    Raises
    ------
    ValueError
        `noise` or directions no tensor of floating point, `noise` not square, a spike not finite, directions of another
        shape or not orthonormal, or neither directions nor a generator.

    Notes
    -----
    Source: Benaych-Georges and Nadakuditi 2011, section 2.1.

    Examples
    --------
    >>> g = torch.Generator().manual_seed(0)
    >>> A = spiked([3.0], wigner(400, generator=g), generator=g)
    >>> round(float(torch.linalg.eigvalsh(A)[-1]), 1)  # l + s^2 / l
    3.3
    """
    _check_matrix(noise=noise)
    if noise.ndim != 2 or noise.shape[0] != noise.shape[1]:
        raise ValueError(f"noise must be a square matrix; got shape {tuple(noise.shape)}.")
    n = noise.shape[0]
    spikes = torch.as_tensor(spikes, dtype=torch.float64).reshape(-1)
    if not torch.isfinite(spikes).all():
        raise ValueError(f"spikes must be finite; got {spikes.tolist()}.")
    spikes = spikes.to(noise)
    if not len(spikes):
        return noise.clone()
    if directions is None:
        directions = orthonormal_directions(n, len(spikes), generator=generator)
    _check_matrix(directions=directions)
    U = directions.to(noise)
    if U.shape != (n, len(spikes)):
        raise ValueError(f"directions need one column of {n} entries a spike; got {tuple(U.shape)}.")
    error = float((U.T @ U - torch.eye(len(spikes)).to(U)).abs().max())
    if not error <= 100 * n**0.5 * max(torch.finfo(A.dtype).eps for A in (noise, directions)):
        raise ValueError(f"directions must be orthonormal columns, such as torch.linalg.qr gives; off by {error:.1g}.")
    return noise + (U * spikes) @ U.T
