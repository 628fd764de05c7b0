"""The log-determinant that every method returns."""

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from spectral_core.results import Estimate, frozen

__all__ = ["LogDeterminant"]


@dataclass(frozen=True, eq=False)
class LogDeterminant(Estimate):
    """``log det A = tr log A`` with its Monte-Carlo error and, where theory gives them, bounds on what is not random.

    `value` and `standard_error` are in nats. A partial result of a method that has no estimate yet, such as a
    factorisation under way, has the value NaN and an infinite error.

    Attributes
    ----------
    method : str
        The method that gave it: "exact", "preconditioned", "slq", "chebyshev", "meme" or "bmxnt".
    size : int
        Order n of the matrix.
    bracket : (float, float)
        Bounds on ``tr log A`` given these probes, without the Monte-Carlo error: the means over probes of the
        Gauss-Radau and the Gauss rule, or a truncation bound, each moved out by rounding; infinite where theory gives
        none.
    monte_carlo_error : float, optional
        The part of `standard_error` that is the spread over probes; all of it where it is not given. The rest stands
        for the width of the bracket.
    bracket_error : float, optional
        Standard error over probes of the rules that `bracket` is made of, where it is not `monte_carlo_error`: a fit to
        them may scatter less than they do.
    history : (k, 3) array
        Rows ``(products, value, standard error)`` of the estimate as it was formed, the last row its final value.
    refused : bool
        The method raised: the value is NaN, the error infinite, and `stopped` its sentence. Only from `logdet_all`,
        where the other methods go on.
    """

    method: str = ""
    size: int = 0
    bracket: tuple[float, float] = (-np.inf, np.inf)
    monte_carlo_error: float | None = None
    bracket_error: float | None = None
    history: np.ndarray = field(default_factory=lambda: frozen(np.zeros((0, 3))))
    refused: bool = False

    @property
    def exact(self):
        """True for a direct factorisation, or where the answer is known without error."""
        return self.bar == "exact"

    @property
    def relative_error(self):
        """``standard_error / |value|``; NaN of an estimate that is 0 to rounding, ``n^1.5 eps``: only nats mean something."""
        if self.standard_error == 0.0:
            return 0.0
        zero = not abs(self.value) > self.size**1.5 * np.finfo(float).eps
        return np.nan if zero else self.standard_error / abs(self.value)

    @property
    def _half_width(self):
        spread = max(
            (error for error in (self.monte_carlo_error, self.bracket_error) if error is not None),
            default=self.standard_error,
        )
        return float(special.stdtrit(self.degrees_of_freedom, 0.995) * spread) if spread else 0.0

    @property
    def lower(self):
        """`bracket`'s lower end less the half width of the 99 % t interval of the Monte-Carlo error."""
        return self.bracket[0] - self._half_width

    @property
    def upper(self):
        """`bracket`'s upper end plus the half width of the 99 % t interval of the Monte-Carlo error."""
        return self.bracket[1] + self._half_width
