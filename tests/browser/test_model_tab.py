"""The "Which model?" tab as a visitor meets it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 60000}
TAB = "tab=Which+model%3F"


def test_curves_grow_and_the_first_picture_is_finished(server, page):
    page.goto(f"{server}/graph?{TAB}")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(**PATIENT)
    expect(page.get_by_text(re.compile("is nearest")).first).to_be_visible(**PATIENT)
    expect(page.locator(".st-key-stop-model button")).to_have_count(0, **PATIENT)
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(4, **PATIENT)
    expect(page.get_by_text("Watts–Strogatz, nearest")).to_be_visible(**PATIENT)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_search_that_is_stopped_keeps_its_curve(server, page):
    long = "model_repeats=20&model_size=2000&model_seed=7"  # some ten seconds at least
    page.goto(f"{server}/graph?{TAB}&{long}")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(**PATIENT)
    expect(page.get_by_text(re.compile("So far")).first).to_be_visible(**PATIENT)
    page.locator(".st-key-stop-model button").click(**PATIENT)
    expect(page.get_by_text(re.compile("Stopped at"))).to_be_visible(**PATIENT)
    expect(page.get_by_text(re.compile("So far")).first).to_be_visible(**PATIENT)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
