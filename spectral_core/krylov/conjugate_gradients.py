"""The recurrence of conjugate gradients, which quadratic forms and linear solves share."""

from dataclasses import dataclass

import torch

from spectral_core.krylov.lanczos import check_products

__all__ = ["ConjugateGradients", "conjugate_gradient_steps", "dot"]


@dataclass(frozen=True, eq=False)
class ConjugateGradients:
    """After a number of products, ``x`` that minimises ``x.A x / 2 - b.x`` over the Krylov space so far.

    Attributes
    ----------
    x, r : (n,) tensors
        Solution, and the residual ``b - A x`` of the recurrence. They are updated in place: valid until the next step.
    products : int
    curvature : float
        ``p.A p / p.p`` of the last direction, ``inf`` before the first. Where it is not positive, x and r are those before it
        and this item is the last: A is not positive definite.
    """

    x: torch.Tensor
    r: torch.Tensor
    products: int
    curvature: float


def conjugate_gradient_steps(A, b, *, precondition=None):
    """Yield `ConjugateGradients` before the first and after every product, until the residual vanishes.

    ``x += a p``, ``r -= a A p``, ``a = r.z / p.A p``, ``z = M^-1 r``, ``p = z + (r.z / r_last.z_last) p``.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    b : (n,) tensor
        Of A's dtype and device.
    precondition : callable, optional
        ``r -> M^-1 r`` for ``(n,)`` tensors, M positive definite and near A.

    Raises
    ------
    ValueError
        A product that is not finite.

    Notes
    -----
    One product a step; inner products in float64. Source: Hestenes and Stiefel 1952; Saad 2003, algorithms 6.18 and 9.1.
    """
    M = precondition or (lambda r: r)
    x, r = torch.zeros_like(b), b.clone()
    z = M(r)
    p, rz = z.clone(), dot(r, z)
    products = 0
    yield ConjugateGradients(x, r, products, float("inf"))
    while rz > 0:
        Ap = A @ p
        curvature, products = dot(p, Ap), products + 1
        check_products(curvature)
        if curvature > 0:
            x.add_(p, alpha=rz / curvature)
            r.sub_(Ap, alpha=rz / curvature)
        yield ConjugateGradients(x, r, products, curvature / dot(p, p))
        if curvature <= 0:
            return
        z, last = M(r), rz
        rz = dot(r, z)
        p = z + p * (rz / last)


def dot(u, v):
    """``u.v`` in float64 on the CPU."""
    return float(torch.dot(u.double(), v.double()))
