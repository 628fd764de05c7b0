"""The sigma view as a visitor meets it: dragging redraws without the server, and Python hears of the end of it."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from playwright.sync_api import expect

from tests.browser.driving import ROOT, serving, settled

pytestmark = pytest.mark.browser
WATCH = """plot => {
  window.changes = [];
  let last = plot.querySelector('path.smoothed').getAttribute('d');
  new MutationObserver(() => {
    const now = plot.querySelector('path.smoothed').getAttribute('d');
    if (now !== last) { window.changes.push(performance.now()); last = now; }
  }).observe(plot, { childList: true });
}"""

LATENCY = """plot => {
  window.waits = [];
  let moved = null;
  plot.getRootNode().querySelector('input').addEventListener('input', () => { moved ??= performance.now(); }, true);
  new MutationObserver(() => {
    const begun = moved;
    moved = null;
    if (begun !== null) requestAnimationFrame(() => window.waits.push(performance.now() - begun));
  }).observe(plot, { childList: true });
}"""


@pytest.fixture(scope="module")
def view(browser):
    with serving(ROOT / "tests/browser/apps/sigma_app.py") as url:
        yield url


def opened(page, url):
    page.goto(url)
    settled(page)
    expect(page.locator("path.smoothed")).to_have_count(1, timeout=30000)
    return page.get_by_role("slider", name="smoothing width σ")


def place(page, slider, share):
    """Where the thumb is at this share of the track."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    return box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2


def runs(page):
    return int(re.search(r"\d+", page.get_by_text(re.compile(r"^runs: ")).inner_text()).group())


def python_has(page):
    return float(page.get_by_text("Python has sigma").inner_text().split("=")[1])


def path(page):
    return page.locator("path.smoothed").get_attribute("d")


def ticks(page):
    return page.locator("svg.plot text:not(.title):not(.mass)").all_inner_texts()


def grab(page, slider):
    """Press on the thumb, which stands somewhere in the middle."""
    slider.focus()
    share = slider.evaluate("node => node.value / node.max")
    page.mouse.move(*place(page, slider, share))
    page.mouse.down()
    return share


def test_dragging_redraws_and_letting_go_tells_python(view, page):
    slider = opened(page, view)
    assert python_has(page) == 0.05
    before = runs(page)
    page.locator("svg.plot").evaluate(WATCH)
    share = grab(page, slider)
    for step in range(30):
        page.mouse.move(*place(page, slider, share + 0.01 * step))
    page.wait_for_timeout(600)
    changes = page.evaluate("window.changes.length")
    assert changes >= 10
    assert runs(page) == before
    assert python_has(page) == 0.05
    page.mouse.up()
    expect(page.get_by_text(f"runs: {before + 1}")).to_be_visible()
    shown = float(page.locator("output").inner_text())
    assert shown > 0.1
    assert python_has(page) == shown
    assert slider.get_attribute("aria-valuetext") == f"sigma = {shown:g}"
    print(f"{changes} redraws in one drag")


def test_keys_and_presets_move_the_slider(view, page):
    slider = opened(page, view)
    before, start = runs(page), path(page)
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_text(f"runs: {before + 1}")).to_be_visible()  # ten keys, one run
    assert python_has(page) < 0.05
    assert path(page) != start
    page.get_by_role("button", name="Preset").click()
    expect(page.locator("output")).to_have_text("0.2")
    expect(page.get_by_text("Python has sigma = 0.2")).to_be_visible()


def test_zoom_and_switches_survive_a_rerun(view, page):
    slider = opened(page, view)
    curve = page.locator("path.curve")
    drawn = curve.count()
    switch = page.get_by_role("button", name="<b>kernel</b> polynomial")  # a name is text, whatever it holds
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(curve).to_have_count(drawn - 1)
    whole = ticks(page)
    box = page.locator("svg.plot").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 120, steps=5)
    page.mouse.up()
    expect(page.locator("rect.brush")).to_have_count(0)
    page.mouse.move(5, 5)
    expect(page.locator(".readout")).to_contain_text("Zoomed")
    zoomed = ticks(page)
    assert zoomed != whole
    slider.focus()
    before = runs(page)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"runs: {before + 1}")).to_be_visible()
    page.wait_for_timeout(200)
    assert ticks(page)[:3] == zoomed[:3]
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.locator("svg.plot").focus()
    page.keyboard.press("0")
    expect(page.locator(".readout")).not_to_contain_text("Zoomed")
    page.keyboard.press("+")
    expect(page.locator(".readout")).to_contain_text("Zoomed")
    page.locator("svg.plot").dblclick(position={"x": 300, "y": 200})
    page.mouse.move(5, 5)
    expect(page.locator(".readout")).not_to_contain_text("Zoomed")


