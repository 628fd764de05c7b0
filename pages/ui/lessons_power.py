"""The lesson on Lanczos against power iteration: what the other vectors of the Krylov space are worth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch
from scipy import linalg

import spectral_core as sc
from pages.ui.controls import bound
from pages.ui.lessons import Lesson
from spectral_core import figures
from spectral_core.estimators.power_iteration import lanczos_bound, power_bound, power_iteration_steps

__all__ = ["POWER"]

GAPS = (1.5, 1.1, 1.01)


@dataclass(frozen=True)
class PowerSettings:
    """Eigenvalues ``r^2, r`` above a uniform [0, 1]; momentum in units of the best one, ``lambda_2^2 / 4``."""

    ratio: float = 1.1
    momentum: float = 1.0
    seed: int = 0
    n: int = 500
    products: int = 200
    goal: float = 1e-6

    def caption(self):
        return f"n = {self.n}, one start for all, seed {self.seed}: up to {self.products} products a method."


@dataclass(frozen=True, eq=False)
class PowerResult:
    """Relative errors by method, each ``(products, errors)``; `angle` is ``tan^2`` between start and eigenvector."""

    errors: dict
    angle: float
    first: dict
    ratio: float


def power_steps(settings):
    """Lanczos, and power iteration with and without momentum, from one start; then the second eigenvalue."""
    r, n, most = settings.ratio, settings.n, settings.products
    values = torch.tensor([r * r, r, *np.linspace(1.0, 0.0, n - 2)], dtype=torch.float64)
    A = torch.diag(values)  # a rotation changes nothing for a random direction
    generator = torch.Generator().manual_seed(settings.seed)
    start, fresh = sc.draw_probes(n, 2, generator=generator).T
    errors = {}
    for fraction, errors["Lanczos, λ₁"], errors["Lanczos, λ₂"] in lanczos_errors(A, start, values[:2].tolist(), most):
        yield 0.5 * fraction, None
    products = np.arange(1, most + 1)
    plain = list(power_iteration_steps(A, start, products=most))
    yield 0.7, None
    *_, hurried = power_iteration_steps(A, start, products=most, momentum=settings.momentum * r * r / 4.0)
    errors["power iteration, λ₁"] = (products, np.abs(1.0 - plain[-1].values / (r * r)))
    errors["power with momentum, λ₁"] = (products, np.abs(1.0 - hurried.values / (r * r)))
    yield 0.8, None
    settled = next((run for run in plain if run.residuals[-1] <= 1e-3 * run.value and run.products < most), None)
    if settled is not None:  # λ₁ is subtracted, and a second run looks for λ₂
        rest = A - settled.value * torch.tensor(np.outer(settled.vector, settled.vector))
        *_, second = power_iteration_steps(rest, fresh, products=most - settled.products)
        errors["power iteration, then λ₂"] = (products[settled.products :], np.abs(1.0 - second.values / r))
    first = {}
    for name, (spent, error) in errors.items():
        reached = np.flatnonzero(error <= settings.goal)
        first[name] = int(spent[reached[0]]) if len(reached) else None
    yield 1.0, PowerResult(errors, float((start[1:] ** 2).sum() / start[0] ** 2), first, r)


def lanczos_errors(A, start, wanted, most):
    """``(fraction, (products, relative errors) of the first, of the second)`` of the two largest Ritz values."""
    found = []
    for run in sc.lanczos_steps(A, start[:, None], steps=most):
        k = run.products
        ritz = linalg.eigvalsh_tridiagonal(
            run.alpha[:, 0], run.beta[:-1, 0], select="i", select_range=(max(k - 2, 0), k - 1)
        )
        found.append((abs(1.0 - ritz[-1] / wanted[0]), abs(1.0 - ritz[-2] / wanted[1]) if k > 1 else 1.0))
        done = max(found[-1]) < 1e-15
        columns = np.array(found).T if done or k == most else (None, None)
        yield k / most, *((np.arange(1, k + 1), column) for column in columns)
        if done:
            return


def power_answer(result, settings):
    def told(name):
        needed = result.first[name]
        return f"more than {settings.products}" if needed is None else f"{needed}"

    lanczos, power = result.first["Lanczos, λ₁"], result.first["power iteration, λ₁"]
    times = f", {power / lanczos:.1f} times as many" if power and lanczos else ""
    return (
        f"For λ₁ to {settings.goal:.0e} of its size Lanczos needs **{told('Lanczos, λ₁')} products**, power iteration "
        f"**{told('power iteration, λ₁')}**{times}, and with momentum {told('power with momentum, λ₁')}. From its "
        f"same products Lanczos has λ₂ too, after {told('Lanczos, λ₂')}."
    )


def power_pictures(result, settings):
    roles = ("maxent", "maxent", "smoothed", "kernel polynomial", "smoothed")
    order = (
        "Lanczos, λ₁",
        "Lanczos, λ₂",
        "power iteration, λ₁",
        "power with momentum, λ₁",
        "power iteration, then λ₂",
    )
    curves = {
        name: (*result.errors[name], role) for name, role in zip(order, roles, strict=True) if name in result.errors
    }
    products = np.arange(2, settings.products + 1)
    bounds = {
        "Theorem 4": (products, result.angle * lanczos_bound(result.ratio - 1.0, products), "maxent"),
        "Theorem 5": (products, result.angle * power_bound(result.ratio, products), "smoothed"),
    }
    return {
        "error against products": figures.convergence_figure(
            curves, bounds, goal=settings.goal, title=f"Eigenvalues at λ₁/λ₂ = λ₂/λ₃ = {result.ratio:g}"
        )
    }


def bounds_table(result):
    """Thesis Table 4.5, computed."""
    rows = []
    for ratio in (1.5, 1.1, 1.01):
        row = {"λ₁/λ₂": f"{ratio:g}"}
        for m in (5, 10, 15, 20):
            row[f"m = {m}: Lanczos"] = f"{lanczos_bound(ratio - 1.0, m):.1e}"
            row[f"m = {m}: power"] = f"{power_bound(ratio, m):.1e}"
        rows.append(row)
    return pd.DataFrame(rows)


def power_table(result):
    parts = [
        pd.DataFrame({"method": name, "products": products, "relative error": error})
        for name, (products, error) in result.errors.items()
    ]
    return pd.concat(parts)


def _choose_power():
    left, right = st.columns(2)
    with left:
        ratio = bound(
            st.segmented_control, "Gap λ₁/λ₂", GAPS, key="lesson_gap", default=1.1, required=True, format_func=str
        )
    with right:
        momentum = bound(st.slider, "Momentum, as a share of the best", 0.0, 1.3, 1.0, 0.05, key="lesson_momentum")
    with st.sidebar, st.expander("Computation"):
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="lesson_seed")
    return PowerSettings(ratio, momentum, seed)


POWER = Lesson(
    "Power iteration",
    "Lanczos against power iteration",
    "Both see the matrix through the same products. What does power iteration throw away?",
    r"""
