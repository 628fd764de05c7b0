"""The run manager, without Streamlit: every wait is for an event, never for a time."""

import doctest
import threading
import time

import numpy as np
import pytest

import pages.ui.jobs
from pages.ui.jobs import Run, Step, sentence, size_of
from pages.ui.manager import RunManager
from spectral_core.interruption import stop_if_asked

PATIENCE = 10.0  # only ever reached by a failing test


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


class Job:
    """A job that takes one step whenever it is told to, and says when it has been closed."""

    def __init__(self, steps=3, error=None):
        self.steps, self.error = steps, error
        self.go, self.closed = threading.Semaphore(0), threading.Event()
        self.calls = 0

    def __call__(self):
        self.calls += 1
        try:
            for i in range(self.steps):
                if not self.go.acquire(timeout=PATIENCE):
                    return  # the test is over
                yield Step((i + 1) / self.steps, result=i + 1, note=f"step {i + 1}")
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()

    def step(self, run):
        version = run.version
        self.go.release()
        until(lambda: run.version > version or not run.active)

    def finish(self, run):
        for _ in range(self.steps):
            self.go.release()
        until(lambda: not run.active)


@pytest.fixture
def manager():
    manager = RunManager()
    yield manager
    manager.close()


def test_partial_results_arrive_one_by_one(manager):
    job = Job()
    run = manager.submit("key", job, "Three steps")
    manager.watch("me", run)
    assert run.latest is None
    job.step(run)
    assert (run.latest, run.note, run.version) == (1, "step 1", 1)
    assert run.fraction == pytest.approx(1 / 3)
    job.finish(run)
    assert (run.state, run.latest, run.fraction, run.error) == ("finished", 3, 1.0, "")


def test_a_step_without_a_result_leaves_the_last_one(manager):
    run = manager.submit("key", lambda: iter([Step(0.5, "half"), Step(1.0)]))
    until(lambda: not run.active)
    assert (run.state, run.latest, run.version, run.fraction) == ("finished", "half", 1, 1.0)


def test_equal_keys_share_a_run_while_it_works_and_after(manager):
    job, second = Job(), Job()
    run = manager.submit(("hash", 1), job)
    manager.watch("me", run)
    assert manager.submit(("hash", 1), second) is run
    job.finish(run)
    assert manager.submit(("hash", 1), second) is run
    assert second.calls == 0


def test_stop_ends_the_generator_at_its_next_step_and_keeps_the_result(manager):
    job = Job()
    run = manager.submit("key", job)
    manager.watch("me", run)
    job.step(run)
    manager.stop(run, "me")
    assert run.stopping
    assert run.state == "running"  # the generator has not ended yet
    job.go.release()
    until(lambda: run.state == "stopped")
    assert job.closed.is_set()
    assert run.latest in (1, 2)


def test_a_stopped_run_stays_until_it_is_forgotten(manager):
    job = Job()
    run = manager.submit("key", job)
    manager.watch("me", run)
    manager.stop(run, "me")
    job.go.release()
    until(lambda: run.state == "stopped")
    assert manager.submit("key", job) is run
    manager.forget(run)
    again = manager.submit("key", job)
    assert again is not run
    job.finish(again)
    assert again.state == "finished"


def test_stop_leaves_the_run_to_the_others(manager):
    job = Job()
    run = manager.submit("key", job)
    manager.watch("me", run)
    manager.watch("you", run)
    manager.stop(run, "me")
    assert run.left == {"me"}
    assert manager.others(run, "me") == 1
    assert not run.stopping
    manager.stop(run, "you")  # the last one
    assert run.stopping
    job.go.release()
    until(lambda: run.state == "stopped")


def test_a_run_that_nobody_watches_ends_and_starts_anew_for_whoever_returns(manager):
    job = Job()
    run = manager.submit("key", job)
    manager.watch("me", run)
    job.step(run)
    manager.leave("me")
    run._deadline = 0.0  # the grace period is over
    job.go.release()
    until(lambda: run.state == "stopped")
    assert job.closed.is_set()
    assert manager.submit("key", Job()) is not run


