"""Covariance functions ``k(x, y)``, their sums and products, and tiles of the matrix ``k(x_i, y_j)``.

A covariance function is a frozen set of hyperparameters. `Covariance.tiles` binds it to points once (scaled by the length
scales in float64, then rounded) and gives a function from rows and columns to a tile, worked out in place on the device.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from spectral_core.kernels.distances import decay_, squared_distances

__all__ = ["RBF", "Covariance", "Linear", "Matern", "Periodic", "Product", "RationalQuadratic", "Sum", "checked_points"]


def checked_points(X):
    """`X` as an (n, d) float64 tensor on its own device; ValueError where it is not a finite, non-empty table."""
    if not torch.is_tensor(X):
        X = np.asarray(X)
        if X.dtype.kind not in "biuf":
            raise ValueError(f"points must be real numbers; got {X.dtype} entries: convert or drop those columns.")
    X = torch.as_tensor(X)
    if X.is_complex():
        raise ValueError("points must be real numbers; got complex entries: pass their real and imaginary parts.")
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"points must be a table of shape (n, d) with n and d at least 1; got {tuple(X.shape)}"
            f"{': pass X[:, None] for points on a line.' if X.ndim == 1 else '.'}"
        )
    finite = torch.isfinite(X).all(dim=1)
    if not bool(finite.all()):
        count = int((~finite).sum())
        raise ValueError(f"points must be finite; {count} of {len(X)} rows hold NaN or infinity: drop or fill them.")
    return X.double()


def _positive(name, value):
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number; got {value!r}.") from None
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive and finite; got {number:g}.")
    return number


class Covariance:
    """A positive semi-definite function ``k(x, y)``; ``+`` and ``*`` combine two (Rasmussen and Williams, section 4.2.4).

    A subclass gives ``tiles``, ``diagonal``, ``buffers`` and ``with_lengthscale``.
    """

    def tiles(self, X, *, dtype=None, device=None):
        """A function ``(rows, columns) -> k(X[rows], X[columns])``, both a slice or a tensor of indices.

        X is an (n, d) float64 tensor; the tile has the dtype and device asked for (default: those of X) and is new, so
        it may be overwritten.
        """
        raise NotImplementedError

    def diagonal(self, X):
        """``k(x_i, x_i)`` of an (n, d) tensor: an (n,) tensor of its dtype."""
        raise NotImplementedError

    @property
    def buffers(self):
        """Tiles held at once while one is worked out."""
        raise NotImplementedError

    def with_lengthscale(self, lengthscale):
        """The same covariance function with another length scale; in sums and products in every factor that has one."""
        raise NotImplementedError

    def tile(self, X, Y):
        """``k(x_i, y_j)`` for X of shape (r, d) and Y of shape (c, d): an (r, c) tensor of X's dtype and device.

        Raises
        ------
        ValueError
            Points not finite or not a table, different numbers of columns, wrong number of ARD length scales.
        """
        if X.shape[1:] != Y.shape[1:]:
            raise ValueError(f"points must have the same columns; got shapes {tuple(X.shape)} and {tuple(Y.shape)}.")
        both = torch.cat([checked_points(X), checked_points(Y)])
        dtype = X.dtype if X.dtype in (torch.float32, torch.float64) else torch.float64
        return self.tiles(both, dtype=dtype)(slice(0, len(X)), slice(len(X), None))

    def __add__(self, other):
        return Sum(self, other)

    def __mul__(self, other):
        return Product(self, other)


@dataclass(frozen=True)
class _Scaled(Covariance):
    """What the elementary functions share: length scales, one for all columns or one a column (ARD), and a variance."""

    lengthscale: float | tuple[float, ...] = 1.0
    outputscale: float = 1.0

    def __post_init__(self):
        if np.ndim(self.lengthscale) == 0:
            scales = _positive("lengthscale", self.lengthscale)
        else:
            scales = tuple(_positive("each of the ARD length scales", scale) for scale in self.lengthscale)
        object.__setattr__(self, "lengthscale", scales)
        object.__setattr__(self, "outputscale", _positive("outputscale", self.outputscale))

    def _scales(self, X):
        """The length scales as a (d,) or 0-d tensor beside X."""
        if isinstance(self.lengthscale, tuple) and len(self.lengthscale) != X.shape[1]:
            raise ValueError(
                f"ARD needs one length scale a column; got {len(self.lengthscale)} for {X.shape[1]} columns: "
                "give one number for all, or one each."
            )
        return torch.tensor(self.lengthscale, dtype=torch.float64, device=X.device)

    def with_lengthscale(self, lengthscale):
        return replace(self, lengthscale=lengthscale)


class _Stationary(_Scaled):
    """A function of ``|z(x) - z(y)|^2`` alone: a subclass gives ``z`` as `_embedded` and the function as `_of_`."""

    buffers = 1

    def _embedded(self, X):
        return (X - X.mean(dim=0)) / self._scales(X)  # about the mean, so that rounding to float32 costs least

    def _of_(self, squared):
        raise NotImplementedError

    def tiles(self, X, *, dtype=None, device=None):
        Z = self._embedded(X).to(dtype=dtype or X.dtype, device=device or X.device)

        def tile(rows, columns):
            values = self._of_(squared_distances(Z[rows], Z[columns]))
            return values if self.outputscale == 1.0 else values.mul_(self.outputscale)

        return tile

    def diagonal(self, X):
        return torch.full((len(X),), self.outputscale, dtype=X.dtype, device=X.device)


@dataclass(frozen=True)
class RBF(_Stationary):
    """``outputscale exp(-r^2 / 2)`` with ``r^2 = sum_k (x_k - y_k)^2 / lengthscale_k^2``, the squared exponential.

    Parameters
    ----------
    lengthscale : float or tuple of d floats
        In the units of the columns; a tuple gives each column its own (ARD).
    outputscale : float
        Variance ``k(x, x)``, in squared units of the target.

    Raises
    ------
    ValueError
        A hyperparameter that is not positive and finite; later, a number of ARD length scales other than d.

    Notes
    -----
    Rasmussen and Williams 2006, equations 4.9 and (ARD) 5.2.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0]])
    >>> RBF(lengthscale=0.5).tile(x, x)[0]
    tensor([1.0000, 0.1353])
    """

    def _embedded(self, X):
        return super()._embedded(X) * math.sqrt(0.5)

    def _of_(self, squared):
        return decay_(squared)


@dataclass(frozen=True)
class Matern(_Stationary):
    """``outputscale p(a) exp(-a)``, ``a = sqrt(2 smoothness) r``: ``p`` is 1, ``1 + a`` or ``1 + a + a^2 / 3``.

    Parameters
    ----------
    smoothness : {0.5, 1.5, 2.5}
        The process is differentiable ``ceil(smoothness) - 1`` times.
    lengthscale, outputscale
        As in `RBF`.

    Notes
    -----
    Rasmussen and Williams 2006, equations 4.16 and 4.17.
    """

    lengthscale: float | tuple[float, ...] = 1.0
    outputscale: float = 1.0
    smoothness: float = 1.5

    def __init__(self, smoothness=1.5, lengthscale=1.0, outputscale=1.0):
        for name, value in (("smoothness", smoothness), ("lengthscale", lengthscale), ("outputscale", outputscale)):
            object.__setattr__(self, name, value)
        self.__post_init__()

    def __post_init__(self):
        super().__post_init__()
        if self.smoothness not in (0.5, 1.5, 2.5):
            raise ValueError(f"the smoothness of a Matern covariance must be 0.5, 1.5 or 2.5; got {self.smoothness}.")

    @property
    def buffers(self):
        return 1 if self.smoothness == 0.5 else 2

    def _embedded(self, X):
        return super()._embedded(X) * math.sqrt(2.0 * self.smoothness)

    def _of_(self, squared):
        if self.smoothness == 0.5:
            return decay_(squared.sqrt_())
        a = torch.sqrt(squared)
        polynomial = squared.div_(3.0).add_(a).add_(1.0) if self.smoothness == 2.5 else torch.add(a, 1.0, out=squared)
        return polynomial.mul_(decay_(a))


@dataclass(frozen=True)
class RationalQuadratic(_Stationary):
    """``outputscale (1 + r^2 / (2 alpha))^-alpha``: a mixture of RBFs of many length scales; RBF as ``alpha -> inf``.

    Parameters
    ----------
    lengthscale, outputscale
        As in `RBF`.
    alpha : float
        Positive; small for a wide mixture.

    Notes
    -----
    Rasmussen and Williams 2006, equation 4.19.
    """

    alpha: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "alpha", _positive("alpha", self.alpha))

    def _embedded(self, X):
        return super()._embedded(X) / math.sqrt(2.0 * self.alpha)

    def _of_(self, squared):
        return decay_(squared.log1p_().mul_(self.alpha))


@dataclass(frozen=True)
class Periodic(_Stationary):
    """``outputscale exp(-2 sum_k sin^2(pi (x_k - y_k) / period) / lengthscale_k^2)``.

    Parameters
    ----------
    lengthscale : float or tuple of d floats
        Without unit: relative to the embedding of the line in the unit circle.
    outputscale
        As in `RBF`.
    period : float
        In the units of the columns.

    Notes
    -----
    Rasmussen and Williams 2006, equation 4.31, with the period free. Worked out as they derive it: an RBF between the
    points ``(cos, sin)(2 pi x_k / period)`` of the circle, whose squared distance is ``4 sin^2``.
    """

    period: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "period", _positive("period", self.period))

    def _embedded(self, X):
        angle = (X - X.mean(dim=0)) * (2.0 * math.pi / self.period)
        scales = self._scales(X) / math.sqrt(0.5)
        return torch.cat([angle.cos() / scales, angle.sin() / scales], dim=1)

    def _of_(self, squared):
        return decay_(squared)


@dataclass(frozen=True)
class Linear(_Scaled):
    """``outputscale sum_k x_k y_k / lengthscale_k^2 + offset``: of rank at most ``d + 1``, so it needs noise.

    Parameters
    ----------
    lengthscale, outputscale
        As in `RBF`; they are not about the mean: standardise the columns first.
    offset : float
        Variance of the intercept, at least 0.

    Notes
    -----
    Rasmussen and Williams 2006, table 4.1 and section 4.2.2 (dot products).
    """

    offset: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not (np.ndim(self.offset) == 0 and np.isfinite(self.offset) and self.offset >= 0):
            raise ValueError(f"offset must be finite and at least 0; got {self.offset}.")
        object.__setattr__(self, "offset", float(self.offset))

    buffers = 1

    def _embedded(self, X):
        return math.sqrt(self.outputscale) * X / self._scales(X)

    def tiles(self, X, *, dtype=None, device=None):
        Z = self._embedded(X).to(dtype=dtype or X.dtype, device=device or X.device)
        return lambda rows, columns: (Z[rows] @ Z[columns].T).add_(self.offset)

    def diagonal(self, X):
        return self._embedded(X.double()).square().sum(dim=1).add(self.offset).to(X.dtype)

    def with_lengthscale(self, lengthscale):
        return self  # a variance by another name: what moves is the other terms


@dataclass(frozen=True)
class _Pair(Covariance):
    left: Covariance
    right: Covariance

    def __post_init__(self):
        for part in (self.left, self.right):
            if not isinstance(part, Covariance):
                raise ValueError(
                    f"only covariance functions can be added or multiplied; got {part!r}: set outputscale."
                )

    @property
    def buffers(self):
        return max(self.left.buffers, 1 + self.right.buffers)

    def _parts(self, X, dtype, device):
        return (part.tiles(X, dtype=dtype, device=device) for part in (self.left, self.right))

    def with_lengthscale(self, lengthscale):
        return type(self)(self.left.with_lengthscale(lengthscale), self.right.with_lengthscale(lengthscale))


class Sum(_Pair):
    """``left(x, y) + right(x, y)``."""

    def tiles(self, X, *, dtype=None, device=None):
        left, right = self._parts(X, dtype, device)
        return lambda rows, columns: left(rows, columns).add_(right(rows, columns))

    def diagonal(self, X):
        return self.left.diagonal(X) + self.right.diagonal(X)


class Product(_Pair):
    """``left(x, y) right(x, y)``."""

    def tiles(self, X, *, dtype=None, device=None):
        left, right = self._parts(X, dtype, device)
        return lambda rows, columns: left(rows, columns).mul_(right(rows, columns))

    def diagonal(self, X):
        return self.left.diagonal(X) * self.right.diagonal(X)
