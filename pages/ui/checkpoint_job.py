"""What the first tab computes: the spectra of the weights, then loss and accuracy on the chosen examples."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.data_source import DataChoice, data_steps
from pages.ui.jobs import Step
from pages.ui.weights_job import WeightsSettings, spectra_steps
from sample_models.datasets import batches
from sample_models.evaluation import Evaluation, evaluation_steps
from spectral_core import WeightSpectra

__all__ = ["CheckpointResult", "CheckpointSettings", "Part", "checkpoint_job", "judged"]

BATCH = 250
NO_CLASSES = {
    "autoencoder": "An autoencoder has no classes, so there is no accuracy.",
    "transformer": "A language model is asked for text, not for examples with labels: there is no accuracy here.",
    "lstm": "A language model is asked for text, not for examples with labels: there is no accuracy here.",
}


@dataclass(frozen=True)
class CheckpointSettings:
    """Everything that decides the numbers of the tab; `data` is None where there is nothing to run the model on."""

    checkpoint: CheckpointChoice
    data: DataChoice | None

    @property
    def weights(self) -> WeightsSettings:
        """What the spectra of the weights are found with."""
        return WeightsSettings(self.checkpoint)


@dataclass(frozen=True)
class Part:
    """`evaluation` on the training or test examples; `commonest` is the share of the most frequent label among them."""

    evaluation: Evaluation
    commonest: float


@dataclass(frozen=True, eq=False)
class CheckpointResult:
    """Spectra of the weights; the parts that were evaluated; about the data; and why there is no accuracy, if so."""

    spectra: WeightSpectra
    train: Part | None = None
    test: Part | None = None
    data: str = ""
    notes: tuple[str, ...] = ()
    refusal: str = ""


def checkpoint_job(settings: CheckpointSettings) -> Iterator[Step]:
    """Results are `CheckpointResult`."""
    for spectra in spectra_steps(settings.checkpoint, settings.weights):
        result = CheckpointResult(spectra)
        yield Step(0.4 * spectra.progress, result if spectra.layers else None, spectra.stopped)
    found = opened(settings.checkpoint)
    if found.recognised is not None and settings.data is not None:
        if found.recognised.architecture in NO_CLASSES:
            result = replace(result, refusal=NO_CLASSES[found.recognised.architecture])
        else:
            try:
                for fraction, result in _evaluated(found.recognised.model, settings.data, spectra):
                    yield Step(0.4 + 0.6 * fraction, result, "accuracy")
            except ValueError as error:
                result = replace(result, refusal=f"No accuracy: {error}")
    yield Step(1.0, result)


def _evaluated(model, choice, spectra):
    data, result = None, CheckpointResult(spectra)
    for fraction, data in data_steps(choice):
        yield 0.2 * fraction, result
    said = (
        f"{data.name}: {len(data.targets):,} training and {len(data.test_targets):,} test examples of {_by(data.shape)}"
    )
    said += f", mean {_numbers(data.mean)}, standard deviation {_numbers(data.std)}"
    result = replace(result, data=said, notes=data.notes)
    dtype = _check(model, data)
    total, done = len(data.targets) + len(data.test_targets), 0
    for part, inputs, targets in (
        ("test", data.test_inputs, data.test_targets),
        ("train", data.inputs, data.targets),
    ):
        if not len(targets):
            continue
        commonest = float(targets.bincount().max()) / len(targets)
        for evaluation in evaluation_steps(model, batches(inputs.to(dtype), targets, BATCH)):
            yield 0.2 + 0.8 * (done + evaluation.examples) / total, result
        done += len(targets)
        result = replace(result, **{part: Part(evaluation, commonest)})
    yield 1.0, result


def _check(model, data):
    """The precision of the model; ValueError unless it turns an example into a number for each class."""
    example = (data.inputs if len(data.inputs) else data.test_inputs)[:1]
    dtype = next(model.parameters()).dtype
    try:
        with torch.no_grad():
            shape = tuple(model(example.to(dtype)).shape)
    except (RuntimeError, ValueError, IndexError, TypeError):
        raise ValueError(
            f"the model does not take examples of {_by(data.shape)} ({data.name}): choose other data, or hints."
        ) from None
    if len(shape) != 2 or shape[1] < 2:
        raise ValueError(f"the model's output for an example has the shape {shape}, not one number a class.")
    return dtype


def judged(result: CheckpointResult) -> str:
    """A sentence if the weights look untrained or the data wrong, else nothing.

    At chance: on the test examples the accuracy is no more than three standard errors above the share of the commonest
    label. Noise: no layer has an eigenvalue beyond its Marchenko-Pastur bulk.
    """
    bulks = [layer for layer in result.spectra.layers if layer.bulk is not None]
    outliers = sum(len(layer.outliers) for layer in bulks)
    noise = bool(bulks) and not outliers
    part = result.test or result.train
    if part is None:
        if not noise:
            return ""
        return (
            f"These weights look untrained: none of the {len(bulks)} layers that are wide enough to tell has an eigenvalue "
            "beyond the bulk of noise."
        )
    accuracy, error = part.evaluation.accuracy, part.evaluation.standard_error
    if accuracy > part.commonest + 3 * error:
        return ""
    chance = (
        f"the accuracy, {accuracy:.1%} ± {error:.1%}, is not three standard errors above {part.commonest:.1%}, the share "
        "of the commonest label"
    )
    if noise or not bulks:
        also = ", and no layer has an eigenvalue beyond the bulk of noise" if noise else ""
        return f"These weights look untrained: {chance}{also}."
    return (
        f"These weights were trained, but hardly for this: {chance}, while {outliers} eigenvalues lie beyond the bulks of "
        "noise. Other data, another normalisation or another activation is likely."
    )


def _by(shape):
    return " × ".join(map(str, shape))


def _numbers(values):
    return ", ".join(f"{value:.4g}" for value in values[:4]) + (", …" if len(values) > 4 else "")
