"""What the tab "Table 2.1" computes: for each length scale the exact answer and that of every method, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from pages.ui.jobs import Step
from pages.ui.published import TABLE_2_1
from spectral_core.estimators.logdet import LogDeterminant, logdet_steps
from spectral_core.estimators.logdet.entropy import meme_steps
from spectral_core.exact import exact_eigenvalue_steps
from spectral_core.kernels import RBF, KernelOperator, gaussian_inputs
from spectral_core.krylov.bounds import gershgorin
from spectral_core.operators import materialise

__all__ = ["METHODS", "NOISE", "TableRow", "TableSettings", "table_job"]

NOISE = 1e-8
METHODS = ("preconditioned", "slq", "chebyshev", "meme", "meme 1e-5", "meme 1e-10")


@dataclass(frozen=True)
class TableSettings:
    """Everything that decides the table: the key of its run, its link, its caption and its notebook."""

    n: int = 1000
    products: int = 1500
    seed: int = 0

    def caption(self) -> str:
        """One line under the table."""
        return (
            f"Squared exponential kernels of {self.n:,} Gaussian points in 6 dimensions, noise {NOISE:g}, at most "
            f"{self.products:,} products a method, seed {self.seed}, float64"
        )


@dataclass(frozen=True, eq=False)
class TableRow:
    """One length scale: condition number, exact log-determinant, the answers so far, and why a method gave none."""

    lengthscale: float
    condition: float
    truth: float
    answers: dict[str, LogDeterminant] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def table_job(settings: TableSettings) -> Iterator[Step]:
    """Yield the rows so far, a tuple of `TableRow`, as each method of each row ends."""
    done = ()
    for place, published in enumerate(TABLE_2_1):
        scale = published.lengthscale / published.ratio
        X = gaussian_inputs(settings.n, scale=scale, generator=torch.Generator().manual_seed(settings.seed))
        A = torch.as_tensor(materialise(KernelOperator(X, RBF(published.lengthscale), noise=NOISE)))
        values = None
        for _, values in exact_eigenvalue_steps((A + A.T).numpy() / 2.0):
            yield Step(place / len(TABLE_2_1), done or None, f"ℓ = {published.lengthscale:g}, exactly")
        row = TableRow(published.lengthscale, float(values[-1] / values[0]), float(np.log(values).sum()))
        for number, method in enumerate(METHODS):
            fraction = (place + number / len(METHODS)) / len(TABLE_2_1)
            note = f"ℓ = {published.lengthscale:g}"
            answer = None
            try:
                for answer in _method_steps(A, method, settings):
                    yield Step(fraction, note=note)
                if not np.isfinite(answer.value):
                    raise ValueError(answer.stopped)
                row = TableRow(row.lengthscale, row.condition, row.truth, row.answers | {method: answer}, row.failures)
            except ValueError as error:
                failures = row.failures | {method: str(error)}
                row = TableRow(row.lengthscale, row.condition, row.truth, row.answers, failures)
            yield Step((place + (number + 1) / len(METHODS)) / len(TABLE_2_1), (*done, row), note)
        done = (*done, row)


def _method_steps(A, method, settings):
    options = {"products": settings.products, "lower_bound": NOISE}
    options["generator"] = torch.Generator().manual_seed(settings.seed + 1)
    if method.startswith("meme "):
        floor = float(method.split()[1])
        top = gershgorin(A).upper
        return meme_steps(A, degree=30, measure="grid", floor=floor, upper_bound=top, **options)
    return logdet_steps(A, method=method, **options)
