"""``log det A`` by any method, by all of them, or by the best one for the matrix."""

from dataclasses import replace

import numpy as np
import torch
from scipy import sparse

from spectral_core.estimators.logdet.chebyshev import chebyshev_steps
from spectral_core.estimators.logdet.entropy import meme_steps
from spectral_core.estimators.logdet.exact import exact_steps
from spectral_core.estimators.logdet.iterative_scaling import bmxnt_steps
from spectral_core.estimators.logdet.preconditioned import preconditioned_steps
from spectral_core.estimators.logdet.quadrature import slq_steps, sums_rounding
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.operators import as_operator
from spectral_core.results import frozen, last

__all__ = ["METHODS", "PRODUCTS", "logdet", "logdet_all", "logdet_all_steps", "logdet_steps"]

PRODUCTS = 1500  # the default budget
FIRST = 250  # the first budget where a tolerance is asked for
CAP = 20 * PRODUCTS  # and the most that is spent on it
METHODS = {
    "exact": exact_steps,
    "preconditioned": preconditioned_steps,
    "slq": slq_steps,
    "chebyshev": chebyshev_steps,
    "meme": meme_steps,
    "bmxnt": bmxnt_steps,
}


def logdet_steps(A, *, method="auto", products=None, tolerance=None, lower_bound=None, generator=None):
    """Yield partial `LogDeterminant` results, the last one that of `logdet`."""
    A = as_operator(A)
    if method != "auto" and method not in METHODS:
        raise ValueError(f"method must be 'auto' or one of {', '.join(METHODS)}; got {method!r}.")
    products = int(products) if isinstance(products, np.integer) else products
    if products is not None and (not isinstance(products, int) or products < 1):
        raise ValueError(f"products must be a whole number, at least 1; got {products}.")
    if tolerance is not None and not 0 < tolerance < 1:
        raise ValueError(f"tolerance is a relative error between 0 and 1; got {tolerance}.")
    budget = products or PRODUCTS
    because = ""
    if method == "auto":
        method = "exact" if A.shape[0] <= budget else "preconditioned"
        if method == "exact":
            because = f", as n = {A.shape[0]} is at most the budget of {budget} products"
    if generator is None and method != "exact":
        raise ValueError("an estimate is random and needs a generator, such as torch.Generator().manual_seed(0).")
    options = {"lower_bound": lower_bound, "generator": generator}
    if tolerance is None or method == "exact":
        items = METHODS[method](A, products=budget, **options)
    else:
        items = _to_tolerance(METHODS[method], A, tolerance, products or CAP, options)
    for item in items:
        yield replace(item, stopped=item.stopped + because) if because and item.exact else item


def _to_tolerance(steps, A, tolerance, cap, options):
    """Budgets that double until two standard errors are within `tolerance` of the value, or `cap` products are spent."""
    budget, spent, history = min(FIRST, cap), 0, []
    n = A.shape[0]
    rounding = 3.0 * n * (sums_rounding(n, A.dtype) + n * np.finfo(float).eps / 4.0)
    while True:
        for item in steps(A, products=budget, **options):
            rows = item.history + np.array([spent, 0.0, 0.0])
            yield replace(item, products=spent + item.products, history=frozen([*history, *rows]))
        spent, history = spent + item.products, [*history, *rows]
        item = replace(item, products=spent, history=frozen(history))
        reached = 2.0 * item.standard_error / max(abs(item.value), np.finfo(float).tiny)
        if 2.0 * item.standard_error <= max(tolerance * abs(item.value), rounding):
            met = f"{reached:.1g} of the value, as asked" if reached <= tolerance else "rounding: the value is near 0"
            yield replace(item, stopped=f"two standard errors are {met}; {item.stopped}")
            return
        if cap - spent < 1.5 * budget:
            yield replace(
                item,
                stopped=f"at the cap of {cap} products two standard errors are {_above(reached, tolerance)} of the value, more "
                f"than the {tolerance:g} asked for: raise products=; {item.stopped}",
            )
            return
        budget = min(2 * budget, cap - spent)


def _above(reached, tolerance):
    """`reached` with so many digits that it reads as more than the `tolerance`."""
    return next(text for digits in range(1, 18) if float(text := f"{reached:.{digits}g}") > tolerance)