def test_a_reload_within_the_grace_period_rejoins(manager):
    job = Job()
    run = manager.submit("key", job)
    manager.watch("tab", run)
    manager.leave("tab")
    job.step(run)
    assert manager.submit("key", job) is run
    manager.watch("tab, reloaded", run)
    run._deadline = 0.0  # the grace period is over
    job.finish(run)
    assert (run.state, job.calls) == ("finished", 1)


def test_new_settings_in_a_place_end_what_was_there_unless_others_watch(manager):
    jobs = [Job(), Job(), Job()]
    runs = [manager.submit(i, job) for i, job in enumerate(jobs)]
    manager.watch("me", runs[0], "spectrum")
    manager.watch("me", runs[1], "spectrum")
    assert runs[2].state == "queued"
    jobs[0].go.release()
    until(lambda: runs[0].state == "stopped")
    until(lambda: runs[2].state == "running")  # the third has taken its turn
    manager.watch("you", runs[1], "spectrum")
    manager.watch("me", runs[2], "spectrum")
    jobs[1].finish(runs[1])
    assert runs[1].state == "finished"


def test_runs_in_two_places_do_not_end_each_other(manager):
    jobs = [Job(), Job()]
    runs = [manager.submit(i, job) for i, job in enumerate(jobs)]
    for place, run in zip(("left", "right"), runs, strict=True):
        manager.watch("me", run, place)
    for job, run in zip(jobs, runs, strict=True):
        job.finish(run)
    assert [run.state for run in runs] == ["finished", "finished"]


