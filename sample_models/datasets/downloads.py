"""Files fetched once, checked by SHA-256 and kept in the user's cache folder."""

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Remote", "cached", "fetch_steps"]

CHUNK = 2**16
TIMEOUT = 20  # seconds without a byte


@dataclass(frozen=True)
class Remote:
    """Files below one address; `folder` below the cache; `files` maps a name to its bytes and SHA-256."""

    url: str
    folder: str
    files: dict[str, tuple[int, str]]


def cached(remote, file, cache=None):
    """Where a fetched file lies."""
    if cache is None:
        import pooch

        cache = pooch.os_cache("eigenscope")
    return Path(cache, remote.folder, file)


def fetch_steps(remote, title, *, cache=None, base_url=None):
    """Fetch what is missing, yielding the fraction of all bytes that is here; stop iterating to stop fetching.

    Raises
    ------
    ValueError
        One sentence: no connection, another answer than the file, a cut download, a wrong checksum, no cache folder.
    """
    total = sum(size for size, _ in remote.files.values())
    done = 0
    for file, (size, sha256) in remote.files.items():
        path = cached(remote, file, cache)
        if not path.is_file() or _sha256(path) != sha256:
            url = f"{(base_url or remote.url).rstrip('/')}/{file}"
            for fraction in _fetch(
                url, path, sha256, title, f"try again later, or put {remote.url}/{file} into {path.parent}"
            ):
                yield min((done + fraction * size) / total, 1.0)
        done += size
    yield 1.0


def _fetch(url, path, sha256, title, by_hand):
    """Copy the answer into `path`, yielding its fraction; the file appears only whole and right."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise ValueError(f"the cache folder {path.parent} cannot be written ({error.strerror}): give one.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield from _stream(url, file, f"{title} could not be fetched", by_hand)
        if _sha256(partial) != sha256:
            raise ValueError(
                f"{title} was fetched from {url} but is not the file known here (its SHA-256 differs), and was "
                f"removed: {by_hand}."
            )
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)


def _stream(url, file, failed, by_hand):
    host = urlsplit(url).netloc
    done = total = 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                yield min(done / total, 1.0) if total else 0.0
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"{failed}: {host} answered {error.code} {error.reason}; {by_hand}.") from None
    except (OSError, http.client.HTTPException) as error:
        if not done:
            raise ValueError(f"{failed}: no connection to {host}; {by_hand}.") from error
        total = total or done + 1
    if done < total:
        raise ValueError(f"{failed}: the connection to {host} broke after {done:,} of {total:,} bytes; try again.")


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
