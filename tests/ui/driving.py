"""The pages by `AppTest`, without a browser."""

import time

from streamlit.testing.v1 import AppTest

from tests.browser.driving import ROOT

__all__ = ["PATIENCE", "finish", "open_page", "said"]

PATIENCE = 120.0


def open_page(**query):
    """The page at the end of its run."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
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
