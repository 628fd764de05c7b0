"""Choosing a checkpoint: a shipped one, at one of its epochs, or a file; and opening it, recognised where that can be."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import streamlit as st

import sample_models
from pages.ui import runs, uploads
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.jobs import Step
from pages.ui.kept_upload import kept_upload, leave_upload
from sample_models import datasets
from sample_models.architectures.activations import ACTIVATIONS
from sample_models.checkpoint_files import Checkpoint
from sample_models.evaluation import output_shape
from sample_models.manifest import Entry
from sample_models.recognition import NotRecognised, Recognised

__all__ = ["CheckpointChoice", "Opened", "choose_checkpoint", "opened", "opening_steps"]

FIRST = "mnist-5k-lenet-watched"
GUESS = "as guessed"
ANSWERS = {
    "architecture": GUESS,
    "activation": GUESS,
    "pooling": GUESS,
    "heads": 0,
    "image": 0,
}  # what is asked of a file


@dataclass(frozen=True)
class CheckpointChoice:
    """Which checkpoint: `name` is that of a shipped one or of the file; `choose` which of several weights in it."""

    source: str
    name: str
    digest: str = ""
    choose: str | None = None
    hints: tuple[tuple[str, object], ...] = ()

    def title(self) -> str:
        """A short name for captions; not to be rendered as Markdown."""
        return f"{self.name} ({self.choose})" if self.choose else self.name

    def code(self) -> str:
        """Python that opens it: `tensors`, and for an upload `checkpoint`."""
        if self.source == "shipped":
            return f"tensors = sample_models.load_shipped({self.name!r}).model.state_dict()"
        choose = f", choose={self.choose!r}" if self.choose else ""
        return (
            f"path = {self.name!r}  # the uploaded file, SHA-256 {self.digest}...\n"
            f"checkpoint = sample_models.load_checkpoint(path{choose})\ntensors = checkpoint.tensors"
        )

    def model_code(self) -> str:
        """Python that makes `model`, after `code`."""
        if self.source == "shipped":
            return f"model = sample_models.load_shipped({self.name!r}).model"
        hints = "".join(f", {name}={value!r}" for name, value in self.hints)
        return f"model = sample_models.recognise(checkpoint{hints}).model"


@dataclass(frozen=True, eq=False)
class Opened:
    """What a choice leads to. `recognised` has `model`, `architecture`, `config`; or `refusal` says why there is none.

    `suits` are the keys of the known data whose examples the model takes and whose classes it tells apart.
    """

    choice: CheckpointChoice
    tensors: dict
    entry: Entry | None = None
    checkpoint: Checkpoint | None = None
    recognised: Recognised | None = None
    refusal: NotRecognised | None = None
    suits: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Numbers that were trained; without a model, all that no batch norm counted while it ran."""
        if self.recognised is not None:
            return sum(parameter.numel() for parameter in self.recognised.model.parameters())
        second = {name for _, name in self.checkpoint.tied}
        return sum(value.numel() for name, value in self.tensors.items() if name not in second and not _running(name))


def _running(name):
    return name.rpartition(".")[2] in ("running_mean", "running_var")


@lru_cache(maxsize=4)
def opened(choice: CheckpointChoice) -> Opened:
    """Open a choice, on any thread; ValueError with the sentence where the file is refused or a hint does not fit."""
    if choice.source == "shipped":
        found = sample_models.load_shipped(choice.name)
        tensors = {name: value for name, value in found.model.state_dict().items() if value.is_floating_point()}
        names = {name: name for name in tensors}
        model = Recognised(found.model, found.entry.architecture, found.config, names, (), ())
        return Opened(choice, tensors, entry=found.entry, recognised=model)
    checkpoint = _checkpoint(choice.digest, choice.name, choice.choose)
    try:
        recognised, refusal = sample_models.recognise(checkpoint, **dict(choice.hints)), None
    except NotRecognised as error:
        recognised, refusal = None, error
    suits = _suits(recognised.model) if recognised is not None else ()
    return Opened(choice, checkpoint.tensors, None, checkpoint, recognised, refusal, suits)


def _suits(model):
    known = datasets.catalogue()
    outputs = {shape: output_shape(model, shape) for shape in {entry.shape for entry in known}}
    return tuple(entry.key for entry in known if outputs[entry.shape] == (len(entry.classes),))


@lru_cache(maxsize=4)
def _checkpoint(digest, name, choose):
    kept = uploads.fetch(digest)
    if kept is None:
        raise ValueError(f"“{name}” is no longer kept on this server: upload it again.")
    return sample_models.load_checkpoint(kept[1], name=name, choose=choose)


def opening_steps(choice: CheckpointChoice) -> Iterator[Step]:
    """A job that opens an upload; the result is an `Opened`, or the sentence with which the file is refused."""
    yield Step(0.0, note="reading")
    if uploads.fetch(choice.digest) is None:
        raise ValueError("The file is no longer kept on this server: upload it again.")
    try:
        _checkpoint(choice.digest, choice.name, choice.choose)
        yield Step(0.5, note="comparing with the architectures")
        result = opened(choice)
    except ValueError as error:
        result = str(error)
    yield Step(1.0, result)


