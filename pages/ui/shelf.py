"""The last few things that were made, shared by all visitors of the server."""

import threading
from collections import OrderedDict

__all__ = ["Shelf"]


class Shelf:
    """At most `most` values by key; the least recently wanted goes first.

    >>> shelf = Shelf(2)
    >>> for letter in "abc":
    ...     shelf.put(letter, letter.upper())
    >>> shelf.get("a"), shelf.get("c")
    (None, 'C')
    """

    def __init__(self, most):
        self.most, self._lock, self._kept = most, threading.Lock(), OrderedDict()

    def get(self, key):
        """The value, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key, value):
        """Keep a value."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
