"""Labelled examples: known sets, packaged or fetched at run time, and those that a person brings."""

from sample_models.datasets.collection import CatalogueEntry, catalogue, download_steps, is_here, load
from sample_models.datasets.dataset import Batches, Dataset, batches
from sample_models.datasets.uploads import read_dataset

__all__ = [
    "Batches",
    "CatalogueEntry",
    "Dataset",
    "batches",
    "catalogue",
    "download_steps",
    "is_here",
    "load",
    "read_dataset",
]
