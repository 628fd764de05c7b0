"""What a visitor waits for: ``python -m tests.benchmarks.page_times [kernel]``. Seconds, median and range of five servers.

From the server being up: the first picture, and the finished one. Then how soon Stop is answered in mid-run, and the
median of 30 redraws while sigma is dragged, hand to picture. With ``kernel``, of the page "Kernel log-det": the first
picture and the finished one, then the finished one again at another noise.
"""

import re
import sys
import time

import numpy as np
from playwright.sync_api import sync_playwright

from tests.browser.driving import FLAGS, ROOT, find_chromium, serving

LONG = "graph=Random&n=100000&model=Barab%C3%A1si%E2%80%93Albert&attach=5&probes=32&steps=100&degree=300"
DRAG = """async () => {
  const slider = document.querySelector('input#sigma') ||
    [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean)
      .map(r => r.querySelector('input#sigma')).find(Boolean);
  const times = [];
  for (let i = 0; i < 30; i++) {
    const start = performance.now();
    slider.value = 100 + i;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - start);
    await new Promise(done => setTimeout(done, 30));
  }
  return times;
}"""


def visit(playwright):
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
    page = browser.new_page()
    with serving(ROOT / "app.py") as url:
        start = time.monotonic()
        page.goto(url)
        page.locator("path.smoothed").wait_for(state="attached", timeout=60000)
        first = time.monotonic() - start
        page.get_by_text("all 1,797 eigenvalues").wait_for(timeout=60000)
        whole = time.monotonic() - start
        page.wait_for_timeout(3000)
        drag = float(np.median(page.evaluate(DRAG)))
        page.goto(f"{url}/graph?{LONG}")
        page.locator("path.smoothed").wait_for(state="attached", timeout=60000)
        start = time.monotonic()
        page.locator(".st-key-stop-spectrum button").click()
        page.get_by_text(re.compile("Stopped at|stopping")).wait_for()
        stop = time.monotonic() - start
        browser.close()
    return first, whole, stop, drag / 1000


def visit_kernel(playwright):
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
    page = browser.new_page()
    busy, idle = page.locator(".st-key-stop-logdet button"), "[data-test-script-state=notRunning]"

    def finished(charts=3):
        page.wait_for_function(f"() => document.querySelectorAll('.js-plotly-plot').length >= {charts}")
        page.locator(idle).wait_for(state="attached")
        busy.wait_for(state="detached", timeout=120000)

    with serving(ROOT / "app.py") as url:
        start = time.monotonic()
        page.goto(f"{url}/kernel")
        page.locator(".js-plotly-plot").first.wait_for(timeout=60000)
        first = time.monotonic() - start
        finished()
        whole = time.monotonic() - start
        noise = page.get_by_role("spinbutton", name="Noise variance")
        noise.fill("0.02")
        start = time.monotonic()
        noise.press("Enter")
        page.wait_for_function("location.search.includes('kernel_noise=0.02')")
        page.get_by_text("noise 0.02").first.wait_for(timeout=120000)
        finished()
        again = time.monotonic() - start
        browser.close()
    return first, whole, again


def main():
    names, one = ("first picture", "finished picture", "Stop answered", "drag to picture"), visit
    if "kernel" in sys.argv[1:]:
        names, one = ("first picture", "finished picture", "finished again"), visit_kernel
    with sync_playwright() as playwright:
        rows = np.array([one(playwright) for _ in range(5)])
    for name, column in zip(names, rows.T, strict=True):
        print(f"{name}: {np.median(column):.3f} s ({column.min():.3f} to {column.max():.3f})")


if __name__ == "__main__":
    main()
