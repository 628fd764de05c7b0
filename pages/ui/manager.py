"""The run manager: generators of partial results, drained on threads of their own. It knows no Streamlit.

A *job* is a function without arguments that returns an iterator of `Step`. A *run* is one job being worked off. A
*visitor* is any hashable that stands for one open tab, and a *place* the name of a spot on the pages where a visitor
watches one run at a time. Nobody has to clean up after a run: the manager asks before every step whether anyone still
wants it, so a run ends at the next step after its Stop, or after its last visitor has been gone for the grace period;
long products ask between their parts too (`spectral_core.interruption`).
"""

import logging
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator

from threadpoolctl import threadpool_limits

from pages.ui.jobs import Run, Step, sentence, size_of
from spectral_core.interruption import Interrupted, interrupted_when

log = logging.getLogger(__name__)


class RunManager:
    """Works off runs, at most `max_concurrent` at once, and keeps what has ended.

    Parameters
    ----------
    max_concurrent, max_queued : int
        Runs at once, and runs that may wait for their turn.
    max_kept, max_bytes : int
        Ended runs that are kept, and the bytes of their results together. The least recently wanted goes first, those
        on somebody's page last; the newest always stays, so a page never computes the same thing in a circle.
    grace : float
        Seconds that a run goes on after its last visitor has closed the tab, so that a reload rejoins it.

    Notes
    -----
    A result that is still on an open page lives on while that page is open, even where the manager has let it go.

    Threads, as measured with NumPy's OpenBLAS and PyTorch's OpenMP: the number set for OpenBLAS holds for the whole
    process at once; `torch.set_num_threads` holds for the calling thread and for threads that use PyTorch for the
    first time afterwards, never for others that run already, and PyTorch overrides what threadpoolctl sets for OpenMP.
    So whenever a run begins or ends, the manager gives each run an equal share of the cores: OpenBLAS at once, PyTorch
    in each run's own thread before its next step.
    """

    def __init__(
        self,
        max_concurrent: int = 2,
        max_queued: int = 20,
        max_kept: int = 64,
        max_bytes: int = 512 * 2**20,
        grace: float = 5.0,
    ):
        self.max_concurrent, self.max_queued, self.grace = max_concurrent, max_queued, grace
        self.max_kept, self.max_bytes = max_kept, max_bytes
        self.cores = os.cpu_count() or 1  # for each run
        self._lock = threading.RLock()
        self._runs: OrderedDict[Hashable, Run] = OrderedDict()  # least recently wanted first
        self._queue: list[tuple[Run, Callable[[], Iterator[Step]]]] = []
        self._running: set[Run] = set()
        self._watching: dict[tuple[Hashable, str], Run] = {}

    def submit(
        self, key: Hashable, job: Callable[[], Iterator[Step]], title: str = "", threads: int | None = None
    ) -> Run:
        """Return the run for this key: the one that there is, in whatever state, or a new one in the queue.

        A stopped or failed run stays as it is until `forget`; with a full queue the run comes back failed, with the
        sentence. A run that nobody starts to watch within the grace period is dropped. `threads` is the most that PyTorch
        may use in it: small problems are quicker with one.
        """
        with self._lock:
            run = self._runs.get(key)
            deadline = time.monotonic() + self.grace
            if run is not None:
                self._runs.move_to_end(key)
                run._deadline = deadline
                return run
            run = Run(key, title, deadline, threads)
            self._start_waiting()
            if len(self._queue) >= self.max_queued:
                run._end("failed", f"The server is busy: {len(self._queue)} computations wait already. Try again soon.")
                return run
            self._runs[key] = run
            self._queue.append((run, job))
            self._start_waiting()
            return run

    def watch(self, visitor: Hashable, run: Run, place: str = "") -> None:
        """Note that the visitor sees this run in this place. What was seen there before ends unless others see it."""
        with self._lock:
            before = self._watching.get((visitor, place))
            if before is run:
                return
            if before is not None:
                self._unwatch(before, visitor, place, grace=0.0)
            run.left.discard(visitor)
            run.watchers.add((visitor, place))
            self._watching[visitor, place] = run

    def leave(self, visitor: Hashable) -> None:
        """Note that the visitor has gone: after the grace period, what only this visitor watched ends."""
        with self._lock:
            for (who, place), run in list(self._watching.items()):
                if who == visitor:
                    self._unwatch(run, who, place, self.grace)
            for run in self._runs.values():
                run.left.discard(visitor)

    def stop(self, run: Run, visitor: Hashable = None) -> None:
        """End the run at its next step; where others watch it too, leave it to them instead (see `Run.left`)."""
        with self._lock:
            if self.others(run, visitor) and run.active:
                for who, place in list(run.watchers):
                    if who == visitor:
                        self._unwatch(run, who, place, self.grace)
                run.left.add(visitor)
            elif run.state == "queued":
                self._queue = [entry for entry in self._queue if entry[0] is not run]
                run._end("stopped")
            else:
                run.stopping = True

    def forget(self, run: Run) -> None:
        """Drop a run that has ended, so that the next `submit` of its key starts anew."""
        with self._lock:
            if not run.active and self._runs.get(run.key) is run:
                del self._runs[run.key]

    def others(self, run: Run, visitor: Hashable) -> int:
        """Return how many other visitors watch the run."""
        with self._lock:
            return len({who for who, _ in run.watchers} - {visitor})

    def position(self, run: Run) -> int:
        """Return the run's place in the queue, 1 for the next one and 0 for a run that does not wait."""
        return next((i for i, (waiting, _) in enumerate(self._queue, 1) if waiting is run), 0)

    def close(self, patience: float = 0.0) -> None:
        """Stop everything, and wait so many seconds for each run to end."""
        with self._lock:
            runs = [*self._runs.values(), *self._running]
            for run in runs:
                run.watchers.clear()
                self.stop(run)
        for run in runs:
            if run.active:
                run.wait(patience)

    def _unwatch(self, run: Run, visitor: Hashable, place: str, grace: float) -> None:
        del self._watching[visitor, place]
        run.watchers.discard((visitor, place))
        if not run.watchers:
            run._deadline = time.monotonic() + grace
            self._start_waiting()  # a queued run that nobody wants gives up its place

    def _start_waiting(self) -> None:
        for run, _ in self._queue:
            if run._unwanted():
                self._drop(run)
        self._queue = [entry for entry in self._queue if entry[0].state == "queued"]
        while self._queue and len(self._running) < self.max_concurrent:
            run, job = self._queue.pop(0)
            run.state, run._started = "running", time.monotonic()
            self._running.add(run)
            threading.Thread(target=self._drain, args=(run, job), name=f"run {run.title}", daemon=True).start()
        cores = max(1, (os.cpu_count() or 1) // max(1, len(self._running)))
        if cores != self.cores:
            self.cores = cores
            threadpool_limits(cores, user_api="blas")

    def _drop(self, run: Run) -> None:
        """End what nobody waits for; no one has pressed Stop, so whoever returns gets a new run."""
        if self._runs.get(run.key) is run:
            del self._runs[run.key]
        if run.state == "queued":
            run._end("stopped")
        run.stopping = True

    def _drain(self, run: Run, job: Callable[[], Iterator[Step]]) -> None:
        state, error, steps, cores = "finished", "", None, 0
        try:
            steps = iter(job())
            while state == "finished":
                if cores != self.cores:
                    cores = self.cores
                    _limit_torch(min(cores, run.threads or cores))
                if not self._wanted(run):
                    state = "stopped"
                elif (step := self._next(run, steps)) is None:
                    break
                else:
                    run._record(step)
        except Interrupted:
            state = "stopped"
        except BaseException as failure:
            state, error = "failed", sentence(failure)
        try:
            getattr(steps, "close", lambda: None)()
            run.size = size_of(run.latest)
        except BaseException:
            log.exception("A job failed while it was being closed")
        with self._lock:
            run._end(state, error)
            self._running.discard(run)
            self._trim(newest=run)
            self._start_waiting()

    def _next(self, run: Run, steps: Iterator[Step]) -> Step | None:
        with interrupted_when(lambda: not self._wanted(run)):
            return next(steps, None)

    def _wanted(self, run: Run) -> bool:
        with self._lock:
            if run._unwanted():
                self._drop(run)
            return not run.stopping

    def _trim(self, newest: Run) -> None:
        sizes = {key: run.size for key, run in self._runs.items() if not run.active}
        for key in sorted(sizes, key=lambda key: bool(self._runs[key].watchers)):  # stable: oldest first in each half
            if len(sizes) <= self.max_kept and sum(sizes.values()) <= self.max_bytes:
                break
            if self._runs[key] is not newest:
                del self._runs[key], sizes[key]


def _limit_torch(cores: int) -> None:
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(cores)
