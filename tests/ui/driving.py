"""The pages by `AppTest`, without a browser."""

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from tests.browser.driving import ROOT

__all__ = ["PATIENCE", "finish", "open_page", "run_notebook", "said"]

PATIENCE = 120.0


def open_page(page=None, **query):
    """The page of that file stem, or the first one through the router, at the end of its run."""
    app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py" if page else ROOT / "app.py"), default_timeout=PATIENCE)
    if page:
        app.session_state["_routed"] = True
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    return finish(app)


def finish(app):
    end = time.monotonic() + PATIENCE
    while any(str(button.key).startswith("stop-") for button in app.button):
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.1)
        app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def said(app):
    return " ".join(element.value for kind in (app.error, app.warning, app.info, app.markdown) for element in kind)


def run_notebook(notebook):
    """What the code cells of a notebook, as JSON text, define."""
    notebook = json.loads(notebook)
    pytest.importorskip("nbformat").validate(notebook)
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], "cell", "exec"), names)
    return names
