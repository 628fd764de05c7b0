"""The page "Estimator lab" as a visitor meets it: a cold link, the lessons, their formulas, accessibility."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from pages.ui.lessons_tab import LESSONS
from tests.browser.driving import ROOT, serving, settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 120_000}


def finished(page, charts):
    expect(page.locator(".js-plotly-plot")).to_have_count(charts, **PATIENT)
    settled(page)
    expect(page.locator(".st-key-stop-lesson button")).to_have_count(0, **PATIENT)
    settled(page)


def test_a_cold_link_shows_a_finished_lesson(page):
    with serving(ROOT / "app.py") as url:
        page.goto(f"{url}/lab?lab_tab=Lessons")
        finished(page, 2)
        expect(page.get_by_role("heading", name="A semicircle from a handful of numbers")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
        page.close()


def test_a_lesson_a_control_and_the_link(server, page, new_page):
    page.goto(f"{server}/lab?lab_tab=Lessons&lesson=Two+myths")
    finished(page, 1)
    expect(page.get_by_text("of −A + μI, turned back, are those of A")).to_be_visible()
    page.get_by_role("radio", name="m steps give the top m").click()
    expect(page.get_by_text("of the 30 Ritz values lie below")).to_be_visible(**PATIENT)
    page.wait_for_function("location.search.includes('lesson_myth=')")
    other = new_page()
    other.goto(page.url)
    finished(other, 1)
    expect(other.get_by_text("of the 30 Ritz values lie below")).to_be_visible()
    for name in ("Data (CSV)", "Notebook"):
        with other.expect_download() as download:
            other.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().stat().st_size > 500


def test_every_explanation_is_set(server, page):
    page.goto(f"{server}/lab?lab_tab=Lessons")
    finished(page, 2)
    for name, lesson in LESSONS.items():
        page.get_by_role("radio", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=lesson.title)).to_be_visible(**PATIENT)
        settled(page)
        page.get_by_text("Explain", exact=True).click()
        expect(page.get_by_text("Sources").or_(page.get_by_text("Source.")).first).to_be_visible()
        expect(page.locator(".katex-error")).to_have_count(0)
        assert "$" not in page.locator("[data-testid=stMain] [data-testid=stExpander]").inner_text()
        page.get_by_text("Explain", exact=True).click()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/lab?lab_tab=Lessons&lesson=Power+iteration")
    finished(page, 1)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def compared(page):
    """Once the run has ended and its curves are exact."""
    expect(page.get_by_text("is nearest: it misses")).to_be_visible(**PATIENT)
    expect(page.locator(".st-key-stop-lab button")).to_have_count(0, **PATIENT)
    settled(page)
    expect(page.locator(".legend").get_by_role("button", name="Leave-one-out XNys", exact=True)).to_be_visible(
        **PATIENT
    )


SMALL = "lab_dimensions=2-D&lab_lattice_2=20&lab_products=500&lab_finest=0.05"


def test_compare_drags_and_takes_more_products(server, page):
    page.goto(f"{server}/lab?{SMALL}")
    compared(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    legend, slider = page.locator(".legend"), page.get_by_role("slider", name="smoothing width σ")
    slider.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    expect(legend.get_by_role("button", name="Leave-one-out XNys", exact=True)).to_be_visible(**PATIENT)
    page.wait_for_function("location.search.includes('lab_sigma=')")
    page.keyboard.press("End")  # the widest sigma has more than the three digits that others are rounded to
    expect(page.locator("output")).to_have_text("23.3")
    expect(legend.get_by_role("button", name="Leave-one-out XNys", exact=True)).to_be_visible(**PATIENT)
    for _ in range(240):
        page.keyboard.press("ArrowLeft")
    expect(legend.get_by_role("button", name="Leave-one-out XNys (not resolved)")).to_be_visible(**PATIENT)
    expect(page.get_by_text("is narrower than what was paid for")).to_be_visible(**PATIENT)
    page.get_by_role("button", name="Take them").click()
    expect(legend.get_by_role("button", name="Leave-one-out XNys", exact=True)).to_be_visible(**PATIENT)
    expect(page.get_by_text("is narrower than what was paid for")).to_have_count(0)
    page.wait_for_function("location.search.includes('lab_finest=0.025')")
    compared(page)
    page.wait_for_timeout(1000)  # the whole page runs once more when a run has ended
    settled(page)
    for name in ("Curves (CSV)", "Table (CSV)", "Notebook"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().stat().st_size > 500
    page.get_by_text("Explain", exact=True).click()
    expect(page.get_by_text("What is asked.")).to_be_visible()
    expect(page.locator(".katex-error")).to_have_count(0)
    page.get_by_text("Explain", exact=True).click()


def test_errors_draw_a_map(server, page):
    page.goto(f"{server}/lab?lab_tab=Errors&lab_error_lattice_2=10&lab_seeds=2")
    expect(page.locator(".js-plotly-plot")).to_have_count(3, **PATIENT)
    expect(page.locator(".st-key-stop-lab-errors button")).to_have_count(0, **PATIENT)
    settled(page)
    expect(page.get_by_text("misses least")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding_in_compare(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/lab?{SMALL}")
    compared(page)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
