"""Spectral moments that somebody stored, to be compared without their graphs."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from scipy import special

from spectral_core.polynomials import fejer_rule, vandermonde
from spectral_core.results import Moments, frozen

__all__ = ["StoredMoments", "read_moments", "stored_divergence"]

INTERVAL, SUPPORT = (-2.0, 2.0), (0.0, 2.0)
MOST_BYTES = 1 << 26  # unpacked
MOST_MOMENTS = 2000


@dataclass(frozen=True, eq=False)
class StoredMoments:
    """One graph of a file: its `moments`, where its density may live, and coefficients somebody fitted, or None.

    `coefficients` are ``a_j`` of ``q(y) = exp(-1 - sum_j a_j T_j(y))`` on ``y = lambda / 2`` in [0, 1].
    """

    name: str
    moments: Moments
    support: tuple[float, float]
    coefficients: np.ndarray | None = None

    def log10_mass(self):
        """``log10 int_0^1 q(y) dy`` of the stored coefficients: 0 for a density. No product.

        >>> from spectral_core.results import Moments
        >>> one = StoredMoments("flat", Moments.exact([1.0, 0.0], interval=(-2, 2)), (0.0, 2.0), np.array([-1.0]))
        >>> one.log10_mass().round(9)
        np.float64(0.0)
        """
        y, weights = fejer_rule(1 << 14)
        features = vandermonde("chebyshev", len(self.coefficients) - 1, (y + 1) / 2, (-1.0, 1.0))
        return special.logsumexp(-1.0 - features @ self.coefficients, b=weights / 2) / np.log(10.0)


def read_moments(file):
    """The moments in a NumPy ``npz``: an array ``mu_NAME`` for each graph, ``alpha_NAME`` beside it where there are any.

    ``mu_NAME[j] = (1/n) tr T_j(L / 2)``, the thesis's convention: moments on the interval (-2, 2) of a spectrum on (0, 2).

    Parameters
    ----------
    file : path, bytes or file object

    Returns
    -------
    tuple of StoredMoments
        Their sampling error is not in such a file: their standard errors are ``inf``.

    Raises
    ------
    ValueError
        Not such a file, object arrays (never unpickled), more than 64 MiB unpacked, or what can be no moments.

    >>> buffer = io.BytesIO()
    >>> np.savez(buffer, mu_flat=[1.0, 0.5, -1 / 3])
    >>> read_moments(buffer.getvalue())[0].name
    'flat'
    """
    wanted = "a file of moments is a NumPy .npz that holds an array mu_NAME for each graph"
    file = io.BytesIO(file) if isinstance(file, bytes) else file
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise ValueError("a file of moments may unpack to 64 MiB at most: store fewer graphs in one file.")
        if hasattr(file, "seek"):
            file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[name]) for name in arrays.files if name.startswith(("mu_", "alpha_"))}
    except (OSError, zipfile.BadZipFile, KeyError, EOFError):
        raise ValueError(f"{wanted}, and this is none.") from None
    except ValueError as error:
        if "MiB" in str(error):
            raise
        raise ValueError(f"{wanted} of numbers, and this one holds other things.") from None
    names = [name[3:] for name in found if name.startswith("mu_")]
    if not names:
        raise ValueError(f"{wanted}, and this one has none.")
    return tuple(_stored(name, found[f"mu_{name}"], found.get(f"alpha_{name}")) for name in names)


def _stored(name, values, coefficients):
    values = _numbers(f"mu_{name}", values)
    if not 2 < len(values) <= MOST_MOMENTS:
        raise ValueError(f"mu_{name} must hold from 3 to {MOST_MOMENTS} moments; it holds {len(values)}.")
    if abs(values[0] - 1.0) > 1e-6 or np.abs(values).max() > 1.0 + 1e-6:
        raise ValueError(
            f"mu_{name} can be no moments of T_j(L / 2): the first must be 1 and none beyond 1 in size; got "
            f"{values[0]:g} and {np.abs(values).max():g}."
        )
    if coefficients is not None:
        coefficients = frozen(_numbers(f"alpha_{name}", coefficients))
    return StoredMoments(name, Moments(values[None], INTERVAL), SUPPORT, coefficients)


def _numbers(name, values):
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise ValueError(f"{name} must be a list of finite numbers: store it as a one-dimensional float array.")
    return values.astype(np.float64)


def stored_divergence(stored):
    """``|sum_j (a_j - b_j) (nu_j - mu_j)|`` of the stored coefficients and moments, (k, k): how Figure 3.4 was made.

    No half, an absolute value, and moments that the fits do not have: twice the symmetric divergence where the fits had
    converged, and no divergence where they had not. Shown beside what `similarity_of_moments` gives.
    """
    if any(one.coefficients is None for one in stored):
        missing = next(one.name for one in stored if one.coefficients is None)
        raise ValueError(f"the file holds no coefficients alpha_{missing}: leave that graph out.")
    m = min(min(len(one.coefficients), one.moments.degree + 1) for one in stored)
    a = np.stack([one.coefficients[:m] for one in stored])
    mu = np.stack([one.moments.values[:m] for one in stored])
    return frozen(np.abs(((a[:, None] - a[None]) * (mu[None] - mu[:, None])).sum(axis=-1)))
