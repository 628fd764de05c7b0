"""``K = k(X, X) + noise I`` seen through block products; its tiles are worked out, multiplied and thrown away."""

import math

import numpy as np
import torch

from spectral_core.interruption import stop_if_asked
from spectral_core.kernels.covariances import Covariance, checked_points
from spectral_core.operators import Operator

__all__ = ["KernelOperator"]

CACHE = 1 << 21  # bytes of a tile for each CPU thread: little beyond its own cache, and worth dealing out to threads
LARGEST = 8192  # side of a tile, enough to keep any device busy
SMALLEST = 32  # side below which the overhead of a tile outweighs its work


class KernelOperator(Operator):
    """``K_ij = k(x_i, x_j) + noise [i = j]``, never formed: `memory` bytes at work, whatever n.

    Each tile of the upper triangle is worked out once and multiplies two blocks, ``V_J`` and (transposed) ``V_I``.

    Parameters
    ----------
    X : (n, d) array or tensor
        Points: finite, one a row. Kept in float64; distances are scaled in float64 before they are rounded to `dtype`.
    covariance : Covariance
        ``k``, as ``RBF(lengthscale=0.5) + Linear()``.
    noise : float
        Variance added to the diagonal, at least 0.
    memory : int
        Bytes that a product may hold beyond X, V and its result. More columns than fit take several passes.
    dtype : torch.float32 or torch.float64, optional
        Default: that of a tensor X, else float64.
    device : optional
        Default: that of a tensor X, else the CPU.

    Attributes
    ----------
    interval : (float, float)
        ``(noise, tr K)``: in exact arithmetic every eigenvalue lies within. Rounding moves eigenvalues by about
        ``eps ||K||``, which in float32 may be more than the noise.

    Raises
    ------
    ValueError
        Points not finite or not a table; noise negative, or 0 with duplicated rows, which make K singular; memory for not
        even one small tile.

    Notes
    -----
    A product of k columns costs ``n^2 / 2`` evaluations of the covariance function and ``2 n^2 k`` operations, so many
    columns at once are cheapest.

    Examples
    --------
    >>> from spectral_core.kernels import RBF
    >>> K = KernelOperator(torch.tensor([[0.0], [1.0]]), RBF(), noise=1.0)
    >>> K @ torch.tensor([1.0, 0.0])
    tensor([2.0000, 0.6065])
    """

    def __init__(self, X, covariance, *, noise=0.0, memory=1 << 30, dtype=None, device=None):
        points = checked_points(X)
        given = X.dtype if torch.is_tensor(X) and X.dtype in (torch.float32, torch.float64) else torch.float64
        super().__init__(len(points), dtype or given, device or points.device)
        if not isinstance(covariance, Covariance):
            raise ValueError(f"covariance must be a covariance function, as kernels.RBF(); got {covariance!r}.")
        if not (np.isscalar(noise) and np.isfinite(noise) and noise >= 0):
            raise ValueError(f"noise is a variance: finite and at least 0; got {noise}.")
        if noise == 0.0:
            _refuse_duplicates(points)
        self.X, self.covariance, self.noise, self.memory = points, covariance, float(noise), int(memory)
        self._tile = covariance.tiles(points, dtype=self.dtype, device=self.device)
        self.side = self._affordable_side()
        self.interval = (self.noise, float(self.diagonal().double().sum()))

    @property
    def _itemsize(self):
        return torch.finfo(self.dtype).bits // 8

    def _affordable_side(self):
        """Rows of a tile: half of the memory holds tiles, the other half columns."""
        n, tiles = self.shape[0], self.covariance.buffers + 1  # one more for what torch sets aside
        side = min(n, LARGEST, math.isqrt(self.memory // 2 // (tiles * self._itemsize)))
        if self.device.type == "cpu":
            side = min(side, math.isqrt(CACHE * torch.get_num_threads() // self._itemsize))
        needed = 2 * max(tiles * min(n, SMALLEST) ** 2, 2 * n) * self._itemsize
        if self.memory < needed:
            raise ValueError(
                f"a product of n = {n} in {self.dtype} needs at least {needed} bytes at work and memory={self.memory} "
                "allows less: raise memory=."
            )
        return side

    def _blocks(self):
        n = self.shape[0]
        return [slice(start, min(start + self.side, n)) for start in range(0, n, self.side)]

    def _product(self, V):
        width = self.memory // 2 // (2 * self.shape[0] * self._itemsize)
        if V.shape[1] <= width:
            return self._pass(V)
        out = torch.empty_like(V)
        for start in range(0, V.shape[1], width):
            out[:, start : start + width] = self._pass(V[:, start : start + width])
        return out

    def _pass(self, V):
        """``K V`` by one pass over the upper triangle, on rows of ``V.T``: BLAS is up to three times faster so."""
        rows = V.T.contiguous()
        out = rows * self.noise
        blocks = self._blocks()
        for i, I in enumerate(blocks):
            for J in blocks[i:]:
                stop_if_asked()
                tile = self._tile(I, J)
                out[:, J].addmm_(rows[:, I], tile)
                if I != J:
                    out[:, I].addmm_(rows[:, J], tile.T)
        return out.T.contiguous()

    def diagonal(self):
        """``k(x_i, x_i) + noise``: an (n,) tensor; no product."""
        return (self.covariance.diagonal(self.X) + self.noise).to(dtype=self.dtype, device=self.device)

    def columns(self, indices):
        """``K[:, indices]``: an (n, len(indices)) tensor, at the cost of its entries; no product.

        Raises
        ------
        ValueError
            An index outside ``0..n - 1``.
        """
        indices = torch.as_tensor(indices, dtype=torch.int64, device=self.device).reshape(-1)
        n = self.shape[0]
        if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= n):
            raise ValueError(f"columns are numbered from 0 to {n - 1}; got {int(indices.min())}..{int(indices.max())}.")
        out = torch.empty(n, len(indices), dtype=self.dtype, device=self.device)
        for I in self._blocks():
            for start in range(0, len(indices), self.side):
                stop_if_asked()
                out[I, start : start + self.side] = self._tile(I, indices[start : start + self.side])
        out[indices, torch.arange(len(indices), device=self.device)] += self.noise
        return out

    def squared_frobenius_norm(self):
        """``||K||_F^2 = tr K^2``: a float, by one pass over ``n (n + 1) / 2`` entries, about one product of one column."""
        blocks, total = self._blocks(), 0.0
        for i, I in enumerate(blocks):
            for J in blocks[i:]:
                stop_if_asked()
                entries = self._tile(I, J).square_().sum(dim=0).double().sum()
                total += float(entries) * (1.0 if I == J else 2.0)
        return total + 2.0 * self.noise * self.interval[1] - self.noise**2 * self.shape[0]

    def to(self, *, dtype=None, device=None):
        """The same matrix in another precision or on another device; itself where it is so already."""
        dtype, device = dtype or self.dtype, torch.device(device or self.device)
        if (dtype, device) == (self.dtype, self.device):
            return self
        return KernelOperator(self.X, self.covariance, noise=self.noise, memory=self.memory, dtype=dtype, device=device)


def _refuse_duplicates(points):
    distinct = len(np.unique(points.cpu().numpy(), axis=0))
    if distinct < len(points):
        raise ValueError(
            f"{len(points) - distinct} of {len(points)} rows repeat an earlier row, which makes the matrix singular "
            "without noise: add noise, as noise=1e-2, or drop the repeated rows."
        )