def choose_checkpoint(key, title, sources, *, hints=True, first=FIRST) -> Opened | None:
    """The widgets, in the place where they are called; None while there is none.

    Parameters
    ----------
    key : str
        Begins the keys of all widgets.
    title : str
    sources : tuple of str
        Of "shipped", "upload" and, for no checkpoint, "nothing"; the first is the default.
    hints : bool
        Ask for what no shape tells.
    first : str or None
        The shipped run that is chosen at first; None for none.
    """
    source = bound(
        st.segmented_control,
        title,
        sources,
        key=f"{key}_from",
        default=sources[0],
        required=True,
        format_func=str.capitalize,
        width="stretch",
    )
    if source != "upload":
        leave_upload(key)
    if source == "nothing":
        return None
    if source == "shipped":
        choice = _choose_shipped(key, first)
        return opened(choice) if choice is not None else None
    kept = kept_upload(
        "Checkpoint: torch file or safetensors",
        key,
        "Drop a checkpoint above: what `torch.save` wrote (.pt, .pth, .ckpt, .tar, .bin …) or a .safetensors file. "
        "Nothing that it holds is run.",
    )
    if kept is None:
        return None
    return _choose_within(key, *kept, hints)


def _choose_shipped(key, first):
    runs = {}
    for entry in sample_models.shipped():
        runs.setdefault(entry.run, []).append(entry)
    names = sorted(runs, key=lambda name: (name != first, name.startswith("digits"), name))
    run = bound(
        st.selectbox, "Trained here", names, 0 if first else None, key=f"{key}_run", placeholder="Choose one",
        format_func=lambda name: _called(runs[name][-1]) if name in runs else "",
    )  # fmt: skip
    if run is None:
        return None
    entry = runs[run][-1]
    if len(runs[run]) > 1:
        epochs = [entry.epoch for entry in runs[run]]
        epoch = bound(st.select_slider, "Epoch", epochs, epochs[-1], key=f"{key}_epoch", help="Watch it being trained.")
        entry = runs[run][epochs.index(epoch)]
    return CheckpointChoice("shipped", entry.name)


def _called(entry):
    watched = ", watched" if "watched" in entry.run else ""
    norm = ", batch norm" if entry.config.get("batch_norm") else ""
    title = {"mlp": "MLP", "lenet": "LeNet", "vgg": "VGG"}.get(entry.architecture, entry.architecture)
    return f"{title}{norm}{watched} ({entry.data})"


def _choose_within(key, digest, name, ask):
    """Which weights of a file, and what no shape tells of its model."""
    choice = CheckpointChoice("upload", name, digest)
    found = _opened_aside(f"open-{key}", choice)
    if found is None:
        return None
    labels, likeliest = found.checkpoint.choices, found.checkpoint.choice
    if (
        st.session_state.get(f"_{key}_asked", digest) != digest
    ):  # what was said of another file does not hold for this one
        for name, value in (ANSWERS | {"weights": likeliest}).items():
            st.session_state[f"{key}_{name}"] = value
    st.session_state[f"_{key}_asked"] = digest
    if len(labels) > 1:
        label = bound(st.selectbox, "Which weights of the file", labels, labels.index(likeliest), key=f"{key}_weights")
        if label != likeliest:
            choice = replace(choice, choose=label)
            found = _opened_aside(f"open-{key}-weights", choice)
    if found is not None and ask and found.recognised is not None and (hints := tuple(_hints(key, found.recognised))):
        found = _opened_aside(f"open-{key}-model", replace(choice, hints=hints))
    return found


def _opened_aside(place, choice):
    """What `opening_steps` makes of a choice; None until then, or with the sentence why there is none."""

    def draw(result):
        if isinstance(result, str):
            st.error(escaped(result))

    title = f"Opening {verbatim(choice.name)}"
    run = runs.show(place, ("opened", choice), lambda: opening_steps(choice), draw, title)
    return run.latest if isinstance(run.latest, Opened) else None


def _hints(key, recognised):
    """Pairs for `recognise`, of what was asked for."""
    name, config, readings = recognised.architecture, recognised.config, recognised.readings
    if len(readings) > 1:
        words = bound(
            st.selectbox,
            "Read as",
            [GUESS, *readings],
            key=f"{key}_architecture",
            help="Models whose tensors have the same shapes: the right one has the higher accuracy.",
        )
        if words != GUESS:
            yield from readings[words].items()
            guess, name = name, readings[words]["architecture"]
            config = next(c for other, c in ((guess, config), *recognised.alternatives) if other == name)
    known = [field.name for field in fields(config)]
    for option, values in (("activation", list(ACTIVATIONS)), ("pooling", ["max", "average"])):
        if option in known and (option == "activation" or getattr(config, "image", 0)):
            value = bound(st.selectbox, option.capitalize(), [GUESS, *values], key=f"{key}_{option}")
            if value != GUESS:
                yield option, value
    if "heads" in known:
        heads = bound(st.number_input, "Heads (0: as guessed)", 0, 256, 0, key=f"{key}_heads")
        if heads:
            yield "heads", heads
    if name == "from shapes" and config.image:
        side = bound(st.number_input, "Side of the images (0: as guessed)", 0, 1024, 0, key=f"{key}_image")
        if side:
            yield "image", side
