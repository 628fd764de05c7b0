"""Spectral densities: what every one of them can do, whatever it was estimated by."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from spectral_core.polynomials import fejer_rule, vandermonde
from spectral_core.results import mean_and_standard_error

__all__ = ["ChebyshevDensity", "Density", "SmoothedDensity"]


class Density(ABC):
    """Unit mass: a continuous part `pdf` of mass ``1 - sum(atom masses)`` on `support`, and known `atoms`.

    Attributes
    ----------
    support : (float, float)
    atoms : (k, 2) array
        ``(position, mass)``.
    products : int
    points : int
        Size of the Fejer grid that integrates the density.
    """

    points = 4096

    @abstractmethod
    def pdf(self, x):
        """Density of the continuous part at `x` (eigenvalues per unit of `x`, as a share of all)."""

    @abstractmethod
    def standard_error(self, x):
        """Standard error of `pdf` over the probes, to first order; ``inf`` from one probe, 0 for exact moments."""

    def rule(self):
        """Nodes and ``pdf * weight`` on the support, for integrals against the continuous part."""
        nodes, weights = fejer_rule(self.points)
        a, b = self.support
        x = (a + b) / 2.0 + (b - a) / 2.0 * nodes
        return x, weights * (b - a) / 2.0 * self.pdf(x)

    @cached_property
    def _rule(self):
        return self.rule()

    def moments(self, degree, *, interval, basis="chebyshev"):
        """``int phi_j dP`` for ``j = 0..degree``, atoms included, by quadrature on the support."""
        x, mass = self._rule
        values = mass @ vandermonde(basis, degree, x, interval)
        return values + self.atoms[:, 1] @ vandermonde(basis, degree, self.atoms[:, 0], interval)

    def moment(self, k):
        """``E[x^k]``, atoms included."""
        x, mass = self._rule
        return float(mass @ x**k + self.atoms[:, 1] @ self.atoms[:, 0] ** k)

    def bin_masses(self, edges):
        """Mass in ``[e_i, e_(i+1))`` (the last bin closed), atoms included.

        16-point Gauss on panels that are finer towards the ends of the support, as Chebyshev points are.
        """
        edges = np.asarray(edges, dtype=np.float64)
        (a, b), theta = self.support, np.linspace(np.pi, 0.0, max(self.points // 8, 401))
        ends = (a + b) / 2.0 + (b - a) / 2.0 * np.cos(theta)
        panels = np.union1d(np.clip(edges, a, b), np.clip(ends, a, b))
        nodes, weights = np.polynomial.legendre.leggauss(16)
        half = np.diff(panels)[:, None] / 2.0
        x = (panels[:-1] + panels[1:])[:, None] / 2.0 + half * nodes
        cumulative = np.r_[0.0, np.cumsum((self.pdf(x) * weights * half).sum(axis=1))]
        mass = np.diff(np.interp(edges, panels, cumulative))
        atoms, _ = np.histogram(self.atoms[:, 0], bins=edges, weights=self.atoms[:, 1])
        return mass + atoms

    def divergence_from(self, eigenvalues, edges):
        """``KL(h || p) = sum_i h_i log(h_i / p_i)`` in nats, `h` the histogram of `eigenvalues` over the bins `edges`.

        The model's masses are floored at ``1e-300``; both sum to 1 over the bins.
        """
        counts, _ = np.histogram(eigenvalues, bins=edges)
        h = counts / counts.sum()
        p = np.maximum(self.bin_masses(edges), 0.0)
        return float(special.rel_entr(h, np.maximum(p / p.sum(), 1e-300)).sum())


@dataclass(frozen=True, eq=False)
class ChebyshevDensity(Density):
    """``p(t) = [c_0 + 2 sum_j c_j T_j(t)] / (pi sqrt(1 - t^2))``: the kernel polynomial method's series.

    `coefficients` holds one row a probe: damped moments ``g_j mu_j``, ``c_0`` the continuous mass.
    """

    coefficients: np.ndarray
    support: tuple[float, float]
    atoms: np.ndarray
    exact: bool
    products: int

    def _samples(self, x):
        a, b = self.support
        t = (2.0 * np.asarray(x, dtype=np.float64) - (a + b)) / (b - a)
        inside = np.abs(t) < 1.0
        theta = np.arccos(np.where(inside, t, 0.0))
        series = self.coefficients * np.r_[1.0, np.full(self.coefficients.shape[1] - 1, 2.0)]
        values = np.cos(theta[..., None] * np.arange(self.coefficients.shape[1])) @ series.T
        weight = np.where(inside, 2.0 / (np.pi * (b - a) * np.maximum(np.sin(theta), 1e-12)), 0.0)
        return np.moveaxis(values * weight[..., None], -1, 0)

    def pdf(self, x):
        return self._samples(x).mean(axis=0)

    def standard_error(self, x):
        return np.zeros(np.shape(x)) if self.exact else mean_and_standard_error(self._samples(x))[1]

    def rule(self):
        """Chebyshev-Gauss nodes, on which the series integrates exactly."""
        points = 4096
        theta = np.pi * (np.arange(points) + 0.5) / points
        a, b = self.support
        x = (a + b) / 2.0 + (b - a) / 2.0 * np.cos(theta)
        return x, self.pdf(x) * np.sin(theta) * (b - a) / 2.0 * np.pi / points

    def bin_masses(self, edges):
        """By the antiderivative ``-(1/pi) [c_0 theta + 2 sum_j c_j sin(j theta) / j]``."""
        a, b = self.support
        theta = np.arccos(np.clip((2.0 * np.asarray(edges) - (a + b)) / (b - a), -1.0, 1.0))
        c = self.coefficients.mean(axis=0)
        j = np.arange(1, len(c))
        cumulative = -(c[0] * theta + 2.0 * np.sin(theta[:, None] * j) @ (c[1:] / j)) / np.pi
        atoms, _ = np.histogram(self.atoms[:, 0], bins=edges, weights=self.atoms[:, 1])
        return np.diff(cumulative) + atoms


@dataclass(frozen=True, eq=False)
class SmoothedDensity(Density):
    """``p(x) = sum_i w_i k_sigma(x - theta_i)``, atoms smoothed like the rest; its support is the real line.

    Attributes
    ----------
    nodes, weights : (probes, k) arrays
        The Dirac mixture, known atoms among the columns; each row of weights sums to 1.
    sigma : float
        Standard deviation of the Gaussian, half-width at half-maximum of the Cauchy kernel.
    kernel : {"gaussian", "cauchy"}
    """

    nodes: np.ndarray
    weights: np.ndarray
    sigma: float
    kernel: str
    products: int

    support = (-np.inf, np.inf)
    atoms = np.zeros((0, 2))

    def _samples(self, x):
        z = (np.asarray(x, dtype=np.float64)[..., None, None] - self.nodes) / self.sigma
        if self.kernel == "gaussian":
            k = np.exp(-0.5 * z * z) / (self.sigma * np.sqrt(2.0 * np.pi))
        else:
            k = 1.0 / (np.pi * self.sigma * (1.0 + z * z))
        return np.moveaxis((k * self.weights).sum(axis=-1), -1, 0)

    def pdf(self, x):
        return self._samples(x).mean(axis=0)

    def standard_error(self, x):
        return mean_and_standard_error(self._samples(x))[1]

    def moment(self, k):
        """``E[x^k]`` by a Gauss-Hermite rule that is exact to degree `k`."""
        x, mass = self.rule(k // 2 + 1)
        return float(mass @ x**k)

    def rule(self, points=64):
        """Gauss-Hermite nodes around each stem: exact to degree ``2 points - 1``. A Cauchy kernel has no moments: raises."""
        if self.kernel != "gaussian":
            raise ValueError("a Cauchy kernel has no moments beyond the mass: choose the Gaussian one.")
        z, w = np.polynomial.hermite_e.hermegauss(points)
        x = self.nodes[..., None] + self.sigma * z
        mass = (self.weights / len(self.nodes))[..., None] * (w / np.sqrt(2.0 * np.pi))
        return x.ravel(), mass.ravel()

    def bin_masses(self, edges):
        """By the kernel's distribution function."""
        z = (np.asarray(edges, dtype=np.float64)[:, None, None] - self.nodes) / self.sigma
        cumulative = special.ndtr(z) if self.kernel == "gaussian" else 0.5 + np.arctan(z) / np.pi
        return np.diff((cumulative * self.weights).sum(axis=-1).mean(axis=-1))
