"""The checkpoints that come with the package: a manifest and a safetensors file for each."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load, save

from sample_models.registry import ARCHITECTURES, configure

__all__ = ["FOLDER", "Entry", "Shipped", "load_shipped", "shipped", "write_shipped"]

FOLDER = Path(__file__).parent / "checkpoints"


@dataclass(frozen=True)
class Entry:
    """One line of the manifest: how the weights came about and what they reach.

    Attributes
    ----------
    name, file, sha256 : str
    run : str
        The key in `training.RUNS`; several entries share it where a run was kept at several epochs.
    architecture : str
    config : dict
        Options of `registry.build`.
    data : str
        A key of `datasets.load`; `examples` and `test_examples` of it were used.
    mean, std : float
        The normalisation that the model expects, of pixels in [0, 1].
    seed, epoch, epochs, batch_size : int
    learning_rate, momentum, weight_decay : float
    loss, accuracy, test_loss, test_accuracy : float
        Cross-entropy in nats and share of right answers in evaluation mode, on all training and all test examples.
    parameters : int
    """

    name: str
    run: str
    file: str
    architecture: str
    config: dict
    data: str
    examples: int
    test_examples: int
    mean: float
    std: float
    seed: int
    epoch: int
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float
    parameters: int
    sha256: str


@dataclass(frozen=True, eq=False)
class Shipped:
    """A shipped model in evaluation mode, its architecture's `Config`, and its `Entry`."""

    model: torch.nn.Module = field(repr=False)
    config: object
    entry: Entry


def shipped():
    """The entries of the manifest, as a tuple of `Entry`.

    >>> sorted({entry.data for entry in shipped()})
    ['digits', 'mnist-5k']
    """
    return _manifest(FOLDER)


def load_shipped(name, *, folder=FOLDER):
    """The shipped model `name`, in evaluation mode, after its file's SHA-256 was compared with the manifest's.

    Raises ValueError for an unknown name and for a file that is missing or not the one trained here.

    >>> load_shipped("digits-mlp").config.widths
    (64, 64, 32, 10)
    """
    entries = {entry.name: entry for entry in _manifest(folder)}
    if name not in entries:
        raise ValueError(f"there is no shipped checkpoint {name!r}: choose one of {', '.join(entries)}.")
    entry = entries[name]
    path = Path(folder, entry.file)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ValueError(
            f"{entry.file} is missing or not the file of the manifest (its SHA-256 differs): install the package anew, "
            f"or train it again with python -m sample_models.train {entry.run}."
        )
    config = configure(entry.architecture, **entry.config)
    model = ARCHITECTURES[entry.architecture].build(config)
    model.load_state_dict(load(content))
    return Shipped(model.eval(), config, entry)


def write_shipped(run, kept, data, folder=FOLDER):
    """Write the weights of a run's `kept` epochs and renew its lines of the manifest; the new entries.

    Parameters
    ----------
    run : training.Run
    kept : list of training.Epoch
    data : datasets.Dataset
        That was trained on.
    folder : path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {name: getattr(run.config, name) for name in run.config.__dataclass_fields__}
    entries = []
    for epoch in kept:
        name = f"{run.name}-epoch-{epoch.epoch:02d}" if run.keep else run.name
        about = {"architecture": run.architecture, "config": json.dumps(config), "data": run.data}
        about |= {"mean": str(run.mean), "std": str(run.std), "epoch": str(epoch.epoch)}
        content = save({key: tensor.contiguous() for key, tensor in epoch.model.state_dict().items()}, metadata=about)
        Path(folder, f"{name}.safetensors").write_bytes(content)
        entries.append(
            Entry(
                name=name,
                run=run.name,
                file=f"{name}.safetensors",
                architecture=run.architecture,
                config=config,
                data=run.data,
                examples=len(data.targets),
                test_examples=len(data.test_targets),
                mean=run.mean,
                std=run.std,
                seed=run.seed,
                epoch=epoch.epoch,
                epochs=run.epochs,
                batch_size=run.batch_size,
                learning_rate=run.learning_rate,
                momentum=run.momentum,
                weight_decay=run.weight_decay,
                loss=round(epoch.train.loss, 6),
                accuracy=round(epoch.train.accuracy, 6),
                test_loss=round(epoch.test.loss, 6),
                test_accuracy=round(epoch.test.accuracy, 6),
                parameters=sum(parameter.numel() for parameter in epoch.model.parameters()),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
    others = [entry for entry in _manifest(folder) if entry.run != run.name]
    lines = sorted([*others, *entries], key=lambda entry: entry.name)
    text = json.dumps({"checkpoints": [vars(entry) for entry in lines]}, indent=1)
    Path(folder, "manifest.json").write_text(text + "\n")
    _manifest.cache_clear()
    return tuple(entries)


@cache
def _manifest(folder):
    path = Path(folder, "manifest.json")
    if not path.is_file():
        return ()
    return tuple(Entry(**line) for line in json.loads(path.read_text())["checkpoints"])
