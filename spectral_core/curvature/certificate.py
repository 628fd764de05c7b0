"""After a run: are the matrix and the numbers what theory says of them? A handful of products."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from torch.utils._pytree import tree_leaves

from spectral_core.interruption import stop_if_asked
from spectral_core.probes import draw_probes
from spectral_core.results import last

__all__ = ["Certificate", "Check", "certificate", "certificate_steps"]


@dataclass(frozen=True, eq=False)
class Check:
    """One number beside the most that rounding explains.

    Attributes
    ----------
    name : {"symmetry", "orthogonality", "copies", "precision"}
    value, tolerance : float
        Without units (a count, for copies).
    meaning : str
        One sentence: what was measured, and what is wrong where it fails.
    """

    name: str
    value: float
    tolerance: float
    meaning: str

    @property
    def passed(self):
        """``value <= tolerance``."""
        return bool(self.value <= self.tolerance)  # False for NaN


@dataclass(frozen=True, eq=False)
class Certificate:
    """The checks done so far.

    Attributes
    ----------
    checks : tuple of Check
    products : int
        Spent on them, in either precision.
    stopped : str
    """

    checks: tuple[Check, ...]
    products: int
    stopped: str

    @property
    def passed(self):
        """Whether every check did."""
        return all(check.passed for check in self.checks)


def certificate_steps(H, run=None, *, double=None, generator):
    """Yield the `Certificate` so far after each check; parameters are those of `certificate`."""
    n, eps = H.shape[0], torch.finfo(H.dtype).eps
    rounding = 10.0 * eps * n**0.5
    summed = 10.0 * eps * max(n, _terms(H)) ** 0.5
    checks, products = [], 0
    left = ["symmetry"]
    if run is not None:
        left += ["orthogonality"] * (run.basis is not None) + ["copies"]
    if double is not None:
        left += ["precision"]
    V = draw_probes(n, 2, generator=generator, kind="gaussian", dtype=H.dtype, device=H.device)
    for count, name in enumerate(left, start=1):
        stop_if_asked()
        if name == "symmetry":
            HV = H @ V
            products += 2
            checks.append(_symmetry(V.double(), HV.double(), max(32.0 * eps, 3.0 * summed / n**0.5)))
        elif name == "orthogonality":
            checks.append(_orthogonality(run, rounding))
        elif name == "copies":
            checks.append(_copies(run, rounding))
        else:
            other = double() if callable(double) else double
            if other.dtype != torch.float64 or other.shape != H.shape:
                raise ValueError(
                    f"double= is the same operator in float64, {H.shape}; got {other.dtype}, {tuple(other.shape)}."
                )
            exact = other @ V[:, 1].to(dtype=torch.float64, device=other.device)
            products += 1
            checks.append(_precision(HV[:, 1].double().cpu(), exact.cpu(), summed))
        yield Certificate(tuple(checks), products, f"check {count} of {len(left)}: {name}")


def certificate(H, run=None, *, double=None, generator):
    """Four checks of a matrix and a Lanczos run, each beside what rounding allows.

    - symmetry: ``|u.Hv - v.Hu| / (|u| |Hv| + |v| |Hu|)`` for random u, v, at most ``32 eps``, as `as_operator` asks, or three
      times what the error of a product allowed below gives along one direction of n;
    - orthogonality: ``max |Q.T Q - I|`` of the Lanczos basis, at most ``10 eps sqrt(n)``;
    - copies: Ritz values of one run, both converged, that agree within ``10 eps sqrt(n) ||T||``: exact Lanczos finds an
      eigenvalue once from one vector, however often the matrix has it. Where there is a basis, their Ritz vectors must agree
      too: rounding finds further eigenvectors of an eigenvalue that the matrix has many times, which are no ghosts. Where
      there is none, those about zero are left out for that reason;
    - precision: ``||Hv - H64 v|| / ||H64 v||`` for a random v, at most ``10 eps sqrt(N)``, sums of N terms in working precision
      having an error of about ``eps sqrt(N)``: N is n, or the entries of the inputs where those are more.

    Parameters
    ----------
    H : operator (n, n)
        Any, not only of curvature.
    run : Lanczos, optional
        Of `lanczos` or `three_term_lanczos`; the latter has no basis to check.
    double : operator or callable, optional
        The same operator in float64 (``dtype=torch.float64``), or a function without arguments that makes it.
    generator : torch.Generator

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        A `double` of another size or not in float64.

    Notes
    -----
    Cost: two products, and one in float64. Source of the copies: Cullum and Willoughby 2002, section 4.5.

    Examples
    --------
    >>> A = torch.diag(torch.arange(1.0, 41.0))
    >>> from spectral_core import lanczos
    >>> g = torch.Generator().manual_seed(0)
    >>> run = lanczos(A, torch.ones(40, 1), 20)
    >>> [check.name for check in certificate(A, run, double=A.double(), generator=g).checks if check.passed]
    ['symmetry', 'orthogonality', 'copies', 'precision']
    """
    return last(certificate_steps(H, run, double=double, generator=generator))


def _terms(H):
    """Entries of all inputs of a curvature operator, over which its products sum; 0 of others."""
    return sum(
        leaf.numel()
        for batch in getattr(H, "batches", ())
        for leaf in tree_leaves(batch.inputs)
        if torch.is_tensor(leaf)
    )


def _symmetry(V, HV, tolerance):
    norms, product_norms = torch.linalg.vector_norm(V, dim=0), torch.linalg.vector_norm(HV, dim=0)
    gap = float((V[:, 0] @ HV[:, 1] - V[:, 1] @ HV[:, 0]).abs())
    size = float(norms[0] * product_norms[1] + norms[1] * product_norms[0])
    return Check(
        "symmetry",
        gap / size if size else 0.0,
        tolerance,
        "u.Hv against v.Hu for random u, v; a larger gap means that the products are not those of a symmetric matrix.",
    )


def _orthogonality(run, tolerance):
    worst = max(np.abs(_gram(run, i) - np.eye(length)).max() for i, length in enumerate(run.lengths))
    return Check(
        "orthogonality",
        float(worst),
        tolerance,
        "largest entry of Q.T Q - I; a larger one means that the Lanczos vectors have lost their orthogonality.",
    )


def _gram(run, probe, columns=1 << 16):
    Q = run.basis[probe, : run.lengths[probe]]
    parts = (Q[:, start : start + columns].double() for start in range(0, Q.shape[1], columns))
    return sum(part @ part.T for part in parts).cpu().numpy()


def _copies(run, tolerance):
    copies = 0
    for i, length in enumerate(run.lengths):
        theta, S = eigh_tridiagonal(run.alpha[:length, i], run.beta[: length - 1, i])
        close = tolerance * np.abs(theta).max()
        converged = run.beta[length - 1, i] * np.abs(S[-1]) <= close
        if run.basis is None:  # about zero, eigenvalues of their own lie as close
            same = np.abs(theta) > close
        else:
            cosines = S.T @ _gram(run, i) @ S
            same = np.r_[
                False, np.abs(np.diag(cosines, 1)) > 0.5 * np.sqrt(np.diag(cosines)[1:] * np.diag(cosines)[:-1])
            ]
        agree = np.r_[False, (np.diff(theta) <= close) & converged[1:] & converged[:-1]]
        copies += int((agree & same).sum())
    return Check(
        "copies",
        float(copies),
        0.0,
        "converged Ritz values that repeat another of the same run: ghosts, which count an eigenvalue more than once.",
    )


def _precision(product, exact, tolerance):
    size = float(torch.linalg.vector_norm(exact))
    gap = float(torch.linalg.vector_norm(product - exact))
    return Check(
        "precision",
        gap / size if size else gap,
        tolerance,
        "a product against the same in float64; a larger error means that the model's own sums cancel: compute in float64.",
    )
