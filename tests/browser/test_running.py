"""Runs as a visitor meets them: progress, Stop, other widgets, pages, tabs, reloads and failures."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.driving import ROOT, serving, settled

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return tmp_path_factory.mktemp("journal")


@pytest.fixture(scope="module")
def slow(browser, journal):
    with serving(ROOT / "tests/browser/apps/slow.py", JOURNAL=str(journal)) as url:
        yield url


def lines(journal, name):
    path = journal / name
    return path.read_text().splitlines() if path.exists() else []


def wait_for(condition, patience=15.0):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def result(page):
    return page.locator(".result")


def sharpening(page):
    """Wait until the picture has changed on its own; return what it shows."""
    before = int(result(page).inner_text(timeout=15000))
    expect(result(page)).not_to_have_text(str(before))
    return int(result(page).inner_text())


def test_the_picture_sharpens_and_the_page_sees_the_end(slow, journal, page):
    page.goto(f"{slow}/?name=whole&steps=25")
    assert sharpening(page) < 25
    expect(page.get_by_text("Job whole:")).to_contain_text("step")
    expect(page.get_by_text("Job whole:")).to_contain_text("left")
    expect(page.get_by_text("the page saw: finished 25")).to_be_visible(timeout=15000)
    expect(result(page)).to_have_text("25")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert lines(journal, "whole").count("begin") == 1


def test_stop_is_answered_before_the_step_ends_and_keeps_the_partial_picture(slow, journal, page):
    page.goto(f"{slow}/?name=stop&steps=6&pause=2")
    expect(result(page)).to_have_text("1", timeout=15000)
    start = time.monotonic()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopping at the next step").wait_for()
    print(f"Stop answered after {time.monotonic() - start:.2f} s")
    assert not lines(journal, "stop")[-1].startswith("end")
    expect(page.get_by_text("Stopped at")).to_be_visible(timeout=5000)
    assert lines(journal, "stop")[-1].startswith("end")
    assert int(result(page).inner_text()) in (1, 2)
    page.reload()
    expect(page.get_by_text("Stopped at")).to_be_visible(timeout=15000)
    page.get_by_role("button", name="Start again").click()
    wait_for(lambda: lines(journal, "stop").count("begin") == 2)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Stop").click()


def test_other_widgets_pages_and_a_reload_do_not_disturb_a_run(slow, journal, page):
    page.goto(f"{slow}/?name=calm&steps=150")
    seen = sharpening(page)
    for clicks in (1, 2):
        page.get_by_role("button", name="Another widget").click()
        expect(page.get_by_text(f"clicks: {clicks}")).to_be_visible()
    page.get_by_role("link", name="second").click()
    expect(page.get_by_text("the other page")).to_be_visible()
    time.sleep(0.3)
    page.go_back()
    assert (seen := max(seen, sharpening(page))) >= seen
    page.goto(f"{slow}/?name=calm&steps=150")
    page.reload()
    assert sharpening(page) >= seen
    written = lines(journal, "calm")
    assert written.count("begin") == 1
    assert not written[-1].startswith("end")


def test_closing_the_last_tab_frees_the_cpu(slow, journal, new_page):
    first, second = new_page(), new_page()
    for page in (first, second):
        page.goto(f"{slow}/?name=tabs&steps=3000&pause=0.02")
        sharpening(page)
    assert lines(journal, "tabs").count("begin") == 1
    first.close()
    time.sleep(6.5)  # beyond the grace period: the other tab still follows
    assert not lines(journal, "tabs")[-1].startswith("end")
    sharpening(second)
    closed = time.time()
    second.close()
    wait_for(lambda: lines(journal, "tabs")[-1].startswith("end"), patience=10)
    freed = float(lines(journal, "tabs")[-1].split()[1]) - closed
    print(f"CPU free {freed:.1f} s after the last tab")
    assert 4 < freed < 10


def test_stop_in_one_of_two_tabs_leaves_the_run_to_the_other(slow, journal, new_page):
    first, second = new_page(), new_page()
    for page in (first, second):
        page.goto(f"{slow}/?name=both&steps=400")
        sharpening(page)
    first.get_by_role("button", name="Stop").click()
    expect(first.get_by_text("It goes on for others (1).")).to_be_visible()
    sharpening(second)
    first.get_by_role("button", name="Another widget").click()
    expect(first.get_by_text("clicks: 1")).to_be_visible()
    expect(first.get_by_text("It goes on for others (1).")).to_be_visible()
    first.get_by_role("button", name="Follow again").click()
    sharpening(first)
    assert lines(journal, "both").count("begin") == 1


def test_new_settings_end_the_old_run_at_once(slow, journal, page):
    page.goto(f"{slow}/?name=old&steps=3000&pause=0.02")
    sharpening(page)
    page.get_by_label("Setting").fill("er")
    page.get_by_label("Setting").press("Enter")
    wait_for(lambda: lines(journal, "older"))
    wait_for(lambda: lines(journal, "old")[-1].startswith("end"), patience=3)
    sharpening(page)
    page.get_by_role("button", name="Stop").click()


def test_failures_are_one_sentence_and_can_be_tried_again(slow, journal, page):
    page.goto(f"{slow}/?name=fail&steps=3&fail=1")
    expect(page.get_by_role("alert").get_by_text("The job was told to fail.")).to_be_visible(timeout=15000)
    expect(result(page)).to_have_text("3")
    page.get_by_role("button", name="Start again").click()
    wait_for(lambda: lines(journal, "fail").count("begin") == 2)
    expect(page.get_by_role("alert").get_by_text("The job was told to fail.")).to_be_visible(timeout=15000)
    settled(page)


def test_a_picture_that_can_not_be_drawn_is_a_sentence(slow, page):
    page.goto(f"{slow}/?name=thirteen&steps=13&pause=0.01")
    expect(page.get_by_text("Thirteen can not be drawn.")).to_be_visible(timeout=15000)
    expect(page.get_by_text("Traceback")).to_have_count(0)
