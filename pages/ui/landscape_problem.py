"""Which loss: of which checkpoint, on which examples, with which batch norm; and the runs and widgets that need to know."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import streamlit as st
import torch
from torch.nn.modules.batchnorm import _BatchNorm

import spectral_core as sc
from pages.ui.checkpoint_source import CheckpointChoice, Opened, opened
from pages.ui.checkpoint_tab import is_ready
from pages.ui.controls import bound
from pages.ui.curvature_problem import CurvatureProblem, _loss, _reconstructs, mini_batches
from pages.ui.data_source import DataChoice, choose_data, examples, fetch_steps
from pages.ui.jobs import Step
from pages.ui.shelf import Shelf
from pages.ui.spectrum_tab import choose_device

__all__ = ["LandscapeProblem", "Pace", "choose_problem", "fetching", "model_of", "plane_stage", "runs_here"]

PARTS = {"training and test": ("training", "test"), "training": ("training",), "test": ("test",)}
BATCH_NORM = {"eval": "fixed", "recomputed": "recomputed"}
EXAMPLES = 1000  # of each part, unless more are asked for
LARGE, PAUSE = 41, 4.0  # points along a side, seconds: browsers draw larger surfaces so slowly that Stop waits for them
UNFINISHED = Shelf(12)  # planes by what they are of: a stopped one goes on where it stopped


@dataclass(frozen=True)
class LandscapeProblem:
    """Everything that decides the loss as a function of the weights; `data` holds how many examples."""

    checkpoint: CheckpointChoice
    data: DataChoice
    part: str = "training and test"
    batch_norm: str = "eval"
    batch: int = 500
    dtype: str = "float32"
    device: str = "cpu"

    def of(self, **changes) -> "LandscapeProblem":
        """The same but for `changes`."""
        return replace(self, **changes)

    def curvature(self, matrix="HessianOperator", part=None) -> CurvatureProblem:
        """Its Hessian, or another curvature matrix, on the first part."""
        part = part or PARTS[self.part][0]
        return CurvatureProblem(
            self.checkpoint, self.data, part, matrix, batch=self.batch, dtype=self.dtype, device=self.device
        )

    def data_sets(self) -> dict:
        """Mini-batches by part, those that hold examples."""
        data = examples(self.data)
        counts = {"training": len(data.targets), "test": len(data.test_targets)}
        there = [part for part in PARTS[self.part] if counts[part]] or PARTS[self.part][:1]
        return {part: mini_batches(self.curvature(part=part)) for part in there}

    def loss(self) -> str:
        """Its name."""
        return _loss(opened(self.checkpoint))

    def options(self) -> dict:
        """Keyword arguments of `landscapes.LossSurface`, dtype and device as strings."""
        return {"batch_norm": self.batch_norm, "dtype": self.dtype, "device": self.device}

    def surface_options(self) -> dict:
        """The same, dtype as PyTorch's."""
        return self.options() | {"dtype": getattr(torch, self.dtype)}

    def recomputes(self) -> bool:
        """Whether surfaces have another batch norm than gradients and curvatures, which go by the stored statistics."""
        return self.batch_norm == "recomputed" and _normalises(opened(self.checkpoint))

    def two_losses(self, recomputed: str, stored: str) -> None:
        """Say so where what is drawn and its curvature are of two batch norms."""
        if self.recomputes():
            st.caption(
                f"Two losses are here: {recomputed} recompute batch norm at each point; {stored} go by the stored statistics."
            )

    def caption(self) -> str:
        """What the title leaves out."""
        batch_norm = ""
        if self.checkpoint is not None and _normalises(opened(self.checkpoint)):
            how = "by the stored statistics" if self.batch_norm == "eval" else "recomputed at each point"
            batch_norm = f", batch norm {how}"
        return (
            f"{self.data.size:,} {' and '.join(PARTS[self.part])} examples{' each' if len(PARTS[self.part]) > 1 else ''} at "
            f"most, drawn with seed {self.data.seed}{batch_norm}, {self.dtype} on {self.device}"
        )

    def code(self) -> str:
        """Python that makes `model`, `loss`, `data_sets` and `options`."""
        reconstructs, sets = _reconstructs(opened(self.checkpoint)), []
        for part in self.data_sets():
            half = "test_" if part == "test" else ""
            targets = f"{half}inputs" if reconstructs else f"{half}targets"
            sets.append(f"    {part!r}: batches(data.{half}inputs, data.{targets}, {self.batch}),\n")
        return (
            f"{self.checkpoint.code()}\n{self.checkpoint.model_code()}\nloss = {self.loss()!r}\n{self.data.code()}\n"
            f"batches = sample_models.datasets.batches\ndata_sets = {{\n{''.join(sets)}}}\n"
            f"options = {{'batch_norm': {self.batch_norm!r}, 'dtype': torch.{self.dtype}, 'device': {self.device!r}}}"
        )


def model_of(choice: CheckpointChoice):
    """The model of a checkpoint, on any thread; ValueError with the sentence where it is none."""
    found = opened(choice)
    if found.recognised is None:
        raise ValueError(str(found.refusal))
    return found.recognised.model


def fetching(problem: LandscapeProblem) -> Iterator[Step]:
    """Steps that fetch what is not here yet."""
    for fraction in fetch_steps(problem.data):
        yield Step(0.0, note=f"fetching the data, {fraction:.0%}")


class Pace:
    """Says when a plane of so many points along a side is due to be drawn again."""

    def __init__(self, points: int):
        self.pause = PAUSE if points > LARGE else 0.0
        self.drawn = -float("inf")

    def due(self, whole: bool = False) -> bool:
        """Whether now; always where it is the `whole`."""
        now = monotonic()
        if not whole and now - self.drawn < self.pause:
            return False
        self.drawn = now
        return True


def plane_stage(key, model, problem, directions, radius, points):
    """Planes row by row, each with whether it is due to be drawn, going on where an earlier run of the `key` stopped."""
    pace = Pace(points)
    steps = sc.landscapes.plane_steps(
        model, problem.loss(), problem.data_sets(), directions, radius, points, resume=UNFINISHED.get(key),
        **problem.surface_options(),
    )  # fmt: skip
    for plane in steps:
        UNFINISHED.put(key, plane)
        yield plane, pace.due(plane.share_done == 1.0)


def choose_problem(
    found: Opened | None, *, key_of_size="landscape_examples", several=EXAMPLES
) -> LandscapeProblem | None:
    """The widgets, in the place where they are called; None without a model or data."""
    data = choose_data(found, key_of_size=key_of_size, several=several)
    with st.expander("Loss"):
        part = bound(
            st.segmented_control,
            "Evaluated on",
            list(PARTS),
            key="landscape_part",
            default="training and test",
            required=True,
            help="Curvatures and gradients are those of the first.",
        )
        batch = bound(st.number_input, "Mini-batch", 1, 10_000, 500, key="landscape_batch")
        batch_norm = bound(
            st.segmented_control,
            "Batch norm",
            list(BATCH_NORM),
            key="landscape_batch_norm",
            default="eval",
            required=True,
            format_func=BATCH_NORM.get,
            help="By the stored statistics everywhere, or by those recomputed from the data at each point.",
        )
        dtype, device = choose_device("landscape_dtype", "float32")
    if found is None or found.recognised is None or data is None:
        return None
    return LandscapeProblem(found.choice, data, part, batch_norm, int(batch), dtype, device)


runs_here = partial(is_ready, needs="A landscape needs", missing="loss")


def _normalises(found):
    return found.recognised is not None and any(isinstance(m, _BatchNorm) for m in found.recognised.model.modules())
