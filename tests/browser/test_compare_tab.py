"""The Compare tab as a visitor meets it: a finished heatmap, uploads beside other graphs, a link that restores it."""

import gzip

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 60000}
QUICK = "tab=Compare&compare_degree=30&compare=digits&compare=ba+n%3D500+m%3D4+seed%3D0"


def finished(page, charts=2):
    expect(page.locator(".js-plotly-plot")).to_have_count(charts, **PATIENT)
    expect(page.locator(".st-key-stop-compare button")).to_have_count(0, **PATIENT)
    settled(page)


def test_the_tab_is_a_finished_picture(server, page):
    page.goto(server)
    page.get_by_role("tab", name="Compare").click()
    finished(page)
    expect(page.get_by_text("Nearest:")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert "tab=Compare" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/graph?{QUICK}")
    finished(page)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_uploads_are_compared_and_the_link_restores_them(server, page, new_page, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("first net.txt.gz", "second.txt.gz"):
        edges = "\n".join(f"{a} {b}" for a, b in rng.integers(0, 300, (1500, 2)))
        (tmp_path / name).write_bytes(gzip.compress(edges.encode()))
    page.goto(f"{server}/graph?{QUICK}")
    finished(page)
    page.get_by_role("button", name="Upload graphs").click()
    page.locator("input[type=file]").set_input_files(list(tmp_path.iterdir()))
    expect(page.get_by_text("Nearest:")).to_be_visible(**PATIENT)  # four graphs
    page.keyboard.press("Escape")
    finished(page)
    other = new_page()
    other.goto(page.url)
    finished(other)
    for name in ("first net.txt.gz", "second.txt.gz"):
        expect(other.get_by_text(name).first).to_be_attached()
    expect(other.get_by_role("alert")).to_have_count(0)


def test_the_sidebars_graph_is_added(server, page):
    page.goto(f"{server}/graph?{QUICK}&graph=Random&n=400&p=0.05")
    finished(page)
    page.get_by_role("button", name="Add the graph of the sidebar").click()
    expect(page.get_by_text("Nearest:")).to_be_visible(**PATIENT)
    page.wait_for_function("location.search.includes('er+n%3D400')")
    with page.expect_download() as download:
        page.get_by_role("button", name="Pairs (CSV)").click()
    assert len(download.value.path().read_text().splitlines()) == 1 + 3
