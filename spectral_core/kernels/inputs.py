"""Points for a kernel: the thesis's synthetic ones, and the columns of a table on one scale."""

import torch

from spectral_core.kernels.covariances import checked_points

__all__ = ["gaussian_inputs", "standardised"]


def gaussian_inputs(n, dimensions=6, scale=1.0, *, generator):
    """``x_i ~ N(0, scale^2 I)``: an (n, dimensions) float64 tensor.

    Notes
    -----
    The inputs of the thesis's Table 2.1 (section 2.6), which does not say their scale: no one scale gives all of its
    condition numbers; 0.28 fits those of length scales from 0.35 on.

    Examples
    --------
    >>> gaussian_inputs(4, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([4, 6])
    """
    if n < 1 or dimensions < 1 or not 0 < scale < float("inf"):
        raise ValueError(
            f"inputs need n and dimensions of at least 1 and a positive scale; got {n}, {dimensions}, {scale}."
        )
    return scale * torch.randn(n, dimensions, generator=generator, dtype=torch.float64)


def standardised(X, names=None):
    """``(x_ik - mean_k) / s_k`` with ``s_k^2 = (1/n) sum_i (x_ik - mean_k)^2``: each column with mean 0 and variance 1.

    Parameters
    ----------
    X : (n, d) array or tensor
    names : list of d str, optional
        Of the columns, for the notes.

    Returns
    -------
    X : (n, c) float64 tensor
        Without the constant columns, which no scale can bring to variance 1.
    notes : tuple of str
        A sentence for the columns dropped and one for duplicated rows, where there are any.

    Raises
    ------
    ValueError
        Not a finite table, or every column is constant.

    Examples
    --------
    >>> X, notes = standardised([[1.0, 7.0], [3.0, 7.0]], names=["age", "year"])
    >>> X.tolist(), notes
    ([[-1.0], [1.0]], ("dropped a constant column: 'year'.",))
    """
    X = checked_points(X)
    names = [str(k) for k in range(X.shape[1])] if names is None else [str(name) for name in names]
    if len(names) != X.shape[1]:
        raise ValueError(f"names must name every column; got {len(names)} names for {X.shape[1]} columns.")
    spread = X.std(dim=0, correction=0)
    varies = spread > 8 * torch.finfo(X.dtype).eps * X.abs().amax(dim=0)
    if not bool(varies.any()):
        raise ValueError(
            "every column is constant, so there is nothing to tell two rows apart by: choose other columns."
        )
    notes = []
    if dropped := [repr(name) for name, keep in zip(names, varies.tolist(), strict=True) if not keep]:
        shown = ", ".join(dropped[:5]) + (f" and {len(dropped) - 5} more" if len(dropped) > 5 else "")
        notes.append(
            f"dropped {'a constant column' if len(dropped) == 1 else f'{len(dropped)} constant columns'}: {shown}."
        )
    X = (X[:, varies] - X[:, varies].mean(dim=0)) / spread[varies]
    repeated = len(X) - len(torch.unique(X, dim=0))
    if repeated:
        notes.append(f"{repeated} of {len(X)} rows repeat an earlier row: the kernel matrix is singular without noise.")
    return X, tuple(notes)
