"""Data sets that a person brings: images or tables with labels, as npz, safetensors or CSV."""

import io
import zipfile
from pathlib import Path

import numpy as np
import torch

from sample_models.datasets.dataset import Dataset, draw
from sample_models.datasets.tables import read_table

__all__ = ["read_dataset"]

LARGEST = 2**30  # bytes, unpacked
MOST_CLASSES = 10_000
INPUTS = ("inputs", "x", "images", "data", "features")
TARGETS = ("targets", "y", "labels", "label", "target", "classes")


def read_dataset(source, name="", *, label=None, shape=None, test_fraction=0.2, generator=None):
    """Labelled examples from a file: arrays in npz or safetensors, or a table in CSV (all of them plain data, no code).

    Arrays are found by their names: inputs, x, images or data, and targets, y or labels, in any case; with train and
    test before or behind (x_train, test_labels) the parts are taken as they are, otherwise `test_fraction` is drawn
    for testing. Bytes are divided by 255. Images may have their channels last. A CSV has one example a row, with or
    without a header; the labels are the column called label, target, class or y, or else the last.

    Parameters
    ----------
    source : path or bytes
    name : str
        File name where `source` is bytes; its ending does not matter.
    label : str or int, optional
        CSV: the name of the labels' column, or its number from 0.
    shape : tuple of int, optional
        Of one example, (channels, height, width), where the file has rows.
    test_fraction : float
        Between 0 and 1, both excluded.
    generator : torch.Generator, optional
        Of the draw; by default one with seed 0.

    Returns
    -------
    Dataset
        Raw, with what was decided in its `notes`.

    Raises
    ------
    ValueError
        One sentence: what the file is instead, or what is missing, does not fit or is no number.

    >>> data = read_dataset(b"height,width,label\\n1,2,cat\\n2,1,dog\\n3,1,dog\\n", test_fraction=0.3)
    >>> data.shape, data.classes, len(data.targets), len(data.test_targets)
    ((2,), ('cat', 'dog'), 2, 1)
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"the fraction for testing must lie between 0 and 1; got {test_fraction}.")
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    name = name or ("upload" if isinstance(source, bytes) else Path(source).name)
    arrays, notes = _arrays(content, name, label)
    raw, labels = _find(arrays, INPUTS, "inputs", name), _find(arrays, TARGETS, "targets", name)
    if ("test" in raw) != ("test" in labels):
        missing = "labels" if "test" in raw else "inputs"
        raise ValueError(f"{name} has a test part without {missing}: add them, or take the test part out.")
    used = {id(array) for array in (*raw.values(), *labels.values())}
    notes += [f"The array {key} was not used." for key, array in arrays.items() if id(array) not in used]
    inputs = {part: _images(array, shape, name, notes) for part, array in raw.items()}
    codes, classes = _codes(labels, name, notes)
    for part, array in inputs.items():
        if len(array) != len(codes[part]):
            raise ValueError(f"{name} has {len(array)} examples and {len(codes[part])} labels: each needs one.")
    if "test" not in inputs:
        _split(inputs, codes, test_fraction, generator, name, notes)
    notes = tuple(dict.fromkeys(notes))
    return Dataset(
        name, inputs["train"], codes["train"], inputs["test"], codes["test"], classes, source="upload", notes=notes
    )


def _arrays(content, name, label):
    """(name -> array, notes) of the file, whatever it is."""
    if not content:
        raise ValueError(f"{name} is empty.")
    if content[:4] == b"PK\x03\x04":
        return _npz(content, name), []
    if content[:6] == b"\x93NUMPY":
        raise ValueError(f"{name} is a single array: save inputs and labels together, numpy.savez(file, x=..., y=...).")
    header = int.from_bytes(content[:8], "little")
    if content[8:9] == b"{" and header <= len(content) - 8:
        return _safetensors(content, name), []
    rows, labels, notes = read_table(content, name, label, LARGEST)
    return {"x": rows, "y": labels}, notes


def _npz(content, name):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if not infos or not all(info.filename.endswith(".npy") for info in infos):
                raise ValueError(f"{name} is a zip archive but no npz of arrays: save one with numpy.savez.")
            if sum(info.file_size for info in infos) > LARGEST:
                raise ValueError(f"{name} holds more than 1 GiB of arrays: save a part of it.")
            arrays = {}
            for info in infos:
                with archive.open(info) as file:
                    limited = io.BytesIO(file.read(info.file_size + 1))
                arrays[info.filename.removesuffix(".npy")] = np.lib.format.read_array(limited, allow_pickle=False)
            return arrays
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError):
        raise ValueError(f"{name} is a damaged npz file: save it again with numpy.savez.") from None
    except (ValueError, OverflowError, MemoryError) as error:
        if str(error).startswith(name):
            raise
        raise ValueError(f"{name} has an array that is cut off or holds objects: save plain numbers.") from None


def _safetensors(content, name):
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
    except SafetensorError:
        raise ValueError(f"{name} is a damaged safetensors file: save it again.") from None
    return {key: (t.float() if t.is_floating_point() else t).numpy() for key, t in tensors.items()}


def _find(arrays, wanted, what, name):
    """The arrays of one kind by part: {"train": ...} and perhaps "test"."""
    parts = {}
    for key, array in arrays.items():
        words = key.lower().replace("-", "_").split("_")
        if [word for word in words if word not in ("train", "test", "")] not in [[word] for word in wanted]:
            continue
        part = "test" if "test" in words else "train"
        if part in parts:
            raise ValueError(f"{name} has more than one array of {what}: keep one, or call them train and test.")
        parts[part] = array
    if "train" not in parts:
        found = ", ".join(arrays) or "none"
        raise ValueError(
            f"no {what} found in {name}: call the array {wanted[0]} or {wanted[1]}; its arrays are {found[:200]}."
        )
    return parts


def _images(array, shape, name, notes):
    """float32 (n, ...) with channels first."""
    if array.dtype.kind not in "biuf" or array.ndim < 2 or not array.size:
        raise ValueError(
            f"inputs must be numbers of shape (examples, ...); {name} has {array.dtype} of shape {array.shape}."
        )
    if array.dtype == np.uint8:
        notes.append("Pixels are bytes and were divided by 255.")
        array = array.astype(np.float32) / np.float32(255)
    tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    if not torch.isfinite(tensor).all():
        bad = int((~torch.isfinite(tensor.flatten(1)).all(1)).nonzero()[0])
        raise ValueError(f"example {bad} of {name} has a value that is not finite: mend it or take it out.")
    if shape is not None:
        if int(np.prod(shape)) != tensor[0].numel():
            raise ValueError(f"an example of {name} has {tensor[0].numel()} values, which do not fill {tuple(shape)}.")
        return tensor.reshape(-1, *shape)
    if tensor.dim() == 3:
        notes.append("Images have one channel.")
        return tensor[:, None]
    if tensor.dim() == 4 and tensor.shape[1] not in (1, 3, 4) and tensor.shape[3] in (1, 3, 4):
        notes.append("Channels came last and were moved to the front.")
        return tensor.permute(0, 3, 1, 2).contiguous()
    return tensor


def _codes(labels, name, notes):
    """({part: int64 codes}, classes): whole numbers stay as they are, anything else is numbered in sorted order."""
    flat = {part: _flat(array, name, notes) for part, array in labels.items()}
    together = np.concatenate(list(flat.values()))
    if together.dtype.kind in "iu" and together.min() >= 0 and together.max() < MOST_CLASSES:
        if together.min() > 0:
            notes.append(f"The smallest label is {together.min()}: the classes below it have no example.")
        classes = tuple(map(str, range(max(int(together.max()) + 1, 2))))
        return {part: torch.from_numpy(array.astype(np.int64)) for part, array in flat.items()}, classes
    found = np.unique(together)
    if len(found) > MOST_CLASSES:
        raise ValueError(f"{name} has {len(found)} different labels, more than {MOST_CLASSES}: are they labels?")
    notes.append("Labels were numbered in sorted order.")
    codes = {part: torch.from_numpy(np.searchsorted(found, array)) for part, array in flat.items()}
    return codes, tuple(map(str, found))


def _flat(labels, name, notes):
    """(n,) whole numbers or strings."""
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "biuf":
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all()):
            raise ValueError(f"labels of shape {labels.shape} in {name} are not one-hot: give one label an example.")
        notes.append("One-hot labels became indices.")
        return labels.argmax(1)
    flat = labels.reshape(-1) if labels.ndim == 2 else labels
    if flat.ndim != 1 or flat.dtype.kind not in "biufUS" or not flat.size:
        raise ValueError(f"labels must be whole numbers or names, one an example; got shape {labels.shape} in {name}.")
    if flat.dtype.kind == "f":
        if not np.isfinite(flat).all() or (flat != np.round(flat)).any():
            raise ValueError(f"labels in {name} are not whole numbers: targets of regression are not taken here.")
        flat = flat.astype(np.int64)
    return flat.astype(np.int64) if flat.dtype.kind == "b" else flat.astype(str) if flat.dtype.kind == "S" else flat


def _split(inputs, codes, fraction, generator, name, notes):
    """Move a random part to "test", at least one example and not all."""
    n = len(codes["train"])
    if n < 2:
        raise ValueError(f"{name} has {n} example: two are needed, one to train on and one to test.")
    size = min(max(round(fraction * n), 1), n - 1)
    order = draw(n, n, generator or torch.Generator().manual_seed(0))
    for tensors in (inputs, codes):
        tensors["test"], tensors["train"] = tensors["train"][order[:size]], tensors["train"][order[size:]]
    notes.append(f"{size} of {n} examples were drawn for testing.")
