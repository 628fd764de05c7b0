"""What the first tab computes: each layer's numbers, the spectra of the weights, loss and accuracy on the examples."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.data_source import DataChoice, examples, fetch_steps
from pages.ui.jobs import Step
from pages.ui.layer_numbers import HALF, Numbers, layer_steps
from pages.ui.weights_job import WeightsSettings, spectra_steps
from sample_models.datasets import batches
from sample_models.evaluation import Evaluation, evaluation_steps, output_shape
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
    """Numbers and spectra of the weights; the parts evaluated; about the data; and why something is not there, if so."""

    layers: tuple[Numbers, ...] = ()
    spectra: WeightSpectra | None = None
    no_spectra: str = ""
    train: Part | None = None
    test: Part | None = None
    data: str = ""
    notes: tuple[str, ...] = ()
    refusal: str = ""


def checkpoint_job(settings: CheckpointSettings) -> Iterator[Step]:
    """Results are `CheckpointResult`."""
    found = opened(settings.checkpoint)
    result = CheckpointResult()
    yield Step(0.0, result, "numbers of the layers")
    for fraction, layers in layer_steps(found.tensors):
        result = replace(result, layers=layers)
        yield Step(0.1 * fraction, note="numbers of the layers")
    yield Step(0.1, result)
    try:
        for spectra in spectra_steps(settings.checkpoint, settings.weights):
            result = replace(result, spectra=spectra)
            yield Step(0.1 + 0.3 * spectra.progress, result, spectra.stopped)
    except ValueError as error:  # there is no matrix
        result = replace(result, no_spectra=f"No spectrum: {error}")
    if found.recognised is not None and found.recognised.architecture in NO_CLASSES:
        result = replace(result, refusal=NO_CLASSES[found.recognised.architecture])
    elif found.recognised is not None and settings.data is not None:
        for fraction in fetch_steps(settings.data):  # without a network the run fails, and is begun again from the page
            yield Step(0.4 + 0.2 * fraction, note="data")
        try:
            before = result
            for fraction, result in _evaluated(found.recognised.model, examples(settings.data), before):
                yield Step(0.6 + 0.4 * fraction, result, "accuracy")
        except ValueError as error:
            result = replace(result, refusal=f"No accuracy: {error}")
    yield Step(1.0, result)


def _evaluated(model, data, result):
    said = (
        f"{data.name}: {len(data.targets):,} training and {len(data.test_targets):,} test examples of {_by(data.shape)}"
    )
    said += f", mean {_numbers(data.mean)}, standard deviation {_numbers(data.std)}"
    result = replace(result, data=said, notes=data.notes)
    _check(model, data)
    dtype = next(model.parameters()).dtype
    total, done = len(data.targets) + len(data.test_targets), 0
    for part, inputs, targets in (
        ("test", data.test_inputs, data.test_targets),
        ("train", data.inputs, data.targets),
    ):
        if not len(targets):
            continue
        commonest = float(targets.bincount().max()) / len(targets)
        for evaluation in evaluation_steps(model, batches(inputs.to(dtype), targets, BATCH)):
            yield (done + evaluation.examples) / total, result
        done += len(targets)
        result = replace(result, **{part: Part(evaluation, commonest)})
    yield 1.0, result


def _check(model, data):
    """ValueError unless the model turns an example into a number for each class."""
    shape = output_shape(model, data.shape)
    if shape is None:
        raise ValueError(
            f"the model does not take examples of {_by(data.shape)} ({data.name}): choose other data, or hints."
        )
    if len(shape) != 1 or shape[0] < 2:
        raise ValueError(f"the model's output for an example has the shape {shape}, not one number a class.")


def _extreme(layers):
    """A sentence if some numbers are finite but of a size that no trained network has, else nothing."""
    beyond = [layer for layer in layers if layer.beyond]
    if not beyond:
        return ""
    largest = max(beyond, key=lambda layer: layer.largest)
    others = f", and {len(beyond) - 1} more layers have such" if len(beyond) > 1 else ""
    return (
        f"These weights are beyond what a trained network has: layer {largest.layer} holds a number of size {largest.largest:.3g}"
        f"{others}. Half precision ends at {HALF:,.0f}. The file is damaged, or the training run diverged."
    )


def judged(result: CheckpointResult) -> str:
    """A sentence if the weights are extreme or look untrained, or the data wrong, else nothing.

    At chance: on the test examples the accuracy is no more than three standard errors above the share of the commonest
    label. Noise: no layer has an eigenvalue beyond its Marchenko-Pastur bulk.
    """
    if sentence := _extreme(result.layers):
        return sentence
    layers = result.spectra.layers if result.spectra is not None else ()
    bulks = [layer for layer in layers if layer.bulk is not None]
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
