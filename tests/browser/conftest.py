"""Fixtures of the browser tests: `server`, `browser`, `page`. They skip only where there is no Chromium."""

import os

import pytest

from tests.browser.driving import FLAGS, ROOT, find_chromium, serious, serving

collect_ignore = ["apps"]  # Streamlit scripts, to be served rather than imported


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium found: install one, for instance with 'apt-get install chromium'"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(browser):
    """The URL of the app, served for the whole session."""
    with serving(ROOT / "app.py") as url:
        yield url


@pytest.fixture
def new_page(browser):
    """A function that opens a tab in a window of its own; console errors in any of them fail the test."""
    errors, contexts = [], []

    def open_tab(**options):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}, **options))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: errors.extend(serious(message)))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_page):
    """A fresh tab; console errors fail the test."""
    return new_page()
