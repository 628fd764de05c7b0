"""What a file that is no checkpoint of tensors is instead, from its first bytes or its members: one clause each."""

import re

__all__ = ["Refused", "kind_of_bytes", "kind_of_names", "kind_of_zip"]

SAVE = "save the weights where the model runs, with torch.save(model.state_dict(), 'weights.pt'), and open that file"
CONVERT = "put the weights into a dict of torch tensors, save that with safetensors.torch.save_file and open the result"
CUT_OFF = "is cut off or damaged: it ends before its {} do, so fetch or copy it again"
DATA = "a data set is chosen apart from the model, under the data"


class Refused(ValueError):
    """Why a file is not loaded: a clause that follows the name of the file, without a full stop."""


# first bytes, what it is, what to do
_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras or MATLAB)", CONVERT),
    (b"\x93NUMPY", "a NumPy array", CONVERT),
    (b"\x1f\x8b", "compressed with gzip", "unpack it and open what is inside"),
    (b"BZh", "compressed with bzip2", "unpack it and open what is inside"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it and open what is inside"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstandard", "unpack it and open what is inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and open what is inside"),
    (b"Rar!", "a RAR archive", "unpack it and open what is inside"),
    (b"GGUF", "a GGUF file (llama.cpp, quantised)", "open the safetensors or torch file that it was made from"),
    (b"\x89PNG", "a PNG picture", DATA),
    (b"\xff\xd8\xff", "a JPEG picture", DATA),
    (b"GIF8", "a GIF picture", DATA),
    (b"%PDF", "a PDF document", "open the checkpoint itself"),
    (b"PAR1", "a Parquet table", DATA),
    (b"\x00\x00\x08", "an IDX file of images or labels (as MNIST has)", DATA),
    (b"\x04\x00\x00\x00\x01\x00\x00\x00\x03", "a Torch7 (Lua) file", CONVERT),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch the file with git lfs pull"),
    (b"<!DOCTYPE", "a web page, not the file it should have led to", "download the file itself (the raw link)"),
    (b"<html", "a web page, not the file it should have led to", "download the file itself (the raw link)"),
    (b"PK\x05\x06", "an empty archive", SAVE),
)


def kind_of_bytes(head):
    """What a file is that begins with `head` (some 4 KB) and is neither a torch nor a safetensors file."""
    for beginning, what, advice in _BEGINNINGS:
        if head.lower().startswith(beginning.lower()):
            return f"is {what}: {advice}"
    if head[4:8] == b"TFL3":
        return f"is a TensorFlow Lite file: {CONVERT}"
    if head[257:262] == b"ustar":
        return "is a tar archive (or a torch file from before 2018): unpack it and open the checkpoint inside"
    if head[:1] == b"\x08" and re.search(rb"pytorch|onnx|skl2onnx|tf2onnx|keras2onnx", head, re.IGNORECASE):
        return f"is an ONNX graph: {SAVE}"
    if (
        head[:1]
        and (0x80 < head[0] <= 0x8F or head[:1] in b"\xde\xdf")
        and re.search(rb"params|kernel|opt_state", head)
    ):
        return f"is a flax checkpoint (msgpack): {CONVERT}"
    if not head.strip(b"\x00"):
        return "holds only zeros, as a failed download or copy does: fetch it again"
    if head[:1] == b"\x80" or head[:2] in (b"(d", b"(l", b"cc"):
        return f"is a damaged or cut off pickle: fetch it again, or {SAVE}"
    try:
        text = head[: max(len(head) - 4, 1)].decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    if text.isprintable() or all(c.isprintable() or c in "\r\n\t\f" for c in text):
        return f"is text, not a checkpoint: {SAVE}"
    return f"is of no kind that is known here: {SAVE}"


def kind_of_zip(names):
    """What a zip archive with these members is, or ``""`` where it may be a torch file of tensors."""
    last = [name.rsplit("/", 1)[-1] for name in names]
    if any(name.endswith(("/constants.pkl", "/attributes.pkl")) or "/code/" in f"/{name}" for name in names):
        return f"is a TorchScript module, which carries code: {SAVE}"
    if "archive_format" in last or any("exported_program" in name for name in names):
        return f"is an exported program (torch.export), which carries a graph and not only weights: {SAVE}"
    if any(name.endswith("/data.pkl") for name in names):
        return ""
    if any(name.endswith(".npy") for name in names):
        return f"is an archive of NumPy arrays (npz): {CONVERT}, or choose it under the data if it is a data set"
    if "model.weights.h5" in last:
        return f"is a Keras model: {CONVERT}"
    if "[Content_Types].xml" in last:
        return "is an office document: open the checkpoint itself"
    inside = [name for name in last if name.lower().endswith((".pt", ".pth", ".ckpt", ".safetensors", ".bin"))]
    if inside:
        return f"is a zip archive with {shortened(inside[0])} inside: unpack it and open that"
    if any(name.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")) for name in last):
        return f"is a zip archive of images: {DATA}"
    return f"is a zip archive without a checkpoint in it: {SAVE}"


_RUNS = re.compile(
    r"(os|posix|nt|sys|io|_io|codecs|subprocess|shutil|socket|pty|ctypes|importlib|runpy|webbrowser|pickle|code|marshal|tempfile|"
    r"urllib|builtins|pathlib|pdb|timeit|cProfile|torch\.jit|torch\.hub)\b"
)


def kind_of_names(names):
    """What a pickle is that calls these `names` (``module.attribute``), none of which a dict of tensors needs."""
    runs = [name for name in names if _RUNS.match(name)]
    if runs:
        return f"asks to run {listed(runs)} when it is opened, which no checkpoint needs: it was not opened"
    if any("qtensor" in name or re.search(r"\.Q\w*Storage", name) for name in names):
        return f"holds quantised tensors: before quantising, {SAVE}"
    if any(re.search("_get_layout|sparse|nested_tensor", name) for name in names):
        return "holds sparse or nested tensors: make them dense with .to_dense() and save again"
    if any("meta_tensor" in name for name in names):
        return f"holds tensors without values (on the meta device): load the weights first, then {SAVE}"
    if any(name.startswith("torch.distributed") for name in names):
        return "holds one part of a distributed checkpoint: gather the full state dict and save that"
    if any(name.startswith("sklearn.") for name in names):
        return "is a scikit-learn model: models of PyTorch are read here, so build it anew as a torch module"
    return f"holds objects of {listed(names)}, which only code could restore: {SAVE}"


def listed(names):
    """At most three names, each short enough to print."""
    names = [shortened(name) for name in dict.fromkeys(names)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def shortened(name):
    """A name from a file, printable and at most 60 characters long."""
    name = "".join(c if c.isprintable() else "?" for c in str(name)[:61])
    return name if len(name) <= 60 else name[:59] + "…"
