"""`runs.show` on a page, as far as AppTest sees it: nothing ticks here, so the page is run again by hand."""

import doctest
import threading
import time

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import runs

GATE = threading.Semaphore(0)


@pytest.fixture(autouse=True)
def fresh_manager():
    while GATE.acquire(blocking=False):
        pass
    runs.manager.clear()
    yield
    runs.manager.clear()


def page():
    import streamlit as st

    from pages.ui import runs
    from tests.ui import test_runs

    def job(steps, error):
        for i in range(steps):
            assert test_runs.GATE.acquire(timeout=10)
            yield runs.Step((i + 1) / steps, result=i + 1, note=f"step {i + 1}")
        if error:
            raise ValueError(error)

    def draw(result):
        st.metric("result", result)
        if result == st.session_state.get("undrawable"):
            raise ValueError("This can not be drawn.")

    steps, error = st.number_input("steps", value=2), st.text_input("error")
    run = runs.show("place", (steps, error), lambda: job(steps, error), draw, title="The job")
    st.text(run.state)


def opened(**state):
    app = AppTest.from_function(page, default_timeout=30)
    for name, value in state.items():
        app.session_state[name] = value
    return app.run()


def let_go(steps):
    """Let the job make so many steps and wait until they have been recorded."""
    [run] = [run for run in runs.manager()._runs.values() if run.active]
    target = run.version + steps
    for _ in range(steps):
        GATE.release()
    end = time.monotonic() + 10
    while run.version < target or (run.fraction == 1 and run.active):
        assert time.monotonic() < end
        time.sleep(0.005)
    return run


def shown(app):
    assert not app.exception
    return [metric.value for metric in app.metric]


def test_a_run_from_waiting_to_its_end():
    app = opened()
    assert (app.text[0].value, shown(app)) == ("running", [])
    assert [button.label for button in app.button] == ["Stop"]
    let_go(1)
    assert shown(app.run()) == ["1"]
    let_go(1)
    assert shown(app.run()) == ["2"]
    assert app.text[0].value == "finished"
    assert not app.button


def test_stop_and_start_again():
    app = opened()
    let_go(1)
    app.run().button[0].click().run()
    assert (app.button[0].label, app.button[0].disabled) == ("Stopping", True)
    run = let_go(1)
    assert (run.state, shown(app.run())) == ("stopped", ["2"])
    assert app.info[0].value == "Stopped at 100%."
    app.button[0].click().run()
    assert (app.text[0].value, shown(app)) == ("running", [])


def test_a_failure_keeps_the_picture_and_what_was_entered():
    app = opened()
    app.text_input[0].set_value("No *such* graph.").run()
    end = time.monotonic() + 10
    [run] = [run for run in runs.manager()._runs.values() if run.key == (2, "No *such* graph.")]
    while run.active:
        GATE.release()
        assert time.monotonic() < end
        time.sleep(0.005)
    assert shown(app.run()) == ["2"]
    assert [error.value for error in app.error] == [r"No \*such\* graph."]  # as it is, not as Markdown
    assert app.text_input[0].value == "No *such* graph."
    assert [button.label for button in app.button] == ["Start again"]


def test_a_picture_that_can_not_be_drawn():
    app = opened(undrawable=1)
    let_go(1)
    assert shown(app.run()) == ["1"]
    assert [error.value for error in app.error] == ["This can not be drawn."]


def test_examples():
    assert doctest.testmod(runs).failed == 0
