"""Choosing examples for a checkpoint: known data or a file, how many of them, and how they are normalised."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st
import torch

from pages.ui import uploads
from pages.ui.checkpoint_source import Opened
from pages.ui.controls import bound
from pages.ui.kept_upload import kept_upload, leave_upload
from sample_models import datasets

__all__ = ["DataChoice", "choose_data", "data_steps"]

OWN, UPLOAD = "own", "upload"
NORMALISATIONS = {
    "own": "As trained, or from the data",
    "data": "From the data",
    "none": "None",
    "given": "Given",
}
SEVERAL = 5000  # examples of each part, unless more are asked for


@dataclass(frozen=True)
class DataChoice:
    """Which examples. `mean` and `std` are None where they are those of the training examples themselves."""

    source: str
    name: str
    digest: str = ""
    size: int = SEVERAL
    seed: int = 0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def code(self) -> str:
        """Python that makes `data`."""
        seeded = f"generator=torch.Generator().manual_seed({self.seed})"
        normalise = "standardised()" if self.mean is None else f"normalised({self.mean!r}, {self.std!r})"
        if self.source == "known":
            sizes = _sizes(self.name, self.size)
            options = f", size={sizes[0]}, test_size={sizes[1]}, {seeded}" if any(sizes) else ""
            return f"data = sample_models.datasets.load({self.name!r}{options}).{normalise}"
        return (
            f"data_path = {self.name!r}  # the uploaded file, SHA-256 {self.digest}...\n"
            "data = sample_models.datasets.read_dataset(data_path)\n"
            f"sizes = [{self.size} if {self.size} < len(targets) else None "
            "for targets in (data.targets, data.test_targets)]\n"
            f"data = data.subset(sizes[0], test_size=sizes[1], {seeded}).{normalise}"
        )


def choose_data(found: Opened | None) -> DataChoice | None:
    """The widgets, in the place where they are called; None where there is nothing to run the model on, or no normalisation."""
    known = {entry.key: entry for entry in datasets.catalogue()}
    titles = {OWN: "What suits the checkpoint"} | {key: entry.title for key, entry in known.items()}
    key = bound(
        st.selectbox,
        "Data",
        [*titles, UPLOAD],
        key="hessian_data",
        format_func=(titles | {UPLOAD: "Upload"}).get,
    )
    if key != UPLOAD:
        leave_upload("examples")
    own = found.entry if found is not None else None
    kept = None
    if key == OWN:
        key = own.data if own is not None else _suited(found)
        if key is None and found is not None and found.recognised is not None:
            st.caption("No packaged data suit this model: choose data to fetch, or upload your own.")
    elif key == UPLOAD:
        kept = kept_upload(
            "Examples with labels: npz, safetensors or CSV",
            "examples",
            "Drop a file above: arrays `x` and `y` (or `x_train`, `y_train`, `x_test`, `y_test`) in .npz or .safetensors, "
            "or a CSV with one example a row and the label last.",
        )
    if key in known:
        entry = known[key]
        fetched = " Fetched at first use." if entry.kind == "download" else ""
        st.caption(f"{entry.title}: {entry.description} Source: {entry.source.rstrip('.')}.{fetched}")
    with st.expander("Examples and normalisation"):
        size = bound(
            st.number_input,
            "Examples of each part, at most",
            10,
            100_000,
            SEVERAL,
            key="examples_size",
            help="Of the training and of the test examples; drawn at random where there are more.",
        )
        seed = bound(st.number_input, "Seed of the draw", 0, 10**9, 0, key="examples_seed")
        normalisation = _choose_normalisation(own if own is not None and key == own.data else None)
    if normalisation is None:
        return None
    mean, std = normalisation
    if key in known:
        return DataChoice("known", key, "", size, seed, mean, std)
    return DataChoice("upload", kept[1], kept[0], size, seed, mean, std) if kept else None


def _choose_normalisation(entry):
    """``(mean, std)``, both None for those of the examples; None, with the sentence, where what was typed is neither."""
    way = bound(
        st.selectbox,
        "Normalisation",
        list(NORMALISATIONS),
        key="normalisation",
        format_func=NORMALISATIONS.get,
        help="Inputs become (pixel − mean) / std, pixels from 0 to 1. A checkpoint expects its own: with another one it "
        "is a worse model.",
    )
    if way == "given":
        mean = bound(st.text_input, "Mean, one number or one a channel", "0.5", key="norm_mean")
        std = bound(st.text_input, "Standard deviation", "0.5", key="norm_std")
        numbers = _numbers(mean), _numbers(std)
        if numbers[0] and numbers[1] and min(numbers[1]) > 0:
            return numbers
        st.error(
            "A mean and a positive standard deviation are numbers with commas between, such as 0.485, 0.456, 0.406."
        )
        return None
    if way == "own" and entry is not None:
        return (entry.mean,), (entry.std,)
    return ((0.0,), (1.0,)) if way == "none" else (None, None)


def _numbers(text):
    try:
        numbers = tuple(float(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _suited(found):
    """The packaged data whose examples a model takes, or None."""
    if found is None or found.recognised is None:
        return None
    config = found.recognised.config
    size = getattr(config, "inputs", None) or (getattr(config, "widths", None) or (None,))[0]
    if getattr(config, "channels", 0) == 1:
        size = getattr(config, "image", 28) ** 2
    elif layers := getattr(config, "layers", None):  # of a row of layers
        first = layers[0] if isinstance(layers, tuple) else ("",)
        grey = first[0] == "convolution" and first[2] * first[3] == 1
        size = first[2] if first[0] == "linear" else config.image**2 if grey else 0
    return {64: "digits", 784: "mnist-5k"}.get(size)


def data_steps(choice: DataChoice) -> Iterator[tuple[float, datasets.Dataset | None]]:
    """Yield ``(fraction, None)`` while data are fetched, then ``(1, data)``; on any thread, no Streamlit."""
    if choice.source == "known":
        yield from ((0.9 * fraction, None) for fraction in datasets.download_steps(choice.name))
    data = _raw(choice.source, choice.name, choice.digest, choice.size, choice.seed)
    yield 1.0, data.standardised() if choice.mean is None else data.normalised(choice.mean, choice.std)


@lru_cache(maxsize=2)
def _raw(source, name, digest, size, seed):
    """At most `size` examples of each part, before normalisation."""
    generator = torch.Generator().manual_seed(seed)
    if source == "known":
        sizes = _sizes(name, size)
        return datasets.load(name, size=sizes[0], test_size=sizes[1], generator=generator)
    kept = uploads.fetch(digest)
    if kept is None:
        raise ValueError(f"“{name}” is no longer kept on this server: upload it again.")
    data = datasets.read_dataset(kept[1], name=name)
    sizes = [size if size < len(targets) else None for targets in (data.targets, data.test_targets)]
    return data.subset(sizes[0], test_size=sizes[1], generator=generator)


def _sizes(name, size):
    """How many examples of each part of a known data set are drawn; None: all."""
    entry = next(entry for entry in datasets.catalogue() if entry.key == name)
    return [size if size < n else None for n in entry.examples]
