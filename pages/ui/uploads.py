"""Uploaded files, kept by content hash, so that a page switch, a reload or a shared link finds them again."""

import hashlib
import threading
from collections import OrderedDict

__all__ = ["KEPT", "digest_of", "fetch", "forget", "keep"]

MAX_BYTES = 500 * 2**20
KEPT = (
    "Uploads are kept in this server's memory until it restarts or 500 MB of newer ones push them out; "
    "they are written to no disk and seen by nobody without the link."
)

_lock = threading.Lock()
_files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()


def digest_of(content: bytes) -> str:
    """SHA-256 of the content, 16 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:16]


def keep(name: str, content: bytes) -> str:
    """Keep a file, let the oldest go beyond 500 MB, and return its digest."""
    digest = digest_of(content)
    with _lock:
        _files[digest] = (name, content)
        _files.move_to_end(digest)
        while len(_files) > 1 and sum(len(c) for _, c in _files.values()) > MAX_BYTES:
            _files.popitem(last=False)
    return digest


def fetch(digest: str) -> tuple[str, bytes] | None:
    """``(name, content)``, or None where it is not kept here."""
    with _lock:
        if digest in _files:
            _files.move_to_end(digest)
        return _files.get(digest)


def forget(digest: str) -> None:
    """Let a file go."""
    with _lock:
        _files.pop(digest, None)
