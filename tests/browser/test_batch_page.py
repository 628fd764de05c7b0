"""The page "Batch-size scaling" as a visitor meets it: a slider of its own, a run that stops, no accessibility finding."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 120000}


def findings(page):
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_and_its_slider(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/batch?spike_size=100")
    expect(page.get_by_text("sampled 100 × 100 matrices")).to_be_visible(**PATIENT)
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert findings(page) == []
    chart = page.locator(".js-plotly-plot").first
    expect(chart.get_by_text("overlap 0.50")).to_be_visible(**PATIENT)
    rail = chart.locator(".slider-rail-touch-rect")
    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)  # the smallest batch: no word to the server
    expect(chart.get_by_text("swallowed")).to_be_visible(timeout=10000)


def test_training_stops_when_asked_and_keeps_its_curves(server, new_page):
    page = new_page()
    page.goto(f"{server}/batch?batch_tab=Try+it&batch_examples=200&tryout_epochs=50&tryout_sizes=4&tryout_base=4")
    expect(page.locator(".js-plotly-plot")).to_have_count(1, **PATIENT)
    page.locator(".st-key-stop-batch-training button").click(**PATIENT)
    expect(page.get_by_text("Stopped at")).to_be_visible(timeout=10000)
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    assert findings(page) == []
