"""Choosing examples for a checkpoint: known data or a file, how many of them, and how they are normalised."""

import math
import re
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

__all__ = ["OWN", "WANTED", "DataChoice", "Guess", "choose_data", "examples", "fetch_steps", "guessed"]

OWN, UPLOAD = "own", "upload"
WANTED = "_wanted_data"  # in the session: the data that are to be chosen on the next run of the script
NORMALISATIONS = {
    "own": "As trained, or from the data",
    "data": "From the data",
    "none": "None",
    "given": "Given",
}
NAMED = {  # what a file is called after: the data
    r"fashion|(?<![a-z])f-?mnist": "fashion-mnist",
    r"cifar[-_ ]?100": "cifar-100",
    r"cifar": "cifar-10",
    r"(?<![a-z])mnist": "mnist-5k",
    r"digits": "digits",
}
SHAPED = ("mnist-5k", "digits", "cifar-10", "cifar-100")  # by shapes alone, the likeliest first
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


@dataclass(frozen=True)
class Guess:
    """Which known data suit an upload, why, and whether they are here or must be fetched."""

    entry: datasets.CatalogueEntry
    reason: str

    @property
    def is_here(self) -> bool:
        return datasets.is_here(self.entry.key)


def guessed(found: Opened | None) -> Guess | None:
    """By the name of the file, where the model takes such examples, or else by the shapes of its tensors."""
    if found is None or found.entry is not None:
        return None
    known = {entry.key: entry for entry in datasets.catalogue() if entry.key in found.suits}
    for pattern, key in NAMED.items():
        if key in known and re.search(pattern, found.choice.name.lower()):
            return Guess(known[key], "the file's name")
    return next((Guess(known[key], "the shapes of its tensors") for key in SHAPED if key in known), None)


def choose_data(found: Opened | None, *, key_of_size="examples_size", several=SEVERAL) -> DataChoice | None:
    """The widgets, in the place where they are called; None where there is nothing to run the model on, or no normalisation."""
    known = {entry.key: entry for entry in datasets.catalogue()}
    if WANTED in st.session_state:
        st.session_state["hessian_data"] = st.session_state.pop(WANTED)
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
        guess = guessed(found)
        key = own.data if own is not None else guess.entry.key if guess is not None else None
        if guess is not None:
            st.caption(f"Guessed from {guess.reason}.")
        elif own is None and found is not None and found.recognised is not None:
            st.caption("No known data suit this model: upload your own.")
    elif key == UPLOAD:
        kept = kept_upload(
            "Examples with labels: npz, safetensors or CSV",
            "examples",
            "Drop a file above: arrays `x` and `y` (or `x_train`, `y_train`, `x_test`, `y_test`) in .npz or .safetensors, "
            "or a CSV with one example a row and the label last.",
        )
    if key in known:
        entry = known[key]
        fetched = "" if datasets.is_here(key) else f" To be fetched once: {entry.bytes / 1e6:.0f} MB."
        st.caption(f"{entry.title}: {entry.description} Source: {entry.source.rstrip('.')}.{fetched}")
    with st.expander("Examples and normalisation"):
        size = bound(
            st.number_input,
            "Examples of each part, at most",
            10,
            100_000,
            several,
            key=key_of_size,
            help="Of the training and of the test examples; drawn at random where there are more.",
        )
        seed = bound(st.number_input, "Seed of the draw", 0, 10**9, 0, key="examples_seed")
        normalisation = _choose_normalisation(own if own is not None and key == own.data else None)
    if normalisation is None:
        return None
    mean, std = normalisation
    if st.session_state["hessian_data"] == OWN and key in known and not datasets.is_here(key):
        return None  # what was only guessed is not fetched unasked
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
        for key in ("norm_mean", "norm_std"):  # what an example sets before it is there, the browser does not link
            if key in st.session_state and key not in st.query_params:
                st.query_params[key] = st.session_state[key]
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


def fetch_steps(choice: DataChoice) -> Iterator[float]:
    """Fetch what is not here yet, on any thread, yielding the fraction; ValueError with the sentence without a network."""
    if choice.source == "known":
        yield from datasets.download_steps(choice.name)


def examples(choice: DataChoice) -> datasets.Dataset:
    """The chosen examples, normalised, on any thread; ValueError with the sentence for a bad file or normalisation."""
    data = _raw(choice.source, choice.name, choice.digest, choice.size, choice.seed)
    return data.standardised() if choice.mean is None else data.normalised(choice.mean, choice.std)


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
