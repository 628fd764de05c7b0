"""Models to look at: architectures, their data, trained checkpoints, and the safe loading of anybody else's."""

from sample_models import datasets
from sample_models.checkpoint_files import load_checkpoint
from sample_models.evaluation import evaluate
from sample_models.manifest import load_shipped, shipped
from sample_models.recognition import recognise
from sample_models.registry import ARCHITECTURES, build

__all__ = [
    "ARCHITECTURES",
    "build",
    "datasets",
    "evaluate",
    "load_checkpoint",
    "load_shipped",
    "recognise",
    "shipped",
]
