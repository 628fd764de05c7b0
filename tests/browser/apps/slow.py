"""Pages that follow a slow job. The URL says what it does: ?name=a&steps=40&pause=0.1&fail=1.

Every step is noted in a file of the folder $JOURNAL, so that a test sees from outside what is being worked on.
"""

import os
import time
from pathlib import Path

import streamlit as st

from pages.ui import runs


def job(name, steps, pause, fail):
    journal = Path(os.environ["JOURNAL"], name)
    note = journal.open("a", buffering=1)
    note.write("begin\n")
    try:
        for i in range(steps):
            time.sleep(pause)
            note.write(f"{i + 1} {time.time()}\n")
            yield runs.Step((i + 1) / steps, result=i + 1, note=f"step {i + 1} of {steps}")
        if fail:
            raise ValueError("The job was told to fail.")
    finally:
        note.write(f"end {time.time()}\n")
        note.close()


def draw(result):
    st.markdown(f"<p class='result'>{result}</p>", unsafe_allow_html=True)
    if result == 13:
        raise ValueError("Thirteen can not be drawn.")


def first():
    query = st.query_params
    name, steps = query.get("name", "a"), int(query.get("steps", 40))
    pause, fail = float(query.get("pause", 0.1)), "fail" in query
    name += st.text_input("Setting")
    st.button("Another widget", on_click=lambda: st.session_state.update(n=st.session_state.get("n", 0) + 1))
    st.write(f"clicks: {st.session_state.get('n', 0)}")
    run = runs.show(
        "slow", (name, steps, pause, fail), lambda: job(name, steps, pause, fail), draw, title=f"Job {name}"
    )
    st.write(f"the page saw: {run.state} {run.latest}")


def second():
    st.write("the other page")


st.navigation([st.Page(first, default=True), st.Page(second, url_path="second")]).run()
