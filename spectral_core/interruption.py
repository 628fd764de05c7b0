"""Long products that can be stopped half way: who waits says when, who works asks between its parts."""

from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Interrupted", "interrupted_when", "stop_if_asked"]

_wanted = ContextVar("asked to stop", default=None)


class Interrupted(Exception):
    """The work was asked to stop. It leaves nothing half done behind but its own time."""


@contextmanager
def interrupted_when(asked):
    """Within it, on this thread, `stop_if_asked` raises `Interrupted` once ``asked()`` is true.

    >>> with interrupted_when(lambda: False):
    ...     stop_if_asked()
    """
    token = _wanted.set(asked)
    try:
        yield
    finally:
        _wanted.reset(token)


def stop_if_asked():
    """Called between the tiles of a matrix or the mini-batches of a data set; costs nothing where nobody may ask."""
    asked = _wanted.get()
    if asked is not None and asked():
        raise Interrupted("asked to stop")