def logdet(A, *, method="auto", products=None, tolerance=None, lower_bound=None, generator=None):
    """``log det A = sum_i log lambda_i`` of a positive definite operator.

    Parameters
    ----------
    A : operator (n, n)
        Dense, sparse, a kernel or matrix-free.
    method : {"auto", "exact", "preconditioned", "slq", "chebyshev", "meme", "bmxnt"}
        "auto" is exact where `n` is at most the budget, as products with all unit vectors would do, else preconditioned.
    products : int, optional
        Budget of matrix-vector products; default 1500.
    tolerance : float, optional
        Relative error asked for, instead of a budget: the method is run with 250 products, 500, 1000 and so on, until two
        standard errors are within it, or within rounding, where the value is near 0, and `products` says
        what all runs took. The budget given is then a cap, default 30 000, at which it stops and says so.
    lower_bound : float, optional
        Positive and at most every eigenvalue, such as the noise of a kernel; default ``A.interval[0]``.
    generator : torch.Generator
        Not needed for an exact answer.

    Returns
    -------
    LogDeterminant

    Raises
    ------
    ValueError
        A is not positive definite: with the smallest Ritz value and a jitter to try.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64))
    >>> y = logdet(A)
    >>> round(y.value, 6), y.exact
    (2.079442, True)
    """
    return last(
        logdet_steps(
            A, method=method, products=products, tolerance=tolerance, lower_bound=lower_bound, generator=generator
        )
    )


def affordable(A):
    """Whether `logdet_all` asks for the exact answer too: entries known and n at most 5000, or 100 000 for a sparse one."""
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    return A.shape[0] <= (100_000 if sparse.issparse(matrix) else 5000)


def logdet_all_steps(A, *, products=PRODUCTS, lower_bound=None, methods=None, generator):
    """Yield a dict from method to `LogDeterminant` after every step; methods run one after another, "exact" first.

    Each method draws from a generator of its own, seeded from `generator`, so that no method's answer depends on which
    others run. A method that raises a ValueError is `refused` and the others go on; where all are, the first one's
    sentence is raised at the end.
    """
    A = as_operator(A)
    names = list(METHODS if methods is None else methods)
    if unknown := [name for name in names if name not in METHODS]:
        raise ValueError(f"methods are {', '.join(METHODS)}; got {unknown[0]!r}.")
    if methods is None and not affordable(A):
        names.remove("exact")
    names.sort(key=lambda name: name != "exact")
    seeds = dict(zip(METHODS, torch.randint(1 << 62, (len(METHODS),), generator=generator).tolist(), strict=True))
    results, refusals = {}, []
    for name in names:
        own, spent = torch.Generator().manual_seed(seeds[name]), 0
        try:
            for result in METHODS[name](A, products=products, lower_bound=lower_bound, generator=own):
                results, spent = {**results, name: result}, result.products
                yield results
        except ValueError as refusal:
            refusals.append(refusal)
            if len(refusals) == len(names):
                raise refusals[0] from None
            results = {**results, name: _refused(name, A.shape[0], spent, str(refusal))}
            yield results


def _refused(method, size, products, stopped):
    return LogDeterminant(
        np.nan, np.inf, products, degrees_of_freedom=1, stopped=stopped, method=method, size=size, refused=True
    )


def logdet_all(A, *, products=PRODUCTS, lower_bound=None, methods=None, generator):
    """``log det A`` by every method at the same budget: a dict from method to `LogDeterminant`.

    Parameters
    ----------
    products : int
        Each method's budget.
    methods : iterable of str, optional
        Default: all, the exact one only where it is affordable (n at most 5000, or 100 000 for a sparse matrix).
    generator : torch.Generator

    Raises
    ------
    ValueError
        Every method refuses: the sentence of the first. One that refuses while others answer is in the dict, with
        `refused` true, the value NaN and its sentence in `stopped`.

    Examples
    --------
    >>> A = torch.diag(torch.linspace(1.0, 2.0, 50, dtype=torch.float64))
    >>> sorted(logdet_all(A, products=100, methods=("exact", "slq"), generator=torch.Generator()))
    ['exact', 'slq']
    """
    return last(logdet_all_steps(A, products=products, lower_bound=lower_bound, methods=methods, generator=generator))
