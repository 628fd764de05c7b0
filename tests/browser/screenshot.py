"""The README's picture: ``python -m tests.browser.screenshot``."""

from playwright.sync_api import sync_playwright

from tests.browser.driving import FLAGS, ROOT, find_chromium, serving, settled


def main():
    with serving(ROOT / "app.py") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(url)
        page.get_by_text("all 1,797 eigenvalues").wait_for(timeout=60000)
        page.locator(".st-key-stop-spectrum").wait_for(state="detached")
        settled(page)
        page.wait_for_timeout(1500)
        page.screenshot(path=ROOT / ".assets/first-screen.png")
        browser.close()


if __name__ == "__main__":
    main()
