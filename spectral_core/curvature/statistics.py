"""What a curvature spectrum amounts to: a table of numbers, each with its error and its cost."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.curvature.alignment import estimated_curvature_ratio
from spectral_core.curvature.rank_degeneracy import rank_degeneracy
from spectral_core.estimators.effective_dimension import effective_dimension
from spectral_core.estimators.mass_bounds import Mass, three_masses

__all__ = ["NEAR", "SpectralMasses", "Statistic", "spectral_masses", "statistics"]

NEAR = 1e-2  # of the norm: what counts as near zero


@dataclass(frozen=True)
class SpectralMasses:
    """Shares of the spectrum below, near and above zero, each a `Mass`; near is within `reach`, in units of the eigenvalues."""

    negative: Mass
    near: Mass
    positive: Mass
    reach: float


def spectral_masses(q, *, near=NEAR):
    """`SpectralMasses` from a `Quadrature`, with near zero ``|lambda| <= near ||A||``; no product.

    Not zero to rounding, which no number of steps tells from what is merely small: the weight of a Ritz value there is that of
    all eigenvalues that it stands for.
    """
    x, _ = q.stems()
    reach = near * float(abs(x).max())
    return SpectralMasses(*three_masses(q, -reach, np.nextafter(reach, np.inf)), reach)


@dataclass(frozen=True)
class Statistic:
    """One number: what it is, `value`, `error`, what kind of error that is, and the products that it rests on.

    `bar` is "standard error" (over probes and examples), "bound" (holds for certain, up to rounding) or "exact".
    """

    quantity: str
    value: float
    error: float
    bar: str
    products: int
    note: str = ""


def statistics(q, *, top=None, bottom=None, overlap=None, noise=None, damping=None, dtype=torch.float32):
    """A tuple of `Statistic` from results at hand; no product.

    Parameters
    ----------
    q : Quadrature
        Of the (P, P) matrix; known eigenpairs as atoms make its standard errors smaller.
    top, bottom : Eigenpairs, optional
    overlap : GradientOverlap, optional
    noise : NoiseScale, optional
    damping : float, optional
        ``delta`` of effective dimension and learning-rate ratio.
    dtype : torch.dtype
        That the products were computed in.

    Notes
    -----
    ``tr H = P sum_j w_j theta_j``, ``||H||_F^2 = P sum_j w_j theta_j^2``, whose root has the error ``s / (2 ||H||_F)`` to first
    order; masses as in `spectral_masses`, and the thesis's of the Ritz values nearest zero.

    Examples
    --------
    >>> from spectral_core import lanczos_quadrature
    >>> A = torch.diag(torch.tensor([2.0, 2.0, 2.0, 2.0]))
    >>> rows = statistics(lanczos_quadrature(A, steps=2, probes=2, generator=torch.Generator()))
    >>> [(row.quantity, round(row.value, 5)) for row in rows][:2]
    [('trace', 8.0), ('Frobenius norm', 4.0)]
    """
    rows = [*_ends(top, bottom)]
    mean, error = q.integrate(lambda x: x)
    rows.append(Statistic("trace", q.size * mean, q.size * error, "standard error", q.products))
    square, error = q.integrate(np.square)
    norm = float(np.sqrt(q.size * square))
    rows.append(
        Statistic("Frobenius norm", norm, q.size * error / (2 * norm) if norm else 0.0, "standard error", q.products)
    )
    rows += _masses(spectral_masses(q), rank_degeneracy(q, dtype=dtype), q.products)
    if overlap is not None:
        k = len(overlap.cosines)
        rows.append(Statistic("gradient norm", overlap.gradient_norm, 0.0, "exact", 0))
        share = f"gradient in the top {k} eigenvectors"
        note = f"a random vector: {overlap.expected_share:.2g}"
        rows.append(Statistic(share, overlap.share, 0.0, "exact", top.products if top else 0, note))
    if noise is not None:
        note = f"{noise.examples} of {noise.population} examples; mini-batches of B have 1/B - 1/N of it"
        rows.append(
            Statistic(
                "noise scale s² of one example",
                noise.value,
                noise.standard_error,
                "standard error",
                noise.products,
                note,
            )
        )
    return tuple(rows) + _damped(q, top, bottom, damping)


def _ends(top, bottom):
    for pairs, names in ((top, "λ{}"), (bottom, "λP-{}")):
        if pairs is None:
            continue
        for place, (value, residual, done) in enumerate(
            zip(pairs.values, pairs.residuals, pairs.converged, strict=True)
        ):
            name = names.format(place + 1) if pairs is top else ("λP" if not place else names.format(place))
            note = "" if done else "not converged"
            yield Statistic(name, float(value), float(residual), "bound", pairs.products, note)
    if top is not None and bottom is not None:
        ends = [(abs(p.values[0]), p.residuals[0]) for p in (top, bottom) if len(p.values)]
        value, residual = max(ends)
        yield Statistic("spectral norm", float(value), float(residual), "bound", top.products + bottom.products)


def _masses(masses, degeneracy, products):
    note = "bounds of Gauss quadrature and a standard error"
    for name, mass in (
        (f"mass within {masses.reach:.2g} of zero", masses.near),
        (f"mass below -{masses.reach:.2g}", masses.negative),
        (f"mass above {masses.reach:.2g}", masses.positive),
    ):
        yield Statistic(name, mass.value, mass.error, "standard error", products, note)
    note = f"at {degeneracy.pair_value[0]:.2g}: the thesis's rank degeneracy of a Hessian"
    yield Statistic("mass of the two Ritz values nearest zero", *degeneracy.pair_mass, "standard error", products, note)


def _damped(q, top, bottom, damping):
    if damping is None:
        return ()
    smallest = min(q.ends[0], bottom.values[0] if bottom is not None else np.inf)
    rows = []
    if smallest > -damping:
        dimension = effective_dimension(q, damping)
        rows.append(
            Statistic("effective dimension", dimension.value, dimension.standard_error, "standard error", q.products)
        )
        if top is not None and bottom is not None and bottom.values[0] > -damping:
            ratio = estimated_curvature_ratio(top.values[0], bottom.values[0], damping)
            error = (top.residuals[0] + ratio.exact * bottom.residuals[0]) / (bottom.values[0] + damping)
            note = f"flat against sharp learning rate; as printed (6.4): {ratio.approximate:.4g}"
            products = top.products + bottom.products
            rows.append(Statistic("R_est-curv", float(ratio.exact), float(error), "bound", products, note))
    else:
        note = f"the damping must outweigh the smallest eigenvalue, {smallest:.3g}"
        rows.append(Statistic("effective dimension", np.nan, np.nan, "exact", 0, note))
    return tuple(rows)
