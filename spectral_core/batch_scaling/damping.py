"""Damping of second-order steps: how much mini-batch noise asks for, and what it does to the spectrum."""

from dataclasses import dataclass

import numpy as np

from spectral_core.batch_scaling.full_batch import checked_batch_sizes
from spectral_core.batch_scaling.mini_batches import effective_batch_size
from spectral_core.batch_scaling.predictions import refined
from spectral_core.curvature.alignment import estimated_curvature_ratio
from spectral_core.results import frozen

__all__ = ["Damping", "Shrinkage", "least_damping", "shrinkage"]


@dataclass(frozen=True, eq=False)
class Damping:
    """Least damping at each batch size, (m,) arrays: with the noise of random directions, and with that at ``u_1``.

    `ratio` is R_est-curv, the rate in the flattest direction by that in the sharpest, at the `local` damping, of the
    mini-batch's spectrum; infinite where no damping is needed, or it does not outweigh a negative eigenvalue.
    """

    batch_sizes: np.ndarray
    isotropic: np.ndarray
    local: np.ndarray
    ratio: np.ndarray


def least_damping(known, batch_sizes, learning_rate, *, draws=50, seed=0):
    """``delta > a s^2/(2 b lambda_1)`` for steps ``a (H_B + delta I)^-1 g``, as `Damping`; no product.

    Estimated flat directions keep an overlap ``s^2/(b lambda_1^2)`` with the sharpest one, along which a step ``a/delta`` must
    not overshoot. Thesis Equation 5.36 with ``s^2 = P sigma^2`` lost the ``lambda_1``: its units do not fit.

    Parameters
    ----------
    known : Outliers or FullBatch
    batch_sizes : sequence of int
    learning_rate : float
        ``a``, 1 for a whole step.

    Raises
    ------
    ValueError
        A learning rate that is not finite and positive, or a largest eigenvalue that is not positive.
    """
    known = getattr(known, "full_batch", known)
    top = float(known.eigenvalues[0] - known.weight_decay)
    if not (0 < learning_rate < np.inf and top > 0):
        raise ValueError(
            f"learning rate and largest eigenvalue must be positive and finite; got {learning_rate} and {top:.3g}."
        )
    sizes = checked_batch_sizes(batch_sizes, known.examples)
    b = effective_batch_size(sizes, known.examples)
    isotropic, local = (
        learning_rate * s2 / (2 * b * top) for s2 in (known.noise.value, float(known.projections.noise[0][0]))
    )
    generator = np.random.default_rng(seed)
    sharpness = refined(known.projections, sizes, 1, draws=draws, generator=generator).value[:, 0]
    ratio = [
        float(estimated_curvature_ratio(largest, known.lowest, delta).exact)
        if delta > max(0.0, -known.lowest)
        else np.inf
        for largest, delta in zip(sharpness, local, strict=True)
    ]
    return Damping(sizes, frozen(isotropic), frozen(local), frozen(ratio))


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """Damping as shrinkage towards the identity: `beta`, and the shrunk eigenvalues ``beta l + 1 - beta``."""

    beta: float
    eigenvalues: np.ndarray


def shrinkage(eigenvalues, damping):
    """``1/(l + delta) = beta/(beta l + 1 - beta)``, ``beta = 1/(1 + delta)``: a damped step is a step of the shrunk matrix.

    Source: thesis section 6.3.2. Raises ValueError for a damping that is not finite and positive.

    Examples
    --------
    >>> s = shrinkage([9.0, 0.0], 1.0)
    >>> s.beta, s.eigenvalues
    (0.5, array([5. , 0.5]))
    """
    if not 0 < damping < np.inf:
        raise ValueError(f"damping is a finite number above 0; got {damping}.")
    beta = 1.0 / (1.0 + damping)
    return Shrinkage(beta, frozen(beta * np.asarray(eigenvalues, dtype=float) + 1 - beta))
