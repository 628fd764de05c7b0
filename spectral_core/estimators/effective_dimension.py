"""How many directions a quadratic penalty leaves free."""

import numpy as np

from spectral_core.results import Estimate

__all__ = ["effective_dimension"]


def effective_dimension(q, shift, *, absolute=False):
    """``d_eff = tr A (A + shift I)^-1 = sum_i lambda_i / (lambda_i + shift)`` from a `Quadrature`; no product.

    Parameters
    ----------
    q : Quadrature
        Of the (n, n) matrix A.
    shift : float
        In the units of the eigenvalues: a damping, weight decay or noise variance.
    absolute : bool
        Take ``|lambda|`` for lambda, as optimisers that flip negative curvature do.

    Returns
    -------
    Estimate
        From 0 to n for a positive semi-definite A. The standard error is over the probes of `q`, whose products it reports;
        the quadrature's own error, below what is smooth on the scale of its nodes' distances, is not in it.

    Raises
    ------
    ValueError
        A Ritz value of at most ``-shift``, where the sum has a pole; a negative one above it counts as it is, negatively.

    Notes
    -----
    Source: MacKay 1992 (gamma, the number of well-determined parameters); Hastie, Tibshirani and Friedman 2009,
    equation 3.50, for ridge regression.

    Examples
    --------
    >>> import torch
    >>> from spectral_core.estimators.quadrature import lanczos_quadrature
    >>> A = torch.diag(torch.full((6,), 3.0, dtype=torch.float64))
    >>> q = lanczos_quadrature(A, steps=2, probes=2, generator=torch.Generator())
    >>> round(effective_dimension(q, 1.0).value, 9)
    4.5
    """
    ends = (float(np.min(x)) for x in (q.nodes[q.weights > 0], q.atoms[:, 0]) if len(x))
    smallest = min(ends, default=np.inf)
    if not (np.isfinite(shift) and shift >= 0):
        raise ValueError(f"the shift must be a finite number, at least 0; got {shift}.")
    if smallest <= -shift and not (absolute and shift > 0):
        raise ValueError(
            f"the sum has a pole: the Ritz value {smallest:.4g} is at most -{shift:g}: take a larger shift, or a positive one "
            "with absolute=True, which counts |lambda|."
        )

    def share(x):
        x = np.abs(x) if absolute else x
        with np.errstate(divide="ignore", invalid="ignore"):  # of nodes without weight
            return np.nan_to_num(x / (x + shift), nan=0.0, posinf=0.0, neginf=0.0)

    mean, error = q.integrate(share)
    return Estimate(
        q.size * mean, q.size * error, q.products, degrees_of_freedom=max(q.probes - 1, 1), stopped=q.stopped
    )
