"""The graph explorer as a visitor meets it: first screen, upload, run, stop, sigma, reload, history, links."""

import gzip
import re
import time

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import ROOT, serving, settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 60000}
# some 20 s of products on two cores: long enough to be stopped, left and found again
LONG = "graph=Random&n=100000&model=Barab%C3%A1si%E2%80%93Albert&attach=5&probes=32&steps=100&degree=300"


def finished(page):
    expect(page.locator("path.curve").first).to_be_attached(**PATIENT)
    expect(page.locator(".st-key-stop-spectrum button")).to_have_count(0, **PATIENT)
    settled(page)


def progress(page):
    return page.get_by_text(re.compile(r"^Spectrum of .*%"))


@pytest.fixture
def edges(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "friends.txt.gz"
    path.write_bytes(gzip.compress("\n".join(f"{a} {b}" for a, b in rng.integers(0, 300, (1500, 2))).encode()))
    return path


def test_the_first_screen_is_a_finished_picture(server, page):
    page.goto(server)
    finished(page)
    expect(page.get_by_text("all 1,797 eigenvalues")).to_be_visible(**PATIENT)
    for name in ("exact histogram", "maximum entropy, m = 60", "smoothed, Gaussian", "Lanczos stems", "known atoms"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(1, **PATIENT)
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(server)
    finished(page)
    found = Axe().run(page).response["violations"]
    serious = [
        f"{one['id']}: {node['target']}" for one in found if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]  # fmt: skip
    assert serious == []


def test_upload_then_another_matrix_then_back_and_forward(server, page, edges):
    page.goto(f"{server}/graph?graph=Upload")
    settled(page)
    page.locator("input[type=file]").set_input_files(edges)
    finished(page)
    expect(page.get_by_text("friends.txt.gz").first).to_be_visible()
    assert "upload=" in page.url
    page.reload()
    finished(page)
    expect(page.get_by_text("Showing friends.txt.gz")).to_be_visible()
    page.get_by_role("radio", name="Catalogue").click()
    expect(page.get_by_text("1,797 nodes")).to_be_visible(**PATIENT)
    page.get_by_role("radio", name="Upload").click()
    finished(page)
    expect(page.get_by_text("Showing friends.txt.gz")).to_be_visible(**PATIENT)


def test_another_visitor_of_the_link_sees_the_upload(server, new_page, edges):
    first = new_page()
    first.goto(f"{server}/graph?graph=Upload")
    settled(first)
    first.locator("input[type=file]").set_input_files(edges)
    finished(first)
    second = new_page()
    second.goto(first.url)
    finished(second)
    assert second.locator("path.curve").first.get_attribute("d") == first.locator("path.curve").first.get_attribute("d")


def test_stop_keeps_the_partial_picture_and_a_click_does_not_stop(server, page):
    page.goto(f"{server}/graph?{LONG}&seed=1")
    expect(page.locator("path.smoothed")).to_be_attached(**PATIENT)
    page.get_by_role("radio", name="Stems", exact=True).click()
    expect(page.get_by_text("Lanczos quadrature").first).to_be_visible(**PATIENT)
    expect(progress(page)).to_be_visible()
    start = time.monotonic()
    page.locator(".st-key-stop-spectrum button").click()
    expect(page.get_by_text(re.compile("Stopped at|stopping"))).to_be_visible()
    print(f"Stop answered after {time.monotonic() - start:.2f} s")
    expect(page.get_by_text("Stopped at")).to_be_visible(timeout=15000)
    expect(page.locator("path.smoothed")).to_be_attached()


def test_a_reload_in_mid_run_rejoins(server, page):
    page.goto(f"{server}/graph?{LONG}&seed=2")
    expect(page.locator("path.smoothed")).to_be_attached(**PATIENT)
    before = int(re.search(r"(\d+)%", progress(page).inner_text()).group(1))
    page.reload()
    expect(page.locator("path.smoothed")).to_be_attached(**PATIENT)
    expect(progress(page)).to_be_visible(**PATIENT)
    assert int(re.search(r"(\d+)%", progress(page).inner_text()).group(1)) >= before
    page.locator(".st-key-stop-spectrum button").click()
    expect(page.get_by_text("Stopped at")).to_be_visible(timeout=15000)


def test_sigma_is_in_the_link_and_drags_without_the_server(server, new_page):
    page = new_page()
    page.goto(f"{server}/graph?name=Karate+club")
    finished(page)
    slider = page.get_by_role("slider", name="smoothing width σ")
    before = page.locator("path.smoothed").get_attribute("d")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('sigma=')")
    assert page.locator("path.smoothed").get_attribute("d") != before
    shown = page.locator("output").inner_text()
    other = new_page()
    other.goto(page.url)
    finished(other)
    expect(other.locator("output")).to_have_text(shown)
    expect(other.get_by_text("34 nodes")).to_be_visible()


def test_back_and_forward_keep_the_page_whole(server, page):
    page.goto(f"{server}/graph?name=Karate+club")
    finished(page)
    page.goto(f"{server}/graph?name=Les+Miserables")
    finished(page)
    page.go_back()
    finished(page)
    expect(page.get_by_text("34 nodes")).to_be_visible(**PATIENT)
    page.go_forward()
    finished(page)
    expect(page.get_by_text("77 nodes")).to_be_visible(**PATIENT)


def test_a_cold_deep_link_restores_the_view(new_page):
    with serving(ROOT / "app.py") as url:
        page = new_page()
        page.goto(f"{url}/graph?name=Karate+club&m=12&kernel=cauchy&steps=20&sigma=0.2&matrix=Laplacian")
        finished(page)
        expect(page.get_by_role("button", name="maximum entropy, m = 12")).to_be_visible(**PATIENT)
        expect(page.get_by_role("button", name="smoothed, Cauchy")).to_be_visible()
        expect(page.locator("output")).to_have_text("0.2")
        page.close()


def test_downloads_and_share(server, page):
    page.goto(f"{server}/graph?name=Karate+club")
    finished(page)
    for name, words in (("Data (CSV)", b"maximum entropy"), ("Notebook", b"sc.graphs.load")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        content = download.value.path().read_bytes()
        assert words in content
    for name in ("PNG", "SVG"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().stat().st_size > 2000
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("/graph?name=Karate").first).to_be_visible()
