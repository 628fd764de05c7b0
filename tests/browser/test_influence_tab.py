"""The Influence tab as a visitor meets it: a finished picture, a free slider, an example, no accessibility finding."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 60000}


def finished(page):
    expect(page.locator(".js-plotly-plot")).to_have_count(2, **PATIENT)
    expect(page.locator(".st-key-stop-influence button")).to_have_count(0, **PATIENT)
    settled(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finished_picture_a_free_slider_and_an_example(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(server)
    page.get_by_role("tab", name="Influence of an edge").click()
    finished(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="E = 1", exact=True)).to_be_visible()
    page.get_by_role("slider", name="Edges between the clusters E").press("ArrowRight")
    expect(page.get_by_role("columnheader", name="E = 2", exact=True)).to_be_visible(**PATIENT)
    assert "influence_edges=2" in page.url
    page.get_by_role("button", name="Theorem 3: one edge").click()
    expect(page.get_by_role("radio", name="Erdős–Rényi")).to_be_checked(**PATIENT)
    finished(page)
    expect(page.get_by_role("columnheader", name="E = 1", exact=True)).to_be_visible(**PATIENT)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
