"""What the pickle of a torch file claims: every name, storage and tensor is checked against what the file holds."""

import math
import re

import torch

from sample_models.file_kinds import CUT_OFF, SAVE, Refused, kind_of_names, shortened
from sample_models.pickles import Call, Storage

__all__ = ["check_protocol", "checked_claims", "module_in", "storage_identity", "whole_module"]

_ITEM_BYTES = {
    **{f"{kind}Storage": 1 for kind in ("Bool", "Byte", "Char")},
    **{f"{kind}Storage": 2 for kind in ("Half", "BFloat16", "Short")},
    **{f"{kind}Storage": 4 for kind in ("Float", "Int")},
    **{f"{kind}Storage": 8 for kind in ("Double", "Long", "ComplexFloat")},
    "ComplexDoubleStorage": 16,
}
_DTYPES = frozenset(str(value) for value in vars(torch).values() if isinstance(value, torch.dtype))
_TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
_PARAMETERS = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
# Containers without code of their own; `torch.load` gets an inert stand-in for these and for plain objects
_BLOCKED = ("os", "sys", "posix", "nt")
_HARMLESS = re.compile(r"(numpy|argparse|pathlib|datetime|collections|omegaconf|pytorch_lightning|lightning\w*)\.")


def checked_claims(found, fits):
    """Every name, storage and tensor of an outline; returns the classes whose objects are to be left out."""
    check_protocol(found)
    left_out, bytes_of_storage = {}, {}
    for storage in found.storages:
        key, count, item = storage_identity(storage)
        if not fits(key, count, item) or bytes_of_storage.setdefault(key, count * item) != count * item:
            raise Refused(CUT_OFF.format("tensors"))
    module = found.root if isinstance(found.root, Call) and _is_module(found.root) else None
    if module is not None:
        raise Refused(whole_module(module.name))
    views = {}
    for call in found.calls:
        if call.name in _TENSORS:
            views[_view(call)] = None
        elif call.name in _PARAMETERS:
            if call.state is not None or not isinstance(call.args, tuple) or not _is_tensor(call.args[:1]):
                raise Refused(f"holds a parameter without a tensor: {SAVE}")
        elif not _is_plain_container(call):
            _leave_out(call, left_out)
    for name in found.names:
        if name.split(".")[0] in _BLOCKED:
            raise Refused(kind_of_names([name]))
        if not _is_torch_data(name):
            left_out.setdefault(name, "name")  # of a class, and never called
    if sum(length for *_, length in views) > 2 * sum(bytes_of_storage.values()) + 1024:
        raise Refused(f"holds tensors that share their numbers again and again, so they would not fit: {SAVE}")
    return left_out


def check_protocol(found):
    if found.protocol != 2:
        raise Refused(f"was saved with pickle_protocol={found.protocol}: save it again with torch.save as it stands")


def _leave_out(call, left_out):
    """Plain objects and harmless containers get an inert stand-in; every other call is refused."""
    name = call.name
    known = _HARMLESS.match(name) or (
        call.creates and not re.match(r"builtins\.|torch\.(?!optim\.|utils\.|amp\.)", name)
    )
    is_module = _is_module(call)
    if name.split(".")[0] in _BLOCKED or not (known or is_module) or call.elements:
        raise Refused(kind_of_names([name]))
    if call.entries is not None:
        left_out[name] = "dict" if call.creates else "dict function"
    left_out.setdefault(name, "object")


