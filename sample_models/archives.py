"""Checks of a torch or safetensors file before any loader sees it: members, names, sizes, all read without running."""

import json
import struct
import zipfile
from dataclasses import dataclass
from itertools import pairwise

from sample_models.claims import check_protocol, checked_claims, module_in, storage_identity, whole_module
from sample_models.file_kinds import CUT_OFF, SAVE, Refused, kind_of_bytes, kind_of_names, kind_of_zip
from sample_models.pickles import outline

__all__ = ["Contents", "check"]

LONGEST_DIRECTORY = 2_000_000  # bytes: some 25 000 members
LONGEST_PICKLE = 64_000_000
LONGEST_HEADER = 2_000_000

_MAGIC = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True)
class Contents:
    """What a checked file is: its `kind`, and the classes whose objects are to be left out.

    `left_out` maps the name of each to "object", "dict", "dict function" (one that is called and returns a dict) or, where
    it is only mentioned, "name".
    """

    kind: str
    left_out: dict


def check(file, size):
    """Read what an open binary `file` of `size` bytes claims to hold, and refuse what does not fit.

    Returns
    -------
    Contents
        `kind` is one of "torch file", "torch file (legacy)" and "safetensors file".

    Raises
    ------
    Refused
        With what it is instead, or what is wrong with it.
    """
    head = file.read(4096)
    if not head:
        raise Refused("is empty: fetch or save it again")
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return _check_zip(file, size)
    if _is_safetensors(head):
        return _check_safetensors(file, size)
    if head[257:262] != b"ustar" and (head[:1] == b"\x80" or head[:1] in b"(]}c"):
        return _check_legacy(file, size, head)
    raise Refused(kind_of_bytes(head))


# zip files, which torch.save writes since 2020


def _check_zip(file, size):
    """Stored members only, one after the other, none twice: so no member can be larger than the file."""
    archive, members = _directory(file, size)
    with archive:
        if kind := kind_of_zip(list(members)):
            raise Refused(kind)
        if any(member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members.values()):
            raise Refused(
                "is a torch file that was compressed afterwards: unpack it, and save it again with torch.save"
            )
        if sum(member.file_size for member in members.values()) > size or any(
            member.file_size != member.compress_size for member in members.values()
        ):
            raise Refused(CUT_OFF.format("members"))
        pickles = [name for name in members if name.endswith("/data.pkl")]
        folder = pickles[0].removesuffix("data.pkl")
        if len(pickles) > 1 or folder.count("/") != 1 or not all(name.startswith(folder) for name in members):
            raise Refused("is not laid out as torch.save does: save the weights again with torch.save")
        if members[pickles[0]].file_size > LONGEST_PICKLE:
            raise Refused(
                f"lists more than any checkpoint does ({members[pickles[0]].file_size} bytes of names): {SAVE}"
            )
        try:
            with archive.open(pickles[0]) as stream:
                found = outline(stream)
        except (ValueError, zipfile.BadZipFile, OSError, RuntimeError) as error:
            raise Refused(_too_long_or_damaged(error)) from error
    bytes_of = {name.removeprefix(f"{folder}data/"): member.file_size for name, member in members.items()}
    return Contents("torch file", checked_claims(found, lambda key, count, item: bytes_of.get(key) == count * item))


def _directory(file, size):
    """The archive and its members by name, whose directory must end where the file does, as torch writes it."""
    file.seek(max(size - 66_000, 0))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise Refused(CUT_OFF.format("members"))
    if struct.unpack("<L", tail[at + 12 : at + 16])[0] > LONGEST_DIRECTORY and tail[at + 12 : at + 16] != b"\xff" * 4:
        raise Refused("is an archive of more members than any checkpoint has")
    wide = tail.rfind(b"PK\x06\x06", 0, at)
    if wide >= 0 and len(tail) - wide >= 56 and struct.unpack("<Q", tail[wide + 40 : wide + 48])[0] > LONGEST_DIRECTORY:
        raise Refused("is an archive of more members than any checkpoint has")
    try:
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as error:
        raise Refused(CUT_OFF.format("members")) from error
    members = {info.filename: info for info in infos}
    offsets = sorted((info.header_offset, info.compress_size) for info in infos)
    is_torch = any(name.endswith("/data.pkl") for name in members)
    overlaps = any(begin + length > after for (begin, length), (after, _) in pairwise(offsets))
    if is_torch and (len(members) != len(infos) or overlaps or offsets[0][0] != 0 or at + 22 != len(tail)):
        raise Refused("is not laid out as torch.save does: save the weights again with torch.save")
    return archive, members


# one pickle after the other, then the storages: torch.save until 2020


def _check_legacy(file, size, head):
    """Five pickles (magic number, protocol, system, the object, the keys of its storages), then count and data of each."""
    try:
        first = outline(file)
    except ValueError as error:
        raise Refused(kind_of_bytes(head) if "too long" not in str(error) else _too_long_or_damaged(error)) from error
    if first.root != _MAGIC:
        _refuse_plain_pickle(first)
    try:
        version, system, found, keys = (outline(file) for _ in range(4))
    except ValueError as error:
        raise Refused(_too_long_or_damaged(error)) from error
    for each in (first, version, system, keys):
        check_protocol(each)
    keys = keys.root
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise Refused(f"has no readable list of storages: {SAVE}")
    if not isinstance(system.root, dict) or system.root.get("little_endian") is not True:
        raise Refused("was written on a big-endian machine: save it again with a torch of 2020 or later")
    items = {}
    for storage in found.storages:
        key, _, item = storage_identity(storage)
        items[key] = item
    counts = {}
    for key in keys:
        count = file.read(8)
        if len(count) < 8 or key not in items:
            raise Refused(CUT_OFF.format("tensors"))
        counts[key] = struct.unpack("<q", count)[0]
        if counts[key] < 0 or file.tell() + counts[key] * items[key] > size:
            raise Refused(CUT_OFF.format("tensors"))
        file.seek(counts[key] * items[key], 1)
    return Contents("torch file (legacy)", checked_claims(found, lambda key, count, item: counts.get(key) == count))


def _refuse_plain_pickle(found):
    if module := module_in(found):
        raise Refused(whole_module(module))
    foreign = [call.name for call in found.calls if not call.name.startswith(("collections.", "builtins.set"))]
    runs = kind_of_names(foreign) if foreign else ""
    if "asks to run" in runs or "scikit-learn" in runs:
        raise Refused(runs)
    raise Refused(f"is a pickle that was not written by torch.save and is therefore not opened: {SAVE}")


def _too_long_or_damaged(error):
    if "too long" in str(error):
        return f"lists more than any checkpoint does: {SAVE}"
    return CUT_OFF.format("contents")


# safetensors: eight bytes, a JSON header, the data


def _is_safetensors(head):
    return len(head) > 9 and head[8:9] == b"{" and head[5:8] == b"\x00\x00\x00"


def _check_safetensors(file, size):
    length = struct.unpack("<Q", file.read(8))[0]
    if length > LONGEST_HEADER:
        raise Refused(f"has a header of {length} bytes, more than any checkpoint needs")
    raw = file.read(length)
    try:
        header = json.loads(raw) if len(raw) == length else None
        spans = [entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"]
        end = max((int(after) for _, after in spans), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(CUT_OFF.format("header and tensors")) from error
    if 8 + length + end != size:
        raise Refused(CUT_OFF.format("tensors"))
    return Contents("safetensors file", {})