Power iteration keeps $A^{m-1} v$, one vector of the Krylov space; Lanczos takes the best of the whole space
$v, A v, \dots, A^{m-1} v$. So at equal products Lanczos is never worse. With $\tan^2\varphi$ of the angle between start and
eigenvector,

$$
\lambda_1 - \theta \le (\lambda_1 - \lambda_n) \tan^2\!\varphi \cdot \begin{cases} T_{m-1}(1 + 2\rho)^{-2} &
\text{Lanczos (Theorem 4)}, \quad \rho = \frac{\lambda_1 - \lambda_2}{\lambda_2 - \lambda_n} \\ (\lambda_2/\lambda_1)^{2(m-1)} &
\text{power iteration (Theorem 5)} \end{cases}
$$

- **Table 4.5**, below, has the two last factors for $\lambda_n = 0$. It uses $2(m - 1)$; Theorem 5 prints $2m - 1$. In
  Theorem 4 the angle is that of the *starting vector* ($\theta_1$ is the name of the Ritz value as well), and the second half
  should read $\theta_m \le \lambda_P + \dots$ with the gap at the lower end.
- **Momentum** $x_{k+1} = A x_k - \beta x_{k-1}$ with $\beta = \lambda_2^2/4$ turns powers into Chebyshev polynomials: as fast
  as Lanczos in order, if one knew $\lambda_2$. *Look at* more than the best: with $\beta > \lambda_1^2/4$ nothing converges.
  The value must be $x^\top A x$: reading it off the update, as some codes do, is wrong by $\beta$ for good.
- **The others.** Lanczos has $\lambda_2$ from the same products. Power iteration starts anew after $\lambda_1$ has been
  subtracted, here once its residual is below $10^{-3}$; the error left in that vector stays in all that follow.

*Sources.* Granziol, *Spectral Machine Learning*, section 4.4.1, Theorems 4 and 5, Table 4.5; Golub and Van Loan, *Matrix
Computations*, section 10.1; Xu and others 2018 for momentum.
""",
    _choose_power,
    power_steps,
    power_answer,
    power_pictures,
    power_table,
    (PowerSettings, PowerResult, lanczos_errors),
    shown=("Table 4.5, computed: what the bounds leave of the first error after m products.", bounds_table),
)