def test_a_drag_goes_on_while_new_data_come_in(view, page):
    slider = opened(page, f"{view}/?live=1")
    share = grab(page, slider)
    page.mouse.move(*place(page, slider, share + 0.2))
    held, curve, before = slider.input_value(), page.locator("path.curve").first.get_attribute("d"), runs(page)
    page.wait_for_function("most => Number(document.body.innerText.match(/runs: (\\d+)/)[1]) > most", arg=before + 2)
    assert page.locator("path.curve").first.get_attribute("d") != curve  # the new data are drawn
    assert slider.input_value() == held
    page.mouse.move(*place(page, slider, share + 0.25))
    page.mouse.up()
    last = slider.input_value()
    assert last != held
    page.wait_for_timeout(1500)
    assert slider.input_value() == last
    assert python_has(page) == float(page.locator("output").inner_text())


def test_downloads(view, page, tmp_path):
    opened(page, view)
    for kind in ("SVG", "PNG"):
        with page.expect_download() as event:
            page.get_by_role("button", name=kind, exact=True).click()
        assert event.value.suggested_filename == f"spectrum-sigma-0.05.{kind.lower()}"
        event.value.save_as(tmp_path / kind)
    root = ElementTree.parse(tmp_path / "SVG").getroot()
    text = (tmp_path / "SVG").read_text(encoding="utf-8")
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "eigenvalue λ" in text
    assert "smoothed, Gaussian σ = 0.05" in text
    assert "&lt;b&gt;kernel" in text
    assert "var(" not in text  # nothing left that only the page could resolve
    picture = (tmp_path / "PNG").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 2 * int(root.get("width"))
    assert len(picture) > 20000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_texts_follow_the_theme_and_stay_inside(view, new_page, scheme, width):
    page = new_page(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, view)
    fill = page.locator("svg.plot").evaluate("plot => getComputedStyle(plot.querySelector('text')).fill")
    light = int(re.search(r"[0-9]+", fill).group()) < 128
    assert light == (scheme == "light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    outside = page.locator("svg.plot").evaluate(
        """plot => {
          const box = plot.getBoundingClientRect();
          return [...plot.querySelectorAll('text')].filter((text) => {
            const { left, right, bottom } = text.getBoundingClientRect();
            return left < box.left - 1 || right > box.right + 1 || bottom > box.bottom + 1;
          }).map((text) => text.textContent);
        }"""
    )
    assert outside == []


def test_a_ladder_follows_the_hand_and_ends_exact(view, page):
    slider = opened(page, f"{view}/?ladders=1")
    legend, curve = page.locator(".legend"), page.locator("svg.plot path[stroke='#c2479a']")
    expect(legend.get_by_role("button", name="sketch", exact=True)).to_be_visible()
    expect(legend.get_by_role("button", name="exact, Gaussian")).to_be_visible()
    expect(page.locator("path.band")).to_have_count(2)  # of the curve with standard errors and of the exact one
    page.locator("svg.plot").evaluate(LATENCY)
    before, share = runs(page), grab(page, slider)
    seen = set()
    for step in range(30):
        page.mouse.move(*place(page, slider, share + 0.005 * step))
        seen.add(curve.get_attribute("d"))
    expect(legend.get_by_role("button", name="sketch (interpolated)")).to_be_visible()
    assert len(seen) >= 10
    assert runs(page) == before
    waits = sorted(page.evaluate("window.waits"))
    between = curve.get_attribute("d")
    page.mouse.up()
    expect(legend.get_by_role("button", name="sketch", exact=True)).to_be_visible()
    expect(page.get_by_text(f"runs: {before + 1}")).to_be_visible()
    exact = curve.get_attribute("d")
    # at one sigma the interpolated curve and the exact one are close: within 3 % of the height
    assert exact != between
    heights = [min(float(point.split(",")[1]) for point in path[1:].split("L")) for path in (between, exact)]
    assert abs(heights[0] - heights[1]) < 0.03 * 440
    grab(page, slider)
    page.mouse.move(*place(page, slider, 0.1), steps=5)
    page.mouse.up()
    expect(legend.get_by_role("button", name="sketch (not resolved)")).to_be_visible()
    expect(curve).to_have_count(0)
    page.keyboard.press("End")
    expect(legend.get_by_role("button", name="sketch", exact=True)).to_be_visible()
    expect(page.get_by_text("Python has sigma = 0.4996")).to_be_visible()
    print(f"{len(waits)} redraws, median {waits[len(waits) // 2]:.0f} ms, longest {waits[-1]:.0f} ms")


def test_a_cauchy_kernel_is_broader(view, page):
    opened(page, view)
    gaussian = path(page)
    opened(page, f"{view}/?kernel=cauchy")
    assert path(page) != gaussian
    expect(page.get_by_role("button", name="smoothed, Cauchy")).to_be_visible()
