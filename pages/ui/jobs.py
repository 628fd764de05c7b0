"""What the run manager and the pages speak of: a step of a job, a run, and a failure in one sentence."""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """What a job yields: how far it is, and the complete result so far.

    Parameters
    ----------
    fraction : float
        The share of the work that is done, 0 to 1.
    result : Any
        A complete partial result that nobody changes any more; ``None`` leaves the last one standing.
    note : str
        A few words on what is going on, such as ``"probe 3 of 10"``.
    """

    fraction: float
    result: Any = None
    note: str = ""


class Run:
    """One job and what has come of it so far. Pages read it; only the manager writes.

    Attributes
    ----------
    key : Hashable
        ``(content hash, Settings)``: equal keys share one run.
    title : str
        What is being computed, in words.
    state : {"queued", "running", "finished", "stopped", "failed"}
        ``"stopped"`` only once the generator has ended; until then `stopping` is true.
    latest : Any
        The last result, or ``None``. Replaced as a whole, never changed, so it may be read at any moment.
    version : int
        Counts the results: redraw when it changes.
    size : int
        About how many bytes the last result holds, once the run has ended.
    fraction, note : float, str
        Those of the last step.
    error : str
        One sentence for the visitor where the state is ``"failed"``.
    threads : int or None
        Of PyTorch, at most; None for the run's share of the cores.
    """

    def __init__(self, key: Hashable, title: str, deadline: float, threads: int | None = None):
        self.key, self.title, self.threads = key, title, threads
        self.state, self.stopping = "queued", False
        self.latest, self.version, self.size = None, 0, 0
        self.fraction, self.note, self.error = 0.0, "", ""
        self.watchers: set[tuple[Hashable, str]] = set()  # (visitor, place)
        self.left: set[Hashable] = set()  # visitors who pressed Stop while others watched
        self._deadline = deadline  # nobody watches: ended at the first step after this
        self._started = self._ended = None
        self._over = threading.Event()
        self._marks: deque[tuple[float, float]] = deque(maxlen=256)  # (time, fraction)

    def __repr__(self) -> str:
        return f"<Run {self.title!r} {self.state} {self.fraction:.0%}>"

    @property
    def active(self) -> bool:
        """Whether there is more to come."""
        return self.state in ("queued", "running")

    @property
    def elapsed(self) -> float:
        """Seconds of work so far."""
        return 0.0 if self._started is None else (self._ended or time.monotonic()) - self._started

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end at the pace of the later half of the run; ``None`` while too little is known."""
        marks = list(self._marks)
        if self.state != "running" or self.elapsed < 1 or len(marks) < 3 or marks[-1][1] <= 0:
            return None
        last, fraction = marks[-1]
        halfway = last - (last - self._started) / 2
        then, before = next(((t, f) for t, f in reversed(marks) if t <= halfway), marks[0])
        pace = (fraction - before) / (last - then) if fraction > before else fraction / (last - self._started)
        return max(0.0, (1 - fraction) / pace - (time.monotonic() - last))

    def _record(self, step: Step) -> None:
        now = time.monotonic()
        if step.result is not None:
            self.latest = step.result
            self.version += 1
        self.fraction, self.note = min(max(float(step.fraction), 0.0), 1.0), step.note
        if not self._marks or now - self._marks[-1][0] > max(0.05, self.elapsed / 200):
            self._marks.append((now, self.fraction))

    def _end(self, state: str, error: str = "") -> None:
        self.error, self._ended, self.state = error, time.monotonic(), state
        self._over.set()

    def wait(self, seconds: float) -> None:
        """Return when the run ends, or after so many seconds."""
        self._over.wait(seconds)

    def _unwanted(self) -> bool:
        return not self.watchers and time.monotonic() >= self._deadline


def sentence(error: BaseException) -> str:
    """Return one sentence for a visitor; what nobody foresaw is told in the log only, with its traceback."""
    text = str(error).strip()
    memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if memory or "can't allocate memory" in text:
        log.warning("Out of memory: %s", text)
        return "There is not enough memory for this: choose a smaller problem, fewer probes or fewer steps."
    if isinstance(error, ValueError) and text:
        return text
    log.error("Unforeseen failure", exc_info=error)
    return f"Something went wrong that was not foreseen ({type(error).__name__}); the server's log has the details."


def size_of(result: Any) -> int:
    """Return about how many bytes a result holds: arrays, tensors and what containers and attributes lead to.

    Examples
    --------
    >>> import numpy as np
    >>> size_of({"a": [np.zeros(1000), "x"]}) // 1000
    8
    """
    total, seen, found = 0, set(), [result]
    while found:
        item = found.pop()
        if id(item) in seen or isinstance(item, type):
            continue
        seen.add(id(item))
        if isinstance(nbytes := getattr(item, "nbytes", None), int):
            total += nbytes
        elif isinstance(item, Mapping):
            found += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            found += item
        else:
            total += sys.getsizeof(item)
            found += vars(item).values() if hasattr(item, "__dict__") else ()
    return total
