"""The tab "Which minimum?" as a visitor meets it: two files dropped at once, a table that sorts, no accessibility finding."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import sample_models
from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 120000}
LINK = (
    "hessian?hessian_tab=Which+minimum%3F&checkpoint_run=MLP+(digits)&curvature_examples=60&sharpness_steps=5"
    "&sharpness_pairs=1&sharpness_evaluated=100&sharpness_checkpoints=digits-mlp"
)


def column(page, place):
    """The cells of a column of the table, from top to bottom."""
    return page.locator(f"[data-testid=stDataFrame] td[aria-colindex='{place}']")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_files_dropped_at_once_and_a_table_that_sorts_by_numbers(scheme, server, new_page, tmp_path):
    state = sample_models.load_shipped("digits-mlp").model.state_dict()
    for factor in (0.5, 1.5):
        torch.save({name: factor * value for name, value in state.items()}, tmp_path / f"times-{factor:g}.pt")
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/{LINK}")
    page.get_by_text("Drop files of the same network").click(**PATIENT)
    files = [str(path) for path in sorted(tmp_path.glob("*.pt"))]
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_text("times-1.5.pt sha=")).to_be_visible(**PATIENT)  # kept, and chosen
    page.keyboard.press("Escape")
    expect(page.get_by_text("Flattest by λ₁:")).to_be_visible(**PATIENT)
    expect(page.locator(".st-key-stop-sharpness button")).to_have_count(0, **PATIENT)
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(column(page, 1)).to_have_text(["digits-mlp", "times-0.5.pt", "times-1.5.pt"], **PATIENT)
    assert page.url.count("sharpness_checkpoints=") == 3
    settled(page)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    box = grid.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 270, box["y"] + 15)  # the head of the training losses
    expect(column(page, 1).first).not_to_have_text("digits-mlp", **PATIENT)
    losses = [float(text) for text in column(page, 3).all_inner_texts()]
    assert len(set(losses)) == 3
    assert losses == sorted(losses)
