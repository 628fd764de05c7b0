"""What the tab "Bulk and spike" computes: the laws at every batch size at once, then a sampled matrix of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from pages.ui.jobs import Step
from spectral_core.batch_scaling import BulkAndSpike, SampledSpike

__all__ = ["SpikeResult", "SpikeSettings", "spike_job"]

OCTAVES = 8
COLUMNS = 16  # at most, of a sampled covariance, in rows
BEFORE = 8  # the first batch size, in that which swallows the spike


@dataclass(frozen=True)
class SpikeSettings:
    """Everything that decides the result; the matrices are drawn from `seed`."""

    picture: BulkAndSpike = field(default_factory=BulkAndSpike)
    seed: int = 0

    def batch_sizes(self) -> tuple[int, ...]:
        """Half octaves about the batch size that swallows the spike."""
        P, wigner = self.picture.size, self.picture.model == "wigner"
        least, most = (
            (1, 2**20) if wigner else (max(int(min(P // 16, self.picture.swallowed_below / 4)), 1), COLUMNS * P)
        )
        start = int(np.clip(self.picture.swallowed_below / BEFORE, least, most / 2**OCTAVES if wigner else least * 4))
        start = 2 ** int(np.log2(max(start, 1)))
        ladder = np.unique((start * 2.0 ** (np.arange(2 * OCTAVES + 1) / 2)).round().astype(int))
        return tuple(int(B) for B in ladder[ladder <= most])

    def caption(self) -> str:
        """One line under the figure."""
        p = self.picture
        return f"λ = {p.spike:g}, s = {p.noise:g}; sampled matrices of {p.size} × {p.size}, seed {self.seed}"

    def code(self) -> str:
        """Python that makes `picture`, `batch_sizes` and `samples`."""
        p = self.picture
        return (
            f"picture = sc.batch_scaling.BulkAndSpike({p.model!r}, spike={p.spike!r}, noise={p.noise!r}, size={p.size})\n"
            f"batch_sizes = {list(self.batch_sizes())}\n"
            f"generator = torch.Generator().manual_seed({self.seed})\n"
            "samples = [picture.sample(B, generator=generator) for B in batch_sizes]"
        )


@dataclass(frozen=True, eq=False)
class SpikeResult:
    """`samples` so far, one a batch size."""

    picture: BulkAndSpike
    batch_sizes: tuple[int, ...]
    samples: tuple[SampledSpike, ...] = ()


def spike_job(settings: SpikeSettings) -> Iterator[Step]:
    """Results are `SpikeResult`: first without samples, at last with all."""
    sizes, samples = settings.batch_sizes(), []
    generator = torch.Generator().manual_seed(settings.seed)
    yield Step(0.0, SpikeResult(settings.picture, sizes), "laws")
    for B in sizes:
        samples.append(settings.picture.sample(B, generator=generator))
        yield Step(len(samples) / (len(sizes) + 1), note=f"a sampled matrix at B = {B}")
    yield Step(1.0, SpikeResult(settings.picture, sizes, tuple(samples)))