def test_the_queue_is_bounded_in_order_and_can_be_left():
    manager = RunManager(max_concurrent=1, max_queued=2)
    jobs = [Job() for _ in range(4)]
    runs = [manager.submit(i, job, f"run {i}") for i, job in enumerate(jobs)]
    for i, run in enumerate(runs):
        manager.watch(f"visitor {i}", run)
    assert [run.state for run in runs] == ["running", "queued", "queued", "failed"]
    assert "busy" in runs[3].error
    assert [manager.position(run) for run in runs] == [0, 1, 2, 0]
    manager.stop(runs[1], "visitor 1")
    assert (runs[1].state, manager.position(runs[2])) == ("stopped", 1)
    assert manager.submit(3, jobs[3]).state == "queued"  # nothing was kept of the refusal
    jobs[0].finish(runs[0])
    jobs[2].finish(runs[2])
    assert (runs[2].state, jobs[1].calls) == ("finished", 0)
    manager.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("A graph needs at least one edge."), "A graph needs at least one edge."),
        (MemoryError(), "memory"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_failures_become_a_sentence_and_keep_the_partial_result(manager, error, said):
    job = Job(steps=2, error=error)
    run = manager.submit("key", job)
    job.finish(run)
    assert run.state == "failed"
    assert said in run.error
    assert "\n" not in run.error
    assert run.latest == 2
    manager.forget(run)
    job.error = None
    again = manager.submit("key", job)
    job.finish(again)
    assert again.state == "finished"


def test_a_job_that_fails_at_once_and_one_without_steps(manager):
    bad = manager.submit("bad", lambda: 1 / 0)
    empty = manager.submit("empty", lambda: iter(()))
    until(lambda: not bad.active and not empty.active)
    assert (bad.state, empty.state, empty.latest) == ("failed", "finished", None)


def test_only_unforeseen_failures_are_logged(caplog):
    sentence(ValueError("known"))
    assert not caplog.records
    sentence(ZeroDivisionError("surprise"))
    assert caplog.records[0].exc_info[0] is ZeroDivisionError


def test_kept_results_are_bounded_in_number():
    manager = RunManager(max_kept=2)
    runs = []
    for i in range(4):
        runs.append(manager.submit(i, lambda: iter([Step(1.0, "result")])))
        until(lambda: not runs[-1].active and not manager._running)
    assert list(manager._runs) == [2, 3]


def test_kept_results_are_bounded_in_bytes_and_those_on_a_page_go_last():
    manager = RunManager(max_bytes=2500)
    for i in range(4):
        run = manager.submit(i, lambda: iter([Step(1.0, np.zeros(125))]))
        if i == 0:
            manager.watch("me", run)
        until(lambda run=run: not run.active and not manager._running)
    assert list(manager._runs) == [0, 3]
    large = manager.submit("large", lambda: iter([Step(1.0, np.zeros(1000))]))
    until(lambda: not large.active and not manager._running)
    assert list(manager._runs) == ["large"]  # the newest stays, or its page would compute it in a circle


def test_size_counts_arrays_once_through_containers_and_attributes():
    array = np.zeros(1000)
    run = Run("key", "title", 0.0)
    run.latest = {"a": [array, array], "b": (array[:10],)}
    assert 8080 <= size_of(run) < 12000


def test_cores_are_shared_among_running_jobs(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    limits = []
    monkeypatch.setattr("pages.ui.manager.threadpool_limits", lambda n, user_api: limits.append((n, user_api)))
    torch = pytest.importorskip("torch")
    before, seen = torch.get_num_threads(), []
    manager = RunManager()

    def job(steps):
        for step in steps():
            seen.append(torch.get_num_threads())
            yield step

    first, second = Job(), Job()
    run = manager.submit(1, lambda: job(first))
    first.step(run)
    other = manager.submit(2, lambda: job(second))
    until(lambda: other.state == "running")
    first.step(run)  # the step under way keeps its threads, the next one shares
    first.step(run)
    assert seen == [4, 4, 2] or seen == [4, 2, 2]
    until(lambda: not run.active)
    second.finish(other)
    until(lambda: not manager._running)
    assert limits == [(2, "blas"), (4, "blas")]
    torch.set_num_threads(before)


def test_a_run_may_ask_for_one_thread(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    torch = pytest.importorskip("torch")
    before, seen = torch.get_num_threads(), []
    manager = RunManager()

    def job():
        seen.append(torch.get_num_threads())
        yield Step(1.0)

    for threads in (1, None):
        run = manager.submit(threads, job, threads=threads)
        until(lambda run=run: not run.active)
    assert seen == [1, 4]
    torch.set_num_threads(before)


def test_seconds_left_follows_the_pace_of_the_later_half(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    run = Run("key", "title", 0.0)
    run.state, run._started = "running", 0.0
    assert run.seconds_left is None
    for i in range(1, 51):  # ten slow seconds for the first 10 %, then 4 % a second
        now[0] = i * 0.4
        run._record(Step(i * 0.4 / 100 if now[0] <= 10 else 0.1 + (now[0] - 10) * 0.04))
    assert run.fraction == pytest.approx(0.5)
    assert run.seconds_left == pytest.approx(12.5, rel=0.1)
    now[0] += 1.0
    assert run.seconds_left == pytest.approx(11.5, rel=0.1)
    run._end("finished")
    assert run.seconds_left is None
    assert run.elapsed == pytest.approx(21.0)


def test_close_stops_everything():
    manager, jobs = RunManager(max_concurrent=1), [Job(), Job()]
    runs = [manager.submit(i, job) for i, job in enumerate(jobs)]
    for run in runs:
        manager.watch("me", run)
    manager.close()
    jobs[0].go.release()
    until(lambda: [run.state for run in runs] == ["stopped", "stopped"])


def test_examples():
    assert doctest.testmod(pages.ui.jobs).failed == 0


def test_stop_ends_a_step_that_asks_between_its_parts(manager):
    begun, parts = threading.Event(), []

    def job():
        yield Step(0.1, "first")
        begun.set()
        while len(parts) < PATIENCE / 0.002:  # one long product
            stop_if_asked()
            parts.append(time.sleep(0.002))

    run = manager.submit("long", job)
    manager.watch("me", run)
    assert begun.wait(PATIENCE)
    manager.stop(run, "me")
    until(lambda: not run.active)
    assert (run.state, run.latest, run.error) == ("stopped", "first", "")
