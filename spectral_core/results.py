"""What the estimators return: frozen, picklable, CPU NumPy float64 inside, with error bar, cost and reason to stop."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy import special

from spectral_core.polynomials import checked_basis, checked_interval, from_chebyshev, vandermonde

__all__ = ["Eigenspace", "Estimate", "Moments", "SpectralInterval"]


def frozen(values):
    """A read-only float64 copy."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def last(steps):
    """The last item of an iterator of partial results, None of an empty one."""
    result = None
    for result in steps:
        pass
    return result


def mean_and_standard_error(samples):
    """Mean over axis 0 and its standard error ``s / sqrt(d)``; ``inf`` from a single sample, which has no spread."""
    samples = np.asarray(samples, dtype=np.float64)
    count = samples.shape[0]
    mean = samples.mean(axis=0)
    if count < 2:
        return mean, np.full_like(mean, np.inf)
    scale = np.abs(samples).max(axis=0)  # so that no square overflows
    scale = np.where(scale > 0, scale, 1.0)
    return mean, (samples / scale).std(axis=0, ddof=1) / np.sqrt(count) * scale


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number with its error bar: ``value +- t(degrees_of_freedom) standard_error``.

    Attributes
    ----------
    value, standard_error : float or (n,) array
        In the units of the quantity asked for. `standard_error` is 0 where the value is exact.
    products : int
        Matrix-vector products spent.
    degrees_of_freedom : float
        Of the t interval; ``inf`` where the answer is exact.
    bar : {"standard error", "error scale", "bounds", "exact"}
        What `standard_error` is. An error scale is the order of magnitude of the error and covers nothing for sure. Bounds are
        half the distance of bounds on the value and one standard error of theirs: often several times the spread over runs.
    stopped : str
        Why the estimator stopped.
    """

    value: float
    standard_error: float
    products: int
    degrees_of_freedom: float = np.inf
    bar: str = "standard error"
    stopped: str = "spent the products asked for"

    def interval(self, level=0.95):
        """Two-sided t interval ``(lower, upper)`` at the nominal `level`.

        >>> Estimate(10.0, 1.0, 5, degrees_of_freedom=4).interval(0.95)[1].round(3)
        np.float64(12.776)
        """
        half = special.stdtrit(self.degrees_of_freedom, 0.5 + level / 2.0) * np.asarray(self.standard_error)
        return self.value - half, self.value + half


@dataclass(frozen=True, eq=False)
class SpectralInterval:
    """``lower <= every eigenvalue <= upper``, how it is known, and the products it took."""

    lower: float
    upper: float
    source: str
    products: int = 0

    def __iter__(self):
        return iter((self.lower, self.upper))


@dataclass(frozen=True, eq=False)
class Eigenspace:
    """Exactly known eigenpairs: ``A Q = Q diag(values)`` with ``Q.T Q = I``.

    Attributes
    ----------
    values : (c,) float64
    vectors : (n, c) SciPy sparse or NumPy array
    """

    values: np.ndarray
    vectors: object

    def __post_init__(self):
        object.__setattr__(self, "values", frozen(np.atleast_1d(self.values)))
        if self.vectors.ndim != 2 or self.vectors.shape[1] != len(self.values):
            raise ValueError(
                f"an eigenspace needs one column a value; got {len(self.values)} values and vectors of shape "
                f"{tuple(self.vectors.shape)}."
            )

    def atoms(self):
        """``(k, 2)`` rows ``(eigenvalue, multiplicity / n)``, equal eigenvalues merged."""
        values, counts = np.unique(self.values, return_counts=True)
        return np.column_stack([values, counts / self.vectors.shape[0]])


def checked_atoms(atoms):
    """``(k, 2)`` rows ``(position, mass)`` in order of position; masses non-negative with sum at most 1."""
    rows = frozen(np.asarray(atoms if atoms is not None else [], dtype=np.float64).reshape(-1, 2))
    if not np.isfinite(rows).all() or (rows[:, 1] < 0).any() or rows[:, 1].sum() > 1 + 1e-12:
        raise ValueError("atoms are (position, mass) pairs with masses of at least 0 and a sum of at most 1.")
    return frozen(rows[np.argsort(rows[:, 0], kind="stable")])


@dataclass(frozen=True, eq=False)
class Moments:
    """``mu_j = (1/n) tr phi_j(A)`` for ``j = 0..m``, ``phi_j`` a polynomial basis on `interval`.

    Attributes
    ----------
    samples : (probes, m + 1) array
        Moments of the spectrum *without* its known atoms, mass 1, one row a probe; a single row for exact moments.
    interval : (float, float)
        Mapped to [-1, 1] for the basis.
    basis : {"chebyshev", "legendre", "power"}
    atoms : (k, 2) array
        ``(position, mass)`` of eigenvalues known exactly.
    is_exact : bool
        No sampling error.
    size, products : int
        Order of the matrix (0 if unknown) and products spent.
    """

    samples: np.ndarray
    interval: tuple[float, float]
    basis: str = "chebyshev"
    atoms: np.ndarray = field(default_factory=lambda: checked_atoms(None))
    is_exact: bool = False
    size: int = 0
    products: int = 0
    stopped: str = "exact"

    def __post_init__(self):
        for name, value in (
            ("samples", frozen(self.samples)),
            ("interval", checked_interval(self.interval)),
            ("basis", checked_basis(self.basis)),
            ("atoms", checked_atoms(self.atoms)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def exact(cls, values, *, interval, basis="chebyshev"):
        """Moments known without error, from ``mu_0 = 1`` on.

        Raises
        ------
        ValueError
            Not finite, ``mu_0 != 1``, or a moment outside [-1, 1], which no density on the interval has.

        Examples
        --------
        >>> Moments.exact([1.0, 0.0, -0.5], interval=(-1, 1)).degree
        2
        """
        values = np.asarray(values, dtype=np.float64)
        checked_basis(basis)
        if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
            raise ValueError("moments are a list of at least two finite numbers, mu_0 = 1 first.")
        if abs(values[0] - 1.0) > 1e-9:
            raise ValueError(f"mu_0 is the mass and must be 1; got {values[0]:g}: divide all moments by it.")
        if np.abs(values).max() > 1 + 1e-9:
            raise ValueError(
                f"a moment of {basis} polynomials on their own interval lies within [-1, 1]; "
                f"got {values[np.abs(values).argmax()]:g}: is the interval right?"
            )
        return cls(values[None], interval, basis, is_exact=True)

    @property
    def degree(self):
        """``m``: the highest order there is."""
        return self.samples.shape[1] - 1

    @property
    def probes(self):
        """Number of independent samples."""
        return len(self.samples)

    @property
    def rest_share(self):
        """Mass of the spectrum that is not a known atom."""
        return 1.0 - float(self.atoms[:, 1].sum())

    @cached_property
    def values(self):
        """``mu_j`` of the whole spectrum, known atoms included: (m + 1,) array."""
        known = self.atoms[:, 1] @ vandermonde(self.basis, self.degree, self.atoms[:, 0], self.interval)
        return frozen(self.rest_share * self.samples.mean(axis=0) + known)

    @cached_property
    def standard_error(self):
        """Of `values`, over probes; 0 for exact moments, ``inf`` from one probe."""
        return frozen(self.rest_share * self._error(self.samples))

    def _error(self, samples):
        error = np.zeros(samples.shape[1]) if self.is_exact else mean_and_standard_error(samples)[1]
        error[0] = 0.0
        return error

    def rest(self):
        """The moments without the known atoms, mass 1 again."""
        return replace(self, atoms=None)

    def whole(self):
        """The moments of the whole spectrum, the known atoms no longer apart: what two spectra are compared by."""
        known = self.atoms[:, 1] @ vandermonde(self.basis, self.degree, self.atoms[:, 0], self.interval)
        return replace(self, samples=self.rest_share * self.samples + known, atoms=None)

    def truncated(self, degree):
        """The first `degree` moments: no product."""
        if not 1 <= degree <= self.degree:
            raise ValueError(f"degree must be from 1 to the {self.degree} moments there are; got {degree}.")
        return replace(self, samples=self.samples[:, : degree + 1])

    def converted(self, basis):
        """The same moments in another basis (from Chebyshev only: the other directions lose digits)."""
        if checked_basis(basis) == self.basis:
            return self
        if self.basis != "chebyshev":
            raise ValueError(f"only Chebyshev moments convert without loss; these are {self.basis} moments.")
        return replace(self, basis=basis, samples=self.samples @ from_chebyshev(basis, self.degree).T)

    def raw(self, degree):
        """Moments ``E[x^k]`` of the eigenvalues themselves, ``k = 0..degree``, atoms included, and standard errors.

        Returns
        -------
        values, standard_error : (degree + 1,) arrays
        """
        power = self.truncated(degree).converted("power").samples
        a, b = self.interval
        # x^k = (c + h t)^k = sum_j C(k, j) c^(k - j) (h t)^j
        matrix = np.zeros((degree + 1, degree + 1))
        for k in range(degree + 1):
            matrix[k, : k + 1] = np.polynomial.polynomial.polypow([(a + b) / 2.0, (b - a) / 2.0], k)
        samples = power @ matrix.T
        known = self.atoms[:, 1] @ np.vander(self.atoms[:, 0], degree + 1, increasing=True)
        return self.rest_share * samples.mean(axis=0) + known, self.rest_share * self._error(samples)
