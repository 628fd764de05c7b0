"""The bytes of a file that somebody brings: read up to a limit, unpacked, and found to be text or not."""

import codecs
import gzip
import io
import zlib
from os import PathLike
from pathlib import Path

__all__ = ["file_bytes", "plain_text", "size_in_words", "unpacked"]

CHUNK = 2**20
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v")) + b"\x7f"
ARCHIVES = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7-zip", b"\x28\xb5\x2f\xfd": "zstd", b"Rar!": "rar"}


def file_bytes(source, name, max_bytes, what):
    """``(bytes, name)`` of a path, bytes or binary file object.

    Parameters
    ----------
    source : path, bytes or binary file object
    name : str or None
        Where the source does not tell.
    max_bytes : int
    what : str
        What is read, for messages: ``"a graph"``.

    Raises
    ------
    ValueError
        The file is missing, too large, or opened as text.
    """
    if isinstance(source, str | PathLike):
        path = Path(source)
        name = name or path.name
        if not path.is_file():
            raise ValueError(f"there is no file {path}: check its path.")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        name = name or getattr(source, "name", None)
        data = source.read(max_bytes + 1)
        if not isinstance(data, bytes):
            raise ValueError(f"a file object must be opened in binary mode ('rb'); it gave {type(data).__name__}.")
    else:
        raise ValueError(f"{what} is read from a path, bytes or a binary file; got {type(source).__name__}.")
    name = str(name or "the file")
    if len(data) > max_bytes:
        raise ValueError(f"{name} is larger than {size_in_words(max_bytes)}, the limit: give a smaller file.")
    return data, name


def unpacked(data, max_bytes):
    """Undo gzip in pieces, never beyond the limit."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    pieces, total = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while piece := stream.read(CHUNK):
                pieces.append(piece)
                total += len(piece)
                if total > max_bytes:
                    raise ValueError(
                        f"its gzipped content is larger than {size_in_words(max_bytes)}, the limit, and was not unpacked "
                        "further: give a smaller file."
                    )
    except EOFError:
        raise ValueError("its gzip stream is cut in the middle: fetch the file again.") from None
    except (OSError, zlib.error):
        raise ValueError("its gzip stream is damaged: fetch the file again.") from None
    return b"".join(pieces)


def plain_text(data, instead):
    """UTF-8 text without control characters and byte-order mark, its lines ended by ``\\n``; `instead` is what to give.

    UTF-16 with a byte-order mark is read too, as spreadsheets write it.
    """
    for magic, kind in ARCHIVES.items():
        if data.startswith(magic):
            raise ValueError(f"it is a {kind} archive: unpack it first (gzip is read as it is).")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            raise ValueError("its UTF-16 text is cut or damaged: save it as UTF-8.") from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    if len(data.translate(None, CONTROL)) != len(data):
        raise ValueError(f"it is a binary file of no kind that is known here: give {instead}.")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("it is not UTF-8 text: save it as UTF-8, or give text instead of a binary file.") from None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def size_in_words(count):
    """A number of bytes as one says it.

    >>> size_in_words(3 * 2**20)
    '3 MiB'
    """
    return (
        f"{count / 2**30:g} GiB"
        if count >= 2**30
        else f"{count / 2**20:g} MiB"
        if count >= 2**20
        else f"{count:,} bytes"
    )
