"""Every URL reaches its page, also as the first visit of a fresh server."""

import pytest
from playwright.sync_api import expect

from pages.ui.nav import APP, PAGES
from tests.browser.driving import ROOT, serving, settled

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["", *(entry.url_path for entry in PAGES)])
def test_a_cold_link(path, new_page):
    entry = next((entry for entry in PAGES if entry.url_path == path), PAGES[0])
    with serving(ROOT / "app.py") as url:
        page = new_page()
        page.goto(f"{url}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60000)
        settled(page)
        expect(page).to_have_title(f"{entry.title} · {APP}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page.get_by_role("dialog")).to_have_count(0)  # "Page not found"
        assert page.url.removeprefix(url).split("?")[0] == f"/{path}"
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60000)
        expect(page).to_have_title(f"{entry.title} · {APP}")
        page.close()


def test_an_unknown_page_is_said_and_the_first_page_shown(server, browser):
    page = browser.new_page()  # Streamlit tells the console of the unknown page as an error
    page.goto(f"{server}/nowhere")
    expect(page.get_by_text("Page not found")).to_be_visible(timeout=60000)
    expect(page).to_have_title(f"{PAGES[0].title} · {APP}")
    page.close()
