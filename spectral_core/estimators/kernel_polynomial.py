"""Chebyshev moments of a matrix, and the kernel polynomial method: their series damped by Jackson's kernel."""

import numpy as np

from spectral_core.densities import ChebyshevDensity
from spectral_core.krylov.bounds import bounds
from spectral_core.krylov.chebyshev import chebyshev_moment_steps
from spectral_core.operators import DeflatedOperator, accept
from spectral_core.polynomials import checked_interval
from spectral_core.probes import draw_probes
from spectral_core.results import Moments, frozen, last

__all__ = ["chebyshev_moments", "jackson_damping", "kernel_polynomial", "moment_steps"]


def moment_steps(A, degree, *, probes, generator, interval=None, kind="sphere", known=None):
    """Yield valid `Moments` of rising degree, two more after every block product.

    Parameters
    ----------
    A : operator (n, n)
    degree : int
        Highest moment; ``ceil(degree / 2)`` products a probe.
    probes : int
    generator : torch.Generator
    interval : (float, float), optional
        Must hold the spectrum less the known eigenvalues; default `krylov.bounds`.
    kind : {"sphere", "rademacher", "gaussian"}
        Each probe's moments are divided by ``v.v``: every probe measures a probability measure, so the moments belong
        to a density. For sphere probes the mean is unbiased, inside the complement of `known` too.
    known : Eigenspace, optional
        Exact eigenpairs: taken out of the probes and added back as atoms of exact mass.

    Notes
    -----
    Memory: three blocks of ``(n, probes)``. Source: thesis Algorithms 2 and 6 with the original probe kept.
    """
    A = accept(A)
    n, spent = A.shape[0], 0
    if interval is None:
        found = bounds(A, generator=generator)
        interval, spent = tuple(found), found.products
    interval = checked_interval(interval)
    V = draw_probes(n, probes, generator=generator, kind=kind, dtype=A.dtype, device=A.device)
    atoms = None if known is None else known.atoms()
    if known is not None:
        if len(known.values) >= n:
            raise ValueError("every eigenvalue is known: there is nothing left to estimate.")
        deflated = DeflatedOperator(A, known, destination=sum(interval) / 2.0)
        deflated.project_(V)
        if known.values.min() < interval[0] or known.values.max() > interval[1]:
            A = deflated  # else what rounding puts back stays rounding: |T_j| <= 1 on the interval
    for samples, products in chebyshev_moment_steps(A, V, degree=degree, interval=interval):
        reached = samples.shape[1] - 1
        yield Moments(
            samples,
            interval,
            atoms=atoms,
            size=n,
            products=spent + products,
            stopped=f"moment {reached} of {degree}" if reached < degree else "took all moments asked for",
        )


def chebyshev_moments(A, degree, *, probes, generator, interval=None, kind="sphere", known=None):
    """``mu_j = (1/n) tr T_j(A)`` for ``j = 0..degree``: the last item of `moment_steps`.

    Examples
    --------
    >>> import torch
    >>> A = torch.diag(torch.tensor([-1.0, 1.0], dtype=torch.float64))
    >>> chebyshev_moments(A, 2, probes=3, generator=torch.Generator(), interval=(-1, 1)).values[2].round(9)
    np.float64(1.0)
    """
    return last(moment_steps(A, degree, probes=probes, generator=generator, interval=interval, kind=kind, known=known))


def jackson_damping(degree):
    """``g_j = [(N - j + 1) cos(q j) + sin(q j) cot q] / (N + 1)``, ``q = pi / (N + 1)``, ``N = degree + 1``.

    The kernel is positive and resolves about ``pi / N`` in the angle. Source: Weisse et al. 2006, equation 71.

    >>> jackson_damping(3).round(3)
    array([1.   , 0.809, 0.447, 0.138])
    """
    N = degree + 1
    j = np.arange(N)
    q = np.pi / (N + 1)
    return ((N - j + 1) * np.cos(q * j) + np.sin(q * j) / np.tan(q)) / (N + 1)


def kernel_polynomial(moments, *, damping="jackson"):
    """The kernel polynomial method: a density from Chebyshev moments, known atoms taken out and kept beside it.

    Parameters
    ----------
    moments : Moments
        In the Chebyshev basis.
    damping : {"jackson", "none"}
        Jackson's kernel keeps the density positive; without it the series rings (Gibbs).

    Returns
    -------
    ChebyshevDensity
        `pdf`, `standard_error` (exact: the density is linear in the moments). No product.
    """
    if moments.basis != "chebyshev":
        raise ValueError(f"the kernel polynomial method takes Chebyshev moments; these are {moments.basis} moments.")
    if damping not in ("jackson", "none"):
        raise ValueError(f"damping must be jackson or none; got {damping!r}.")
    factors = jackson_damping(moments.degree) if damping == "jackson" else np.ones(moments.degree + 1)
    coefficients = frozen(moments.rest_share * moments.samples * factors)
    return ChebyshevDensity(coefficients, moments.interval, moments.atoms, moments.is_exact, moments.products)
