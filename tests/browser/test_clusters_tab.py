"""The Clusters tab as a visitor meets it: a finished picture, an example one click away, the data to take away."""

import csv

import pytest
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 60000}


def finished(page):
    expect(page.locator(".js-plotly-plot").first).to_be_attached(**PATIENT)
    expect(page.locator(".st-key-stop-clusters button")).to_have_count(0, **PATIENT)
    settled(page)


def test_the_first_picture_is_finished(server, page):
    page.goto(f"{server}/graph?tab=Clusters")
    finished(page)
    expect(page.get_by_text("No clear gap.", exact=True)).to_be_visible(**PATIENT)
    expect(page.locator(".js-plotly-plot")).to_have_count(2, **PATIENT)
    expect(page.get_by_text("1,600 products").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_example_is_one_click_away(server, page):
    page.goto(f"{server}/graph?tab=Clusters")
    finished(page)
    page.get_by_role("button", name="30 clusters of 30 nodes, a link each").click()
    expect(page.get_by_text("Exactly, from all eigenvalues; from products alone")).to_be_visible(**PATIENT)
    expect(page.get_by_text("Planted: 30.")).to_be_visible()
    finished(page)
    page.get_by_role("radio", name="All methods").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(**PATIENT)


def test_the_data_can_be_taken_away(server, page):
    page.goto(f"{server}/graph?tab=Clusters&graph=Random&model=Clustered+network&clusters=9")
    finished(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Counting function (CSV)").click()
    with open(download.value.path()) as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["count"]) == pytest.approx(270)
    page.get_by_text("Which node is in which cluster?").click()
    page.get_by_role("button", name="Assign every node").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Each node's cluster (CSV)").click(**PATIENT)
    with open(download.value.path()) as file:
        clusters = {row["cluster"] for row in csv.DictReader(file)}
    assert len(clusters) == 9
