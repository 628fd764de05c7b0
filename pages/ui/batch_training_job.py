"""What the tab "Through training" computes: the noise and the rank degeneracy of every epoch of a run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.curvature_problem import CurvatureProblem, operator
from pages.ui.curvature_training_job import each_epoch
from pages.ui.jobs import Step
from spectral_core import batch_scaling, curvature

__all__ = ["EpochNoise", "NoiseSettings", "noise_job", "noise_series"]

HALVES = 6  # random halves for each noise scale: 1.5 products each


@dataclass(frozen=True)
class NoiseSettings:
    """Everything that decides the result; `epochs` are pairs of an epoch and its checkpoint."""

    problem: CurvatureProblem
    epochs: tuple[tuple[int, CheckpointChoice], ...]
    steps: int = 20

    def problems(self) -> dict[int, CurvatureProblem]:
        """The Hessian of each epoch."""
        return {epoch: self.problem.of(checkpoint=choice, matrix="HessianOperator") for epoch, choice in self.epochs}

    def caption(self) -> str:
        """One line under the figure."""
        return (
            f"{HALVES} random halves for each noise scale, one probe of {self.steps} Lanczos steps, seed {self.problem.seed}; "
            f"{self.problem.caption()}"
        )


@dataclass(frozen=True, eq=False)
class EpochNoise:
    """All of one epoch, None where it is not there yet; `noise` of random directions, `sharp` at ``u_1``."""

    epoch: int
    loss: float
    top: sc.Eigenpairs
    noise: curvature.NoiseScale | None = None
    sharp: curvature.NoiseScale | None = None
    gradient_noise_scale: float | None = None
    hessian: sc.Quadrature | None = None
    ggn: sc.Quadrature | None = None


def noise_job(settings: NoiseSettings) -> Iterator[Step]:
    """Results are tuples of `EpochNoise`, the last one perhaps not whole."""
    return each_epoch(settings, _epoch)


def _epoch(epoch, problem, settings):
    H, one = operator(problem), None
    seeded = [torch.Generator().manual_seed(problem.seed + shift) for shift in range(5)]
    for top in sc.eigenpair_steps(H, k=1, which="top", tolerance=1e-3, products=300, generator=seeded[0]):
        one = EpochNoise(epoch, H.loss_value, top)
        yield min(0.2, 0.2 * top.products / 30), one, "sharpest direction"
    for noise in batch_scaling.noise_scale_steps(H, probes=HALVES, generator=seeded[1]):
        one = replace(one, noise=noise)
        yield 0.2 + 0.15 * noise.products / (1.5 * HALVES), one, "noise in random directions"
    directions = torch.tensor(one.top.vectors[:, :1])
    for noise in batch_scaling.noise_scale_steps(H, probes=HALVES, directions=directions, generator=seeded[2]):
        one = replace(one, sharp=noise)
        yield 0.4, one, "noise at the sharpest direction"
    norm = float(torch.linalg.vector_norm(H.gradient()))
    scale = float(curvature.gradient_variance(H).value / norm**2) if norm else np.inf
    one = replace(one, gradient_noise_scale=scale)
    yield 0.5, one, "gradient"
    total = settings.steps
    for q in sc.lanczos_quadrature_steps(H, steps=total, probes=1, generator=seeded[3]):
        one = replace(one, hessian=q)
        yield 0.5 + 0.3 * q.products / total, one, "Hessian"
    H.release()
    F = operator(problem.of(matrix="GGNOperator"))
    for q in sc.lanczos_quadrature_steps(F, steps=total, probes=1, generator=seeded[4]):
        one = replace(one, ggn=q)
        yield 0.8 + 0.2 * q.products / total, one, "GGN"


def noise_series(epochs, *, dtype) -> dict[str, tuple]:
    """Quantity with its unit: (epochs, values, standard errors or None), of those epochs that have it."""

    def column(there, value, error=None):
        rows = [e for e in epochs if getattr(e, there) is not None]
        errors = None if error is None else np.array([error(e) for e in rows], dtype=float)
        return [e.epoch for e in rows], np.array([value(e) for e in rows], dtype=float), errors

    def masses(q):
        return curvature.rank_degeneracy(q, dtype=dtype)

    def one(value):
        return float(np.ravel(value)[0])

    def square(e):
        return one(e.top.values) ** 2

    found = {
        "loss, in nats": column("top", lambda e: e.loss),
        "sharpest eigenvalue λ₁": column("top", lambda e: one(e.top.values)),
        "noise of random directions s² (5.5)": column(
            "noise", lambda e: e.noise.value, lambda e: e.noise.standard_error
        ),
        "noise at the sharpest, s²(u₁)": column(
            "sharp", lambda e: one(e.sharp.value), lambda e: one(e.sharp.standard_error)
        ),
        "critical batch size s²(u₁)/λ₁²": column(
            "sharp", lambda e: one(e.sharp.value) / square(e), lambda e: one(e.sharp.standard_error) / square(e)
        ),
        "gradient noise scale tr C/‖g‖²": column("gradient_noise_scale", lambda e: e.gradient_noise_scale),
        "H at zero: two nearest (5.17–5.20)": column("hessian", lambda e: masses(e.hessian).pair_mass[0]),
        "GGN at zero: nearest (5.17–5.20)": column("ggn", lambda e: masses(e.ggn).nearest_mass[0]),
        "H within a hundredth of its norm": column(
            "hessian", lambda e: curvature.spectral_masses(e.hessian).near.value,
            lambda e: curvature.spectral_masses(e.hessian).near.error,
        ),
        "GGN within a hundredth of its norm": column(
            "ggn", lambda e: curvature.spectral_masses(e.ggn).near.value,
            lambda e: curvature.spectral_masses(e.ggn).near.error,
        ),
    }  # fmt: skip
    return {name: columns for name, columns in found.items() if columns[0]}
