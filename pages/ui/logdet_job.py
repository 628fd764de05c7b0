"""What the Log-determinant tab computes: stems and moments for the picture, then the answer of every method."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.controls import verbatim
from pages.ui.jobs import Step, sentence
from pages.ui.kernel_choice import MatrixChoice, matrix_steps
from spectral_core.estimators.logdet import LogDeterminant, logdet_steps
from spectral_core.exact import exact_eigenvalue_steps
from spectral_core.figures import LOGDET_METHODS

__all__ = ["EXACT_LIMIT", "EXACT_SPARSE", "NAMES", "LogdetResult", "LogdetSettings", "eigenvalue_steps", "logdet_job"]

EXACT_LIMIT = 5000
EXACT_SPARSE = 100_000
PROBES, STEPS = 10, 30  # of the picture
LARGEST_BASIS = 1_000_000  # rows beyond which the picture's Lanczos vectors are not kept
MARGIN = 0.03  # beyond the outermost stems
BLOCK = 128
NONE_AT_ALL = ("positive definite", "no log-determinant", "NaN or infinite")
NAMES = {name: label[0].upper() + label[1:] for name, (label, _) in LOGDET_METHODS.items()}


@dataclass(frozen=True)
class LogdetSettings:
    """Everything that decides the result of the tab: the key of its run, its link, its caption and its notebook."""

    matrix: MatrixChoice
    methods: tuple[str, ...] = ("preconditioned", "slq", "chebyshev", "meme", "bmxnt")
    products: int = 300
    tolerance: float | None = None
    exact: bool = True
    seed: int = 0
    dtype: str = "float64"
    device: str = "cpu"

    def caption(self) -> str:
        """One line under the figures."""
        asked = (
            f"relative error {self.tolerance:g}" if self.tolerance else f"at most {self.products:,} products a method"
        )
        return f"{verbatim(self.matrix.title())}: {asked}, seed {self.seed}, {self.dtype} on {self.device}"

    def options(self) -> dict:
        """Keyword arguments of `sc.logdet` but for the method and the generator."""
        return {"products": self.products} | ({"tolerance": self.tolerance} if self.tolerance else {})


@dataclass(frozen=True, eq=False)
class LogdetResult:
    """A complete partial result.

    Attributes
    ----------
    n : int
    interval : (float, float)
        Of the picture: a bound or the ends that the stems found.
    answers : dict of str to LogDeterminant
        By method; those under way among them.
    failures : dict of str to str
        Why a method gave none.
    quadrature : Quadrature or None
    density : MaxEntDensity or None
    eigenvalues : (n,) array or None
    exact_note : str
        Why there is no exact answer.
    running : str
        The method under way.
    notes : tuple of str
        What reading the data changed.
    """

    n: int
    interval: tuple[float, float] = (0.0, 1.0)
    answers: dict[str, LogDeterminant] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    quadrature: sc.Quadrature | None = None
    density: sc.MaxEntDensity | None = None
    eigenvalues: np.ndarray | None = None
    exact_note: str = ""
    running: str = ""
    notes: tuple[str, ...] = ()

    @property
    def exact(self):
        """The exact `LogDeterminant`, or None."""
        answer = self.answers.get("exact")
        return answer if answer is not None and np.isfinite(answer.value) else None

    @property
    def estimates(self):
        """The answers of the other methods that have a value."""
        return {name: one for name, one in self.answers.items() if name != "exact" and np.isfinite(one.value)}


def logdet_job(settings: LogdetSettings) -> Iterator[Step]:
    """The matrix, its picture, the exact answer where that is affordable, every method, and all eigenvalues."""
    for fraction, problem in matrix_steps(settings.matrix, settings.dtype, settings.device):
        yield Step(0.02 * fraction, note="making the matrix")
    A, n = problem.operator, problem.n
    sparse = hasattr(getattr(A, "matrix", None), "indptr")
    limit = EXACT_SPARSE if sparse else EXACT_LIMIT
    note = "" if settings.exact else "The exact answer is switched off."
    if settings.exact and n > limit:
        note = f"The exact answer is skipped: n = {n:,} is above {limit:,}."
    result = LogdetResult(n, exact_note=note, notes=problem.notes)
    yield Step(0.02, note="stems for the picture")
    for pictured in _picture_steps(A, result, settings):
        result = pictured
        share = result.quadrature.steps / min(STEPS, n)
        yield Step(0.02 + 0.13 * share, result, "stems for the picture")
    wanted = ("exact",) * (not note) + settings.methods
    end = 0.85 if not note and n <= EXACT_LIMIT else 1.0
    with contextlib.closing(eigenvalue_steps(A, not note and n <= EXACT_LIMIT)) as eigenvalues:
        for place, name in enumerate(wanted):
            begun, share = 0.15 + (end - 0.15) * place / len(wanted), (end - 0.15) / len(wanted)
            for done, reached in _method_steps(A, name, result, settings):
                result = reached
                yield Step(begun + share * done, result, NAMES[name])
        if not any(np.isfinite(one.value) for one in result.answers.values()):
            raise ValueError(next(iter(result.failures.values()), "choose at least one method."))
        result = replace(result, running="")
        for fraction, values in eigenvalues:
            result = result if values is None else replace(result, eigenvalues=values)
            yield Step(end + (1.0 - end) * fraction, result, "all eigenvalues, exactly")
    yield Step(1.0, result)


def _picture_steps(A, result, settings):
    """Stems, and once they are whole a density of maximum entropy for their moments."""
    generator = torch.Generator().manual_seed(settings.seed)
    n = result.n
    for quadrature in sc.lanczos_quadrature_steps(
        A, steps=min(STEPS, n), probes=min(PROBES, n), generator=generator, reorthogonalise=n <= LARGEST_BASIS
    ):
        low, high = quadrature.ends
        known = getattr(A, "interval", None) or (low, high)
        margin = MARGIN * (high - low)
        low = max(known[0], low - margin if low <= 0 else low / (1.0 + MARGIN))
        high = max(min(high + margin, known[1]), low + 1e-6 * max(abs(low), 1e-9))
        result = replace(result, quadrature=quadrature, interval=(low, high))
        yield result
    try:
        moments = quadrature.moments(
            min(STEPS, 2 * quadrature.steps - 1), interval=_around(quadrature, result.interval)
        )
        yield replace(result, density=sc.maxent(moments))
    except ValueError:
        pass  # a spectrum of one point has no density; the stems show it


def _around(quadrature, interval):
    nodes = quadrature.nodes[quadrature.weights > 0]
    low, high = min(interval[0], nodes.min()), max(interval[1], nodes.max())
    return low, high + 1e-9 * (high - low)


def _method_steps(A, name, result, settings):
    """``(share done, result)`` while a method works; where it gives up, the sentence is kept, and the next may try.

    A matrix that has no log-determinant has none by any method: that ends the job, unless rounding in float32 may be why.
    """
    try:
        options = {} if name == "exact" else settings.options()
        generator = torch.Generator().manual_seed(settings.seed)
        for answer in logdet_steps(A, method=name, generator=generator, **options):
            result = replace(result, answers={**result.answers, name: answer}, running=name)
            yield min(1.0, answer.products / settings.products), result
        if not np.isfinite(answer.value):
            raise ValueError(answer.stopped)
    except ValueError as error:
        if any(words in str(error) for words in NONE_AT_ALL) and settings.dtype == "float64":
            raise
        failed = {**result.failures, name: sentence(error)}
        kept = {key: one for key, one in result.answers.items() if key != name}
        yield 1.0, replace(result, answers=kept, failures=failed)


def eigenvalue_steps(A, wanted):
    """``(fraction, None)``, in the end all eigenvalues of an operator, by a process of its own; nothing if not `wanted`."""
    if not wanted:
        return
    matrix = getattr(A, "matrix", None)
    if matrix is None:
        n = A.shape[0]
        matrix = np.empty((n, n))
        for start in range(0, n, BLOCK):
            rows = range(start, min(start + BLOCK, n))
            matrix[:, start : rows[-1] + 1] = A.columns(list(rows)).double().cpu().numpy()
            yield 0.0, None
        matrix = (matrix + matrix.T) / 2.0
    elif torch.is_tensor(matrix):
        matrix = matrix.double().cpu().numpy()
        matrix = (matrix + matrix.T) / 2.0
    yield from exact_eigenvalue_steps(matrix, largest=EXACT_LIMIT)
