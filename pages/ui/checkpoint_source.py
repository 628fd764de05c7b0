"""Choosing a checkpoint: a shipped one, at one of its epochs, or a file; and opening it, recognised where that can be."""

from dataclasses import dataclass, fields
from functools import lru_cache

import streamlit as st

import sample_models
from pages.ui import uploads
from pages.ui.controls import bound, escaped
from pages.ui.kept_upload import kept_upload, leave_upload
from sample_models.architectures.activations import ACTIVATIONS
from sample_models.checkpoint_files import Checkpoint
from sample_models.manifest import Entry
from sample_models.recognition import NotRecognised, Recognised

__all__ = ["CheckpointChoice", "Opened", "choose_checkpoint", "opened"]

FIRST = "mnist-5k-lenet-watched"
GUESS = "as guessed"


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
    """What a choice leads to. `recognised` has `model`, `architecture`, `config`; or `refusal` says why there is none."""

    choice: CheckpointChoice
    tensors: dict
    entry: Entry | None = None
    checkpoint: Checkpoint | None = None
    recognised: Recognised | None = None
    refusal: NotRecognised | None = None

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
    return Opened(choice, checkpoint.tensors, checkpoint=checkpoint, recognised=recognised, refusal=refusal)


@lru_cache(maxsize=4)
def _checkpoint(digest, name, choose):
    kept = uploads.fetch(digest)
    if kept is None:
        raise ValueError(f"“{name}” is no longer kept on this server: upload it again.")
    return sample_models.load_checkpoint(kept[1], name=name, choose=choose)


def choose_checkpoint(key, title, sources, *, hints=True) -> Opened | None:
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
        return opened(_choose_shipped(key))
    kept = kept_upload(
        "Checkpoint: torch file or safetensors",
        key,
        "Drop a checkpoint above: what `torch.save` wrote (.pt, .pth, .ckpt, .tar, .bin …) or a .safetensors file. "
        "Nothing that it holds is run.",
    )
    if kept is None:
        return None
    try:
        with st.spinner("Reading the file"):
            return _choose_within(key, *kept, hints)
    except ValueError as error:
        st.error(escaped(error))
        return None


def _choose_shipped(key):
    runs = {}
    for entry in sample_models.shipped():
        runs.setdefault(entry.run, []).append(entry)
    names = sorted(runs, key=lambda name: (name != FIRST, name.startswith("digits"), name))
    run = bound(st.selectbox, "Trained here", names, key=f"{key}_run", format_func=lambda name: _called(runs[name][-1]))
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
    checkpoint = _checkpoint(digest, name, None)
    choose = None
    if len(checkpoint.choices) > 1:
        label = bound(
            st.selectbox,
            "Which weights of the file",
            checkpoint.choices,
            checkpoint.choices.index(checkpoint.choice),
            key=f"{key}_weights",
        )
        choose = label if label != checkpoint.choice else None
    choice = CheckpointChoice("upload", name, digest, choose)
    found = opened(choice)
    if not ask or found.recognised is None:
        return found
    hints = tuple(_hints(key, found.recognised))
    return opened(CheckpointChoice("upload", name, digest, choose, hints)) if hints else found


def _hints(key, recognised):
    """Pairs for `recognise`, of what was asked for."""
    names = list(dict.fromkeys([recognised.architecture, *(name for name, _ in recognised.alternatives)]))
    config, known = recognised.config, [field.name for field in fields(recognised.config)]
    if len(names) > 1:
        name = bound(st.selectbox, "Read as", [GUESS, *names], key=f"{key}_architecture")
        if name != GUESS:
            yield "architecture", name
            return
    for option, values in (("activation", list(ACTIVATIONS)), ("pooling", ["max", "average"])):
        if option in known and (option == "activation" or getattr(config, "image", 0)):
            value = bound(st.selectbox, option.capitalize(), [GUESS, *values], key=f"{key}_{option}")
            if value != GUESS:
                yield option, value
    if "heads" in known:
        heads = bound(st.number_input, "Heads (0: as guessed)", 0, 256, 0, key=f"{key}_heads")
        if heads:
            yield "heads", heads
    if recognised.architecture == "from shapes" and config.image:
        side = bound(st.number_input, "Side of the images (0: as guessed)", 0, 1024, 0, key=f"{key}_image")
        if side:
            yield "image", side
