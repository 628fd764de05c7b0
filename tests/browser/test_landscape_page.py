"""The page "Loss landscape" in a browser: a finished first screen, and surfaces that turn together; no accessibility finding."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 120000}
FIRST = "landscape?landscape_examples=60&lines_points=9"
BESIDE = (
    "landscape?landscape_tab=Between+checkpoints&between_mode=Two+side+by+side&landscape_examples=60&between_points=7"
    "&landscape_second_source=Another&landscape_second_run=MLP,+batch+norm+(digits)"
)
DRAWN = "() => [...document.querySelectorAll('.js-plotly-plot')].some((one) => one._fullLayout?.scene2?._scene)"
CAMERAS = """
() => {
  const figure = [...document.querySelectorAll(".js-plotly-plot")].find((one) => one._fullLayout.scene2);
  return ["scene", "scene2"].map((name) => Object.values(figure._fullLayout[name]._scene.getCamera().eye));
}
"""


def serious_findings(page):
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def open_finished(page, url, place):
    page.goto(url)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(**PATIENT)
    expect(page.locator(f".st-key-stop-{place} button")).to_have_count(0, **PATIENT)
    settled(page)


def test_the_first_screen_is_a_finished_picture(server, page):
    open_finished(page, f"{server}/{FIRST}", "landscape-lines")
    expect(page.get_by_text("Along Hessian λ1 the training loss curves by")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert serious_findings(page) == []


def test_surfaces_of_two_networks_turn_together(server, new_page):
    page = new_page(color_scheme="dark")
    open_finished(page, f"{server}/{BESIDE}", "landscape-between")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.js-plotly-plot')].some((one) => one._fullLayout?.scene2?._scene)"
    )
    page.wait_for_timeout(1500)  # the link looks for figures twice a second
    before = page.evaluate(CAMERAS)
    assert before[0] == pytest.approx(before[1])
    canvas = page.locator(".js-plotly-plot canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 10, steps=6)
    page.mouse.up()
    page.wait_for_timeout(500)
    after = page.evaluate(CAMERAS)
    assert after[0] != pytest.approx(before[0], abs=1e-3)
    assert after[1] == pytest.approx(after[0], abs=1e-6)
    assert serious_findings(page) == []
