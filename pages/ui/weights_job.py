"""The weight spectra of one or two checkpoints, layer by layer; those of the last few are kept."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.jobs import Step
from pages.ui.shelf import Shelf
from spectral_core import WeightSpectra, weight_spectrum_steps

__all__ = ["WeightsSettings", "spectra_steps", "weights_job"]


@dataclass(frozen=True)
class WeightsSettings:
    """Everything that decides the spectra. `unfold` is what a convolution is; `other` a second checkpoint."""

    checkpoint: CheckpointChoice
    other: CheckpointChoice | None = None
    unfold: str = "slices"
    largest: int = 3000
    steps: int = 100
    probes: int = 8
    seed: int = 0

    def options(self) -> str:
        """Arguments of `spectral_core.weight_spectra` but for the tensors, as Python."""
        return (
            f"unfold={self.unfold!r}, largest={self.largest}, steps={self.steps}, probes={self.probes}, "
            f"generator=torch.Generator().manual_seed({self.seed})"
        )

    def caption(self) -> str:
        """One line under the figure."""
        convolutions = (
            "one matrix a tap of a kernel, pooled" if self.unfold == "slices" else "one matrix (out, in · taps)"
        )
        return (
            f"Eigenvalues of WᵀW. Convolutions: {convolutions}. All eigenvalues up to {self.largest:,} columns, beyond that "
            f"{self.probes} probes of {self.steps} Lanczos steps, seed {self.seed}."
        )


_kept = Shelf(32)  # the spectra of the last checkpoints


def spectra_steps(checkpoint: CheckpointChoice, settings: WeightsSettings) -> Iterator[WeightSpectra]:
    """`WeightSpectra` after every layer, at once where they are known."""
    plain = CheckpointChoice(
        checkpoint.source, checkpoint.name, checkpoint.digest, checkpoint.choose
    )  # no hint matters
    key = plain, settings.unfold, settings.largest, settings.steps, settings.probes, settings.seed
    spectra = _kept.get(key)
    if spectra is None:
        for spectra in weight_spectrum_steps(
            opened(checkpoint).tensors,
            unfold=settings.unfold,
            largest=settings.largest,
            steps=settings.steps,
            probes=settings.probes,
            generator=torch.Generator().manual_seed(settings.seed),
        ):
            yield spectra
        _kept.put(key, spectra)
    else:
        yield spectra


def weights_job(settings: WeightsSettings) -> Iterator[Step]:
    """Results are tuples of `WeightSpectra`, one for each checkpoint that has been begun."""
    choices = [choice for choice in (settings.checkpoint, settings.other) if choice is not None]
    done = ()
    for place, choice in enumerate(choices):
        for spectra in spectra_steps(choice, settings):
            note = spectra.stopped
            yield Step((place + spectra.progress) / len(choices), (*done, spectra) if spectra.layers else None, note)
        done = (*done, spectra)
    yield Step(1.0, done)