def storage_identity(storage):
    """``(key, count of numbers, bytes of one)`` of a storage that is claimed, all non-negative."""
    identity = storage.identity
    if isinstance(identity, tuple) and identity and identity[0] == "module":
        raise Refused(whole_module(identity[1] if len(identity) > 1 else "?"))
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise Refused(f"refers to something that is no tensor storage: {SAVE}")
    _, name, key, location, count = identity[:5]
    item = _ITEM_BYTES.get(str(name).rsplit(".", 1)[-1]) if isinstance(name, str) and _is_torch_data(name) else None
    if item is None:
        raise Refused(
            f"holds numbers of a kind that is not read here ({shortened(name) if isinstance(name, str) else '?'}): "
            "convert the tensors with .float() and save again"
        )
    if not isinstance(key, str) or not isinstance(location, str) or type(count) is not int:
        raise Refused(CUT_OFF.format("tensors"))
    if count < 0:
        raise Refused(f"claims a storage of {count} numbers: a negative size")
    if len(identity) == 6 and identity[5] is not None:
        raise Refused("was saved by a torch of before 2018: load and save it again with a newer one")
    return key, count, item


def _view(call):
    """``(key, offset, size, stride, bytes)`` of a tensor that lies within its storage and is not expanded."""
    args = call.args
    if call.state is not None or not isinstance(args, tuple) or len(args) < 4 or not isinstance(args[0], Storage):
        raise Refused(f"holds a tensor without its numbers: {SAVE}")
    storage, offset, size, stride = args[:4]
    shapes = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= 16
    if not shapes or any(type(k) is not int for k in (offset, *size, *stride)):
        raise Refused(f"holds a tensor whose shape is no list of whole numbers: {SAVE}")
    if offset < 0 or any(k < 0 for k in (*size, *stride)):
        raise Refused(f"claims a tensor of shape {_shape(size)} with strides {_shape(stride)}: a negative size")
    key, count, item = storage_identity(storage)
    numbers = math.prod(size)
    last = offset + sum((k - 1) * step for k, step in zip(size, stride, strict=True)) if numbers else offset - 1
    if numbers > count or last >= count:
        raise Refused(
            f"claims a tensor of shape {_shape(size)} in a storage of {count} numbers, which does not fit: "
            "save it again after .contiguous()"
        )
    return key, offset, size, stride, numbers * item


def _shape(size):
    return shortened("(" + ", ".join(str(k) if abs(k) < 10**18 else "…" for k in size) + ")")


def _is_tensor(args):
    return len(args) == 1 and isinstance(args[0], Call) and args[0].name in _TENSORS


def _is_plain_container(call):
    """A call that makes a container of plain things, and nothing larger than what the file spells out."""
    args = call.args
    if not isinstance(args, tuple):
        return False
    if call.name == "collections.OrderedDict":
        return (not args or _are_pairs(args)) and (call.state is None or isinstance(call.state, dict))
    if call.name in ("torch.Size", "builtins.set"):
        return len(args) <= 1 and all(
            isinstance(k, (int, str)) for part in args for k in (part if isinstance(part, (tuple, list)) else (None,))
        )
    if call.name == "torch.device":
        return len(args) <= 2 and all(isinstance(k, (int, str)) for k in args)
    if call.name == "collections.Counter":
        return len(args) <= 1 and all(isinstance(part, dict) for part in args)
    return call.name == "_codecs.encode" and len(args) == 2 and isinstance(args[0], str) and args[1] == "latin1"


def _are_pairs(args):
    return (
        len(args) == 1
        and isinstance(args[0], list)
        and all(isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in args[0])
    )


def _is_torch_data(name):
    return bool(
        re.fullmatch(r"torch\.(cuda\.)?\w+Storage", name)
        or name in (*_TENSORS, *_PARAMETERS, "torch.Size", "torch.device", "_codecs.encode", "builtins.set")
        or name in ("collections.OrderedDict", "collections.Counter")
        or name in _DTYPES
    )


def _is_module(call):
    """Its state is that of a ``torch.nn.Module``."""
    return isinstance(call.state, dict) and "_parameters" in call.state and "_modules" in call.state


def module_in(found):
    return next((call.name for call in found.calls if _is_module(call)), "")


def whole_module(name):
    return f"is a whole pickled module ({shortened(name)}), which only its own code could restore: {SAVE}"
