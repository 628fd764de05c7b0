"""From a file that somebody has to named tensors, without running anything that the file holds."""

import io
import json
import os
import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import safe_open

from sample_models.archives import check
from sample_models.file_kinds import CUT_OFF, DATA, SAVE, Refused, listed, shortened
from sample_models.state_dicts import choices_in, natural_order, plain_data, prefer
from sample_models.weights import prepared

__all__ = ["LARGEST", "Checkpoint", "load_checkpoint"]

LARGEST = 512 * 2**20  # bytes of a file

_safe_globals_lock = threading.Lock()  # torch keeps the stand-ins in one list a process


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Named tensors of a file, and what was found on the way to them.

    Attributes
    ----------
    tensors : dict of str to torch.Tensor
        Weights and buffers of floating point on the CPU, float32 or float64, finite, in the order of the file and
        without the prefixes of wrappers. Tied weights share their memory.
    kind : str
        "torch file", "torch file (legacy)" or "safetensors file".
    name : str
    notes : tuple of str
        A sentence on each thing that was changed, left out or chosen.
    choices : tuple of str
        Labels of the state dicts in the file (copies by averaging, members of a list), and `choice`, the one taken.
    tied : tuple of (str, str)
        Pairs of names that are one tensor.
    metadata : dict
        Numbers and short strings beside the weights, such as epoch and accuracy.
    """

    tensors: dict
    kind: str
    name: str
    notes: tuple
    choices: tuple
    choice: str
    tied: tuple
    metadata: dict

    @property
    def parameters(self):
        """Number of floating-point numbers, tied tensors counted once, buffers included."""
        second = {name for _, name in self.tied}
        return sum(tensor.numel() for name, tensor in self.tensors.items() if name not in second)


def load_checkpoint(path_or_bytes, name="", choose=None, *, largest=LARGEST):
    """Load the weights of a torch (zip or legacy) or safetensors file; nothing that the file holds is ever run.

    The file is first read opcode by opcode (`archives.check`), which refuses compressed members, sizes that do not fit
    and calls of anything but tensors; then by ``torch.load(weights_only=True)``, with inert stand-ins for
    plain objects beside the weights (`argparse.Namespace`, NumPy scalars), or by safetensors.

    Parameters
    ----------
    path_or_bytes : str, Path, bytes or binary file
    name : str
        What to call the file in sentences; of a path, its name.
    choose : str or int, optional
        Which of several state dicts, by label or place in `Checkpoint.choices`; otherwise the likeliest, with a note.
    largest : int
        Most bytes of a file.

    Raises
    ------
    ValueError
        One sentence: what the file is instead, or what is wrong with it, and how to save it so that it loads.

    Notes
    -----
    Memory: the tensors in their final precision, and for a file given as bytes the bytes.

    Examples
    --------
    >>> import io, torch
    >>> file = io.BytesIO()
    >>> torch.save({"net": torch.nn.Linear(3, 2).state_dict(), "epoch": 7}, file)
    >>> checkpoint = load_checkpoint(file.getvalue())
    >>> {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}, checkpoint.metadata
    ({'weight': (2, 3), 'bias': (2,)}, {'epoch': 7})
    """
    if isinstance(path_or_bytes, (str, os.PathLike)):
        name = name or Path(path_or_bytes).name
        try:
            file = open(path_or_bytes, "rb")  # noqa: SIM115
        except OSError as error:
            raise ValueError(f"{shortened(name)} could not be opened: {error.strerror or 'no such file'}.") from None
    elif isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        file = io.BytesIO(path_or_bytes)
    elif hasattr(path_or_bytes, "read") and hasattr(path_or_bytes, "seek"):
        file = path_or_bytes
    else:
        raise TypeError(f"a checkpoint is a path, bytes or an open binary file; got {type(path_or_bytes).__name__}.")
    name = shortened(name) or "this file"
    try:
        return _load(file, name, choose, largest)
    except Refused as error:
        raise ValueError(f"{name} {error}.") from None
    except MemoryError:
        raise ValueError(f"{name} needs more memory than there is.") from None
    except Exception:  # torch's and safetensors' own messages advise what must not be done here
        raise ValueError(f"{name} {CUT_OFF.format('contents')}.") from None
    finally:
        if file is not path_or_bytes:
            file.close()


def _load(file, name, choose, largest):
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > largest:
        raise Refused(f"has {size / 2**20:.0f} MiB, more than the {largest / 2**20:.0f} MiB that are read here")
    contents = check(file, size)
    file.seek(0)
    if contents.kind == "safetensors file":
        tree, metadata = _read_safetensors(file)
    else:
        tree = _read_torch(file, contents.left_out)
        metadata = plain_data(tree)
    choices = choices_in(tree)
    if not choices:
        raise Refused(_without_weights(tree, contents.left_out))
    choice = _chosen(choose, list(choices))
    notes = []
    if objects := [name for name, form in contents.left_out.items() if form != "name"]:
        notes.append(f"Left out, unopened: objects of {listed(objects)}.")
    if len(choices) > 1:
        others = listed(label for label in choices if label != choice)
        notes.append(f'These are the weights under "{shortened(choice)}"; the file also holds: {others}.')
    labels, left = tuple(choices), [choices[choice]]
    del tree, choices  # so that each half is freed as soon as it is widened
    tensors, tied = prepared(left.pop(), notes)
    return Checkpoint(tensors, contents.kind, name, tuple(notes), labels, choice, tied, metadata)


# reading


class _Inert:
    """Stands in for an object beside the weights: keeps a NumPy number, and nothing else."""

    code = ""

    def __init__(self, *args):
        if args and isinstance(args[0], str):  # numpy.dtype("f8", ...)
            self.code = args[0]
        elif len(args) == 2 and isinstance(args[0], _Inert) and isinstance(args[1], bytes):  # scalar(dtype, data)
            form = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i"}.get(args[0].code)
            if form and len(args[1]) == struct.calcsize(form):
                (self.number,) = struct.unpack(form, args[1])

    def __setstate__(self, state):
        if isinstance(state, tuple) and ">" in state:  # of a dtype that is big-endian
            self.code = ""


def _dict_of_nothing(*args):
    return OrderedDict()


_STAND_INS = {"object": _Inert, "name": _Inert, "dict": OrderedDict, "dict function": _dict_of_nothing}


def _read_torch(file, left_out):
    """``torch.load(weights_only=True)``: each class of `left_out` becomes a stand-in, so no foreign code is named."""
    stand_ins = [(_STAND_INS[form], name) for name, form in left_out.items()]
    with _safe_globals_lock, torch.serialization.safe_globals(stand_ins):
        return torch.load(file, map_location="cpu", weights_only=True)


def _read_safetensors(file):
    if isinstance(file, io.BufferedReader) and isinstance(file.name, str):  # the name of an upload is no path
        with safe_open(file.name, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            metadata = opened.metadata()
    else:
        data = file.getvalue() if isinstance(file, io.BytesIO) else file.read()
        length = struct.unpack("<Q", data[:8])[0]
        tensors, metadata = load_safetensors(data), None
        if b"__metadata__" in data[8 : 8 + length]:
            metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    return {name: tensors[name] for name in natural_order(tensors)}, plain_data(metadata or {})


def _without_weights(tree, left_out):
    """What an object without a state dict is."""
    found, seen = [], 0
    queue = [tree]
    while queue and seen < 10_000:
        node, seen = queue.pop(), seen + 1
        if isinstance(node, torch.Tensor):
            found.append(node)
        elif isinstance(node, (list, tuple, dict)):
            queue.extend(node.values() if isinstance(node, dict) else node)
    modules = [name for name in left_out if not name.startswith(("numpy.", "argparse.", "collections.", "pathlib."))]
    if modules:
        return f"holds its model as a pickled object ({listed(modules)}), which only its own code could restore: {SAVE}"
    if any("numpy" in name for name in left_out):
        return "holds NumPy arrays in place of tensors: save a dict of torch.from_numpy(array) with torch.save"
    if found:
        return f"holds tensors without the names that weights have, as a data set does: {DATA}; else {SAVE}"
    return f"holds no tensors: {SAVE}"


def _chosen(choose, labels):
    if choose is None:
        return prefer(labels)
    if type(choose) is int and -len(labels) <= choose < len(labels):
        return labels[choose]
    if choose in labels:
        return choose
    raise Refused(f"has no weights under {shortened(choose)!r}: choose one of {listed(labels)}")
