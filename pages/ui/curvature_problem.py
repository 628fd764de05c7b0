"""Which curvature matrix: of which checkpoint, on which examples, of which parameters; and the operator that it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from pages.ui.checkpoint_source import CheckpointChoice, Opened, opened
from pages.ui.data_source import DataChoice, examples, fetch_steps
from sample_models.datasets import batches
from spectral_core import curvature

__all__ = [
    "MATRICES",
    "WHOLE",
    "CurvatureProblem",
    "groups",
    "mini_batches",
    "operator",
    "problem_steps",
    "threads_for",
]

MATRICES = {  # of spectral_core.curvature: name
    "HessianOperator": "Hessian",
    "GGNOperator": "GGN (Gauss-Newton, the Fisher matrix of this loss)",
    "FisherOperator": "Fisher matrix with drawn labels",
    "EmpiricalFisherOperator": "Empirical Fisher matrix",
    "GradientCovarianceOperator": "Covariance of the gradients",
    "ResidualOperator": "Hessian less GGN",
}
WHOLE = "whole network"
SMALL = 10**8  # parameters by examples


@dataclass(frozen=True)
class CurvatureProblem:
    """Everything that decides the matrix. `layer` is a module's name or `WHOLE`; `data` holds how many examples."""

    checkpoint: CheckpointChoice
    data: DataChoice
    part: str = "training"
    matrix: str = "HessianOperator"
    layer: str = WHOLE
    batch_norm: str = "eval"
    weight_decay: float = 0.0
    batch: int = 250
    seed: int = 0
    dtype: str = "float32"
    device: str = "cpu"

    def of(self, **changes) -> "CurvatureProblem":
        """The same but for `changes`."""
        return replace(self, **changes)

    def matrix_name(self) -> str:
        """Without what it is also called."""
        return MATRICES[self.matrix].split(" (")[0]

    def title(self) -> str:
        """A few words; not to be rendered as Markdown."""
        layer = "" if self.layer == WHOLE else f", {self.layer}"
        return f"{self.matrix_name()} of {self.checkpoint.title()}{layer}"

    def caption(self) -> str:
        """What the title leaves out."""
        decay = f", weight decay {self.weight_decay:g}" if self.weight_decay else ""
        return (
            f"{self.data.size:,} {self.part} examples at most, in mini-batches of {min(self.batch, self.data.size)}, batch norm "
            f"in {self.batch_norm} mode{decay}, {self.dtype} on {self.device}"
        )

    def options(self) -> dict:
        """Keyword arguments of the operator that are not their defaults, but for dtype, device and generator."""
        given = {
            "parameters": None if self.layer == WHOLE else self.layer,
            "batch_norm": self.batch_norm,
            "weight_decay": self.weight_decay,
        }
        plain = {"parameters": None, "batch_norm": "eval", "weight_decay": 0.0}
        chosen = {name: value for name, value in given.items() if value != plain[name]}
        return chosen | ({"type": 1} if self.matrix == "FisherOperator" else {})

    def code(self) -> str:
        """Python that makes `model`, `loss`, `batches` and the operator `A`."""
        half = "test_" if self.part == "test" else ""
        found = opened(self.checkpoint)
        targets = f"data.{half}inputs" if _reconstructs(found) else f"data.{half}targets"
        options = "".join(f", {name}={value!r}" for name, value in self.options().items())
        if self.matrix == "FisherOperator":
            options += f", generator=torch.Generator().manual_seed({self.seed})"
        return (
            f"{self.checkpoint.code()}\n{self.checkpoint.model_code()}\n{self.data.code()}\n"
            f"batches = sample_models.datasets.batches(data.{half}inputs, {targets}, {self.batch})\n"
            f"A = sc.curvature.{self.matrix}(\n    model, {_loss(found)!r}, batches{options},\n"
            f"    dtype=torch.{self.dtype}, device={self.device!r},\n)"
        )


def threads_for(found: Opened, problem: CurvatureProblem) -> int | None:
    """One for products of some milliseconds, which more threads only hold up; None for as many as there are."""
    return 1 if found.parameters * problem.data.size < SMALL else None


def groups(found: Opened) -> dict[str, str]:
    """Name: label of the whole network, and of each module that holds parameters, in the model's order."""
    modules = [(name, module) for name, module in found.recognised.model.named_modules() if name]
    return {WHOLE: WHOLE} | {
        name: f"{name}: {type(module).__name__}" for name, module in modules if any(True for _ in module.parameters())
    }


def problem_steps(problem: CurvatureProblem) -> Iterator[float]:
    """Fetch what is not here yet, yielding the fraction."""
    yield from fetch_steps(problem.data)


def operator(problem: CurvatureProblem, *, pairs=None, dtype=None) -> curvature.HessianOperator:
    """The operator, on any thread; ValueError with the sentence where model, data and loss do not fit together.

    Parameters
    ----------
    problem : CurvatureProblem
    pairs : re-iterable of (inputs, targets), optional
        Mini-batches to take instead of the problem's own.
    dtype : torch.dtype, optional
        To take instead of the problem's own.
    """
    found = opened(problem.checkpoint)
    if found.recognised is None:
        raise ValueError(str(found.refusal))
    options = problem.options()
    if problem.matrix == "FisherOperator":
        options["generator"] = torch.Generator().manual_seed(problem.seed)
    return getattr(curvature, problem.matrix)(
        found.recognised.model,
        _loss(found),
        mini_batches(problem) if pairs is None else pairs,
        dtype=dtype or getattr(torch, problem.dtype),
        device=problem.device,
        **options,
    )


def mini_batches(problem: CurvatureProblem):
    """The problem's mini-batches: re-iterable."""
    data = examples(problem.data)
    inputs, targets = (data.test_inputs, data.test_targets) if problem.part == "test" else (data.inputs, data.targets)
    if not len(targets):
        raise ValueError(f"The data hold no {problem.part} examples: take the other ones.")
    return batches(inputs, inputs if _reconstructs(opened(problem.checkpoint)) else targets, problem.batch)


def _reconstructs(found):
    return found.recognised is not None and found.recognised.architecture == "autoencoder"


def _loss(found):
    return "squared error" if _reconstructs(found) else "cross-entropy"
