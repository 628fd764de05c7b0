"""The page "Kernel log-det" as a visitor meets it: every tab, an uploaded table, a hostile file, links, accessibility."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 120_000}
QUICK = "kernel_table=Car+sharing+in+Montreal"


def finished(page, place="logdet", charts=3):
    expect(page.locator(".js-plotly-plot")).to_have_count(charts, **PATIENT)
    settled(page)
    expect(page.locator(f".st-key-stop-{place} button")).to_have_count(0, **PATIENT)
    settled(page)


def test_first_screen_length_scale_and_link(server, page, new_page):
    page.goto(f"{server}/kernel")
    finished(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    exact = page.locator("strong").filter(has_text="−119.31459")
    expect(exact).to_be_visible()
    scale = page.get_by_role("spinbutton", name="Length scale ℓ")
    scale.fill("3")
    scale.press("Enter")
    page.wait_for_function("location.search.includes('kernel_lengthscale=3')")
    expect(exact).to_have_count(0, **PATIENT)
    finished(page)
    other = new_page()
    other.goto(page.url)
    finished(other)
    found = page.locator("strong").filter(has_text="−").nth(1).inner_text()
    expect(other.locator("strong").filter(has_text=found)).to_be_visible(**PATIENT)
    for name in ("Methods (CSV)", "History (CSV)", "Spectrum (CSV)", "Notebook"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().stat().st_size > 200


def test_entropy_tab_and_its_length_scale(server, page):
    page.goto(f"{server}/kernel?kernel_tab=Entropy+and+moments&kernel_entropy_moments=10")
    finished(page, "entropy")
    expect(page.get_by_text("MEMe's entropy never rises")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="ℓ = 0.45: the floor decides").click()
    page.wait_for_function("location.search.includes('kernel_entropy_row=0.45')")
    finished(page, "entropy")
    expect(page.get_by_text("0 products").first).to_be_visible()


def test_table_tab_fills_row_by_row_and_stops(server, page):
    page.goto(f"{server}/kernel?kernel_tab=Table+2.1&kernel_table_n=1000")
    expect(page.locator(".js-plotly-plot")).to_have_count(1, **PATIENT)  # long before the last row
    page.locator(".st-key-stop-kernel-table button").click()
    expect(page.get_by_text("Stopped at")).to_be_visible(**PATIENT)
    expect(page.get_by_text("of 9 rows.")).to_be_visible()
    for absent in ("None", "nan", "Infinity"):
        expect(page.get_by_role("gridcell", name=absent, exact=True)).to_have_count(0)


def test_a_link_to_a_tab_that_there_is_not(server, page):
    page.goto(f"{server}/kernel?kernel_tab=Nonsense&kernel_rho=7&kernel_methods=Foo&kernel_methods=Chebyshev&{QUICK}")
    finished(page)
    told = page.get_by_role("alert").filter(has_text="The link asks for")
    for asked in ("kernel_tab = Nonsense", "kernel_rho = 7", "kernel_methods = Foo"):
        expect(told).to_contain_text(asked)


def test_an_uploaded_table_and_a_hostile_file(server, page, tmp_path):
    page.goto(f"{server}/kernel?kernel_from=Upload+a+table&kernel_methods=Chebyshev")
    settled(page)
    expect(page.get_by_text("There is no matrix yet")).to_be_visible(**PATIENT)
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_bytes(bytes(range(256)) * 9)
    draw = np.random.default_rng(0).normal(size=(80, 3))
    good.write_text("a;b;name;y\n" + "\n".join(f"{a};{b};x;{y}" for a, b, y in draw))
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_role("alert").filter(has_text="binary")).to_be_visible(**PATIENT)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    page.locator("input[type=file]").set_input_files(good)
    finished(page)
    expect(page.get_by_text("hold text: name").first).to_be_visible()
    page.reload()  # the upload is found again
    finished(page)
    assert "kernel_upload=" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/kernel?{QUICK}")
    finished(page)
    found = Axe().run(page).response["violations"]
    page.get_by_role("tab", name="Marginal likelihood").click()
    finished(page, "likelihood", 2)
    found += Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
