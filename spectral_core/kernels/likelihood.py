"""The log marginal likelihood of a Gaussian process, exact or estimated."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.estimators.logdet import LogDeterminant, logdet_steps
from spectral_core.estimators.logdet.elimination import elimination_steps
from spectral_core.estimators.logdet.quadrature import known_lower_bound, with_bracket
from spectral_core.kernels.cholesky import cholesky_steps
from spectral_core.kernels.conjugate_gradients import inverse_quadratic_steps
from spectral_core.operators import accept, materialise
from spectral_core.results import Estimate, frozen, last

__all__ = [
    "LogMarginalLikelihood",
    "log_marginal_likelihood",
    "log_marginal_likelihood_steps",
]

PRODUCTS = 1500  # the default budget, that of a log-determinant
LARGEST = 20_000  # rows of an exact answer: 3.2 GB
BLOCK = 512  # columns of a dense matrix formed at once, so that a caller can stop in between


@dataclass(frozen=True, eq=False)
class LogMarginalLikelihood(Estimate):
    """``log p(y | X) = -(1/2) y.K^-1 y - (1/2) log det K - (n/2) log 2 pi``, in nats.

    Attributes
    ----------
    logdet : LogDeterminant
    quadratic : float
        ``y.K^-1 y``.
    quadratic_bracket : (float, float)
        Deterministic bounds on it.
    size : int
        n. `products` counts those of both parts; `standard_error` is half of that of `logdet`.
    """

    logdet: LogDeterminant = None
    quadratic: float = np.nan
    quadratic_bracket: tuple[float, float] = (-np.inf, np.inf)
    size: int = 0

    @property
    def exact(self):
        """True for a Cholesky factorisation."""
        return self.bar == "exact"

    @property
    def lower(self):
        """From the upper ends of both parts: the bounds, and 99 % of the Monte-Carlo error."""
        return _assemble(self.size, self.quadratic_bracket[1], self.logdet.upper)

    @property
    def upper(self):
        """From the lower ends of both parts."""
        return _assemble(self.size, self.quadratic_bracket[0], self.logdet.lower)


def _assemble(n, quadratic, logdet):
    return -0.5 * quadratic - 0.5 * logdet - 0.5 * n * math.log(2.0 * math.pi)


def log_marginal_likelihood_steps(
    K, y, *, generator=None, products=None, exact=None, method="preconditioned", lower_bound=None
):
    """Yield `LogMarginalLikelihood` results, the last one that of `log_marginal_likelihood`.

    Those before the first estimate of the log-determinant have the value NaN and say in `stopped` what is being done.
    """
    K = accept(K)
    n = K.shape[0]
    y = torch.as_tensor(y, dtype=torch.float64)
    if y.shape != (n,) or not bool(torch.isfinite(y).all()):
        came = f"shape {tuple(y.shape)}" if y.shape != (n,) else "NaN or infinite values"
        raise ValueError(f"targets must be {n} finite numbers, one a row of K; got {came}.")
    budget = PRODUCTS if products is None else products
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 8:
        raise ValueError(f"products must be a whole number, at least 8; got {budget}.")
    if exact is None:
        exact = n <= budget
    yield from _exact_steps(K, y) if exact else _estimate_steps(K, y, generator, budget, method, lower_bound)


def _exact_steps(K, y):
    n = len(y)
    if n > LARGEST:
        raise ValueError(
            f"an exact answer for n = {n} needs {8e-9 * n**2:.3g} GB and about n^3 / 3 = {n**3 / 3:.1e} operations; "
            f"up to n = {LARGEST} it is done: ask for an estimate, exact=False."
        )
    for matrix, reached in _dense_steps(K):
        yield _under_way(n, reached, f"computed {reached} of {n} columns")
    spent = 0 if hasattr(K, "columns") or hasattr(K, "matrix") else n
    for fraction in cholesky_steps(matrix):
        yield _under_way(n, spent, f"factorised {fraction:.0%}")
    half = torch.linalg.solve_triangular(matrix, y[:, None], upper=False)  # L^-1 y reads the lower triangle only
    quadratic = float(half.square().sum())
    value = 2.0 * float(matrix.diagonal().log().sum())
    stopped = "exact, by a Cholesky factorisation"
    logdet = LogDeterminant(
        value, 0.0, spent, bar="exact", stopped=stopped, method="exact", size=n, bracket=(value, value),
        history=frozen([(spent, value, 0.0)]),
    )  # fmt: skip
    yield LogMarginalLikelihood(
        _assemble(n, quadratic, value), 0.0, spent, bar="exact", stopped=stopped, logdet=logdet, quadratic=quadratic,
        quadratic_bracket=(quadratic, quadratic), size=n,
    )  # fmt: skip


def _dense_steps(K):
    """Yield ``(matrix, columns formed)``: the dense float64 matrix on the CPU, in place as it is formed."""
    n = K.shape[0]
    if not hasattr(K, "columns"):
        yield torch.tensor(materialise(K)), n
        return
    matrix = torch.empty(n, n, dtype=torch.float64)
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        matrix[start:end] = K.columns(range(start, end)).T.double().cpu()
        yield matrix, end


def _estimate_steps(K, y, generator, budget, method, lower_bound):
    if generator is None:
        raise ValueError("an estimate is random and needs a generator, such as torch.Generator().manual_seed(0).")
    n = len(y)
    # its own stream, so that the draws of the log-determinant are the same whatever it takes
    own = torch.Generator().manual_seed(int(torch.randint(1 << 62, (1,), generator=generator)))
    elimination, mean = None, None
    for elimination, mean in elimination_steps(K, columns=max(1, budget // 128), generator=own):
        yield _under_way(n, elimination.products, f"preconditioner of rank {elimination.rank}")
        if elimination.products >= budget // 16:
            break
    precondition, spent = None, elimination.products if elimination is not None else 0
    floor = max(mean or 0.0, known_lower_bound(K, lower_bound) or 0.0)
    if spent and floor > 0.0:
        precondition = _low_rank_inverse(elimination.factor, floor)
    form = None
    for form in inverse_quadratic_steps(
        K,
        y.to(dtype=K.dtype, device=K.device),
        products=budget // 4 - spent,
        lower_bound=lower_bound,
        precondition=precondition,
    ):
        yield _under_way(n, spent + form.products, form.stopped, quadratic=form.value, quadratic_bracket=form.bracket)
    spent += form.products
    rest = budget - budget // 4  # whatever was spent, so that a curve of log-determinants is smooth
    for logdet in logdet_steps(K, method=method, products=rest, lower_bound=lower_bound, generator=generator):
        yield LogMarginalLikelihood(
            _assemble(n, form.value, logdet.value),
            with_bracket(0.5 * logdet.standard_error, 0.5 * (form.bracket[1] - form.bracket[0])),
            spent + logdet.products,
            degrees_of_freedom=logdet.degrees_of_freedom,
            bar=logdet.bar if logdet.bar != "exact" else "standard error",
            stopped=f"log-determinant: {logdet.stopped}; quadratic form: {form.stopped}",
            logdet=logdet,
            quadratic=form.value,
            quadratic_bracket=form.bracket,
            size=n,
        )


def _low_rank_inverse(F, floor):
    """``r -> (F F.T + floor I)^-1 r`` by Woodbury's identity; `floor` stands for the eigenvalues of what F leaves."""
    core = (F.T @ F).double() + floor * torch.eye(F.shape[1], dtype=torch.float64, device=F.device)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(core)).to(F.dtype)
    return lambda r: (r - F @ (inverse @ (F.T @ r))) / floor


