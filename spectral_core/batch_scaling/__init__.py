"""What mini-batching does to the spectrum of the curvature, and what follows for learning rates and damping."""

from spectral_core.batch_scaling.bulk_and_spike import SPIKE_MODELS, BulkAndSpike, SampledSpike
from spectral_core.batch_scaling.damping import Damping, Shrinkage, least_damping, shrinkage
from spectral_core.batch_scaling.full_batch import CriticalBatchSize, FullBatch, full_batch_steps
from spectral_core.batch_scaling.learning_rates import (
    LearningRates,
    RateShape,
    Recommendation,
    learning_rates,
    rate_shape,
    recommendation,
)
from spectral_core.batch_scaling.measurement import Outliers, outlier_steps, outliers
from spectral_core.batch_scaling.mini_batches import MiniBatchOperator, effective_batch_size, mini_batch
from spectral_core.batch_scaling.noise import noise_scale, noise_scale_steps
from spectral_core.batch_scaling.projections import ExampleProjections, example_projections, projection_steps
from spectral_core.batch_scaling.training import (
    OPTIMISERS,
    RULES,
    StableRate,
    TrainingRun,
    largest_stable_rate_steps,
    scaled_rate,
    training_run_steps,
)

__all__ = [
    "OPTIMISERS",
    "RULES",
    "SPIKE_MODELS",
    "BulkAndSpike",
    "CriticalBatchSize",
    "Damping",
    "ExampleProjections",
    "FullBatch",
    "LearningRates",
    "MiniBatchOperator",
    "Outliers",
    "RateShape",
    "Recommendation",
    "SampledSpike",
    "Shrinkage",
    "StableRate",
    "TrainingRun",
    "effective_batch_size",
    "example_projections",
    "full_batch_steps",
    "largest_stable_rate_steps",
    "learning_rates",
    "least_damping",
    "mini_batch",
    "noise_scale",
    "noise_scale_steps",
    "outlier_steps",
    "outliers",
    "projection_steps",
    "rate_shape",
    "recommendation",
    "scaled_rate",
    "shrinkage",
    "training_run_steps",
]