def _under_way(n, products, stopped, **parts):
    unknown = LogDeterminant(np.nan, np.inf, 0, degrees_of_freedom=1, stopped="not begun", size=n)
    return LogMarginalLikelihood(
        np.nan, np.inf, products, degrees_of_freedom=1, stopped=stopped, logdet=unknown, size=n, **parts
    )


def log_marginal_likelihood(
    K, y, *, generator=None, products=None, exact=None, method="preconditioned", lower_bound=None
):
    """``log p(y | X) = -(1/2) y.K^-1 y - (1/2) log det K - (n/2) log 2 pi`` of a Gaussian process with zero mean.

    Exact by a Cholesky factorisation; or ``y.K^-1 y`` by conjugate gradients with a deterministic bound, preconditioned by
    a partial Cholesky factorisation, at most a quarter of the products, and ``log det K`` by `spectral_core.logdet`.

    Parameters
    ----------
    K : operator (n, n)
        With the noise on its diagonal, as a `KernelOperator`.
    y : (n,) array
        Targets, their mean taken off.
    generator : torch.Generator
        Not needed for an exact answer.
    products : int, optional
        Budget of matrix-vector products, 1500 where nothing is given.
    exact : bool, optional
        Default: where `n` is at most the budget, as so many products would give the matrix itself.
    method, lower_bound
        Of the log-determinant: see `spectral_core.logdet`. The bound also closes the bracket of ``y.K^-1 y``.

    Returns
    -------
    LogMarginalLikelihood

    Raises
    ------
    ValueError
        K is not positive definite, with a jitter to try; targets of another length or not finite; exact and too large.

    Notes
    -----
    Rasmussen and Williams 2006, equation 5.8 and, for the factorisation, algorithm 2.1.

    Examples
    --------
    >>> K = torch.eye(2, dtype=torch.float64)
    >>> round(log_marginal_likelihood(K, [1.0, 1.0]).value, 6)
    -2.837877
    """
    return last(
        log_marginal_likelihood_steps(
            K, y, generator=generator, products=products, exact=exact, method=method, lower_bound=lower_bound
        )
    )
