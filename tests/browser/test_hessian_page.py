"""The page "Hessian spectra" as a visitor meets it: public checkpoints and their data uploaded, a hostile file, links."""

import gzip
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import sample_models
from tests.browser.driving import settled
from tests.double_backward import largest_eigenvalue

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 240000}
CHECKPOINT = "hessian_tab=This+checkpoint"
MNIST, FASHION, CIFAR = "mnist.npz", "fashion.npz", "cifar.npz"
IMAGENET = "0.485, 0.456, 0.406", "0.229, 0.224, 0.225"
FILES = {  # data, mean, standard deviation: file, its architecture, its accuracy in per cent
    (FASHION, "0.2861", "0.3530"): [
        ("phlippe_FashionMNIST_SGD.tar", "mlp", 96.3),
        ("phlippe_FashionMNIST_Adam.tar", "mlp", 94.6),
    ],
    (CIFAR, *IMAGENET): [("akamaster_resnet20-12fca82f.th", "resnet", 91.5)],
    (MNIST, "0", "1"): [("udacity_mnist_mlp.pt", "mlp", 98.2)],
}


def finished(page, place="checkpoint", charts=1):
    expect(page.locator(".js-plotly-plot")).to_have_count(charts, **PATIENT)
    settled(page)
    expect(page.locator(f".st-key-stop-{place} button")).to_have_count(0, **PATIENT)
    settled(page)


def idx(path, offset):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def write(path, images, labels, few=20):
    """An npz of test examples; the page wants some to train on as well."""
    np.savez(path, x_train=images[:few], y_train=labels[:few], x_test=images, y_test=labels)


@pytest.fixture
def examples(data, tmp_path):
    """A function that writes the file of examples of that name, as somebody would bring it."""

    def make(name):
        images = data / "images"
        if name == MNIST:
            write(
                tmp_path / name,
                idx(images / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28),
                idx(images / "t10k-labels-idx1-ubyte.gz", 8),
            )
        elif name == FASHION:
            sprite = np.load(images / "fashion_mnist_sprite_900.npz")
            write(tmp_path / name, sprite["images"], sprite["labels"])
        else:
            subset = np.load(images / "cifar10_subset.npz")
            write(tmp_path / name, subset["x_test"], subset["y_test"].ravel())
        return tmp_path / name

    return make


def accuracy(page):
    """Of the test examples, in per cent."""
    metric = page.get_by_test_id("stMetric").filter(has_text="test examples")
    expect(metric).to_be_visible(**PATIENT)
    return float(re.search(r"([\d.]+)%", metric.inner_text())[1])


def test_public_checkpoints_reproduce_their_accuracies(server, page, data, examples):
    for (images, mean, deviation), files in FILES.items():
        query = f"checkpoint_from=Upload&hessian_data=Upload&normalisation=Given&norm_mean={mean}&norm_std={deviation}"
        page.goto(f"{server}/hessian?{CHECKPOINT}&{query}&examples_size=10000")
        inputs = page.locator("input[type=file]")
        expect(inputs).to_have_count(2, **PATIENT)
        settled(page)
        inputs.nth(1).set_input_files(examples(images))
        page.wait_for_timeout(1000)  # one upload after the other
        settled(page)
        for name, architecture, published in files:
            inputs.nth(0).set_input_files(data / "checkpoints" / name)
            recognised = page.locator("p").filter(has_text="recognised by the shapes").filter(has_text=name)
            expect(recognised.locator("strong")).to_have_text(architecture, **PATIENT)
            assert abs(accuracy(page) - published) < 0.5
            finished(page)
            expect(page.get_by_text("look untrained")).to_have_count(0)
    page.reload()  # both uploads are found again
    assert abs(accuracy(page) - published) < 0.5


FEW = 30  # examples that the curvature is the mean over
QUICK = "curvature_part=test&curvature_steps=12&curvature_probes=2&curvature_pairs=1&curvature_resamples=0&curvature_noise=0"


def sharpest(file, images, mean, deviation):
    """Of the checkpoint on the examples that the page draws."""
    drawn = torch.Generator().manual_seed(0)
    found = sample_models.datasets.read_dataset(images).subset(None, test_size=FEW, generator=drawn)
    found = found.normalised(*(tuple(float(part) for part in text.split(",")) for text in (mean, deviation)))
    model = sample_models.recognise(sample_models.load_checkpoint(file)).model
    return largest_eigenvalue(model, found.test_inputs, found.test_targets)


def test_public_checkpoints_have_a_curvature(server, page, data, examples):
    """Spectrum, sharpest eigenvalue with its residual, trace with its bar, against an independent computation."""
    for (images, mean, deviation), files in FILES.items():
        query = f"checkpoint_from=Upload&hessian_data=Upload&normalisation=Given&norm_mean={mean}&norm_std={deviation}"
        page.goto(f"{server}/hessian?{QUICK}&{query}&curvature_examples={FEW}")
        inputs = page.locator("input[type=file]")
        expect(inputs).to_have_count(2, **PATIENT)
        settled(page)
        file = examples(images)
        inputs.nth(1).set_input_files(file)
        page.wait_for_function("location.search.includes('examples=')")
        settled(page)
        for name, _, _ in files:
            inputs.nth(0).set_input_files(data / "checkpoints" / name)
            button = page.get_by_role("button", name="Eigenvectors of").filter(has_text=name)
            expect(button).to_be_visible(**PATIENT)
            finished(page, "curvature", 0)
            with page.expect_download() as download:
                page.get_by_role("button", name="Statistics (CSV)", exact=True).click()
            table = pd.read_csv(download.value.path(), index_col="quantity")
            truth = sharpest(data / "checkpoints" / name, file, mean, deviation)
            assert abs(table.loc["λ1", "value"] - truth) < 1e-3 * truth, name
            assert table.loc["λ1", "±"] < 1e-3 * truth
            assert 0 < table.loc["trace", "±"] < np.inf


class Writes:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


# every pair of a file's name and its accuracies that stands on the page at some moment
WATCH = """() => {
  window.seen = new Set();
  const texts = selector => [...document.querySelectorAll(`[data-testid=stMain] ${selector}`)].map(e => e.innerText);
  const look = () => {
    const names = texts("p code").filter(text => text.endsWith(".pt"));
    for (const metric of texts("[data-testid=stMetric]")) window.seen.add(JSON.stringify([[...new Set(names)], metric]));
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_one_file_after_another(server, page, tmp_path):
    """A hostile one is refused, no other one's numbers stand under a file's name, and the page goes on."""
    hostile, sign = tmp_path / "weights.pt", tmp_path / "written"
    hostile.write_bytes(pickle.dumps({"weight": Writes(sign)}, protocol=2))
    page.goto(f"{server}/hessian?{CHECKPOINT}&checkpoint_from=Upload")
    settled(page)
    page.locator("input[type=file]").first.set_input_files(hostile)
    expect(page.get_by_role("alert").filter(has_text="weights.pt")).to_be_visible(**PATIENT)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert not sign.exists()
    shown = {}
    for name in ("digits-mlp", "digits-mlp-bn"):
        file = tmp_path / f"{name}.pt"
        torch.save(sample_models.load_shipped(name).model.state_dict(), file)
        page.locator("input[type=file]").first.set_input_files(file)
        expect(page.locator("p").filter(has_text="recognised").filter(has_text=file.name)).to_be_visible(**PATIENT)
        finished(page)
        shown[file.name] = {one.inner_text() for one in page.get_by_test_id("stMetric").all()}
        if len(shown) == 1:
            page.evaluate(WATCH)
    seen = [json.loads(pair) for pair in page.evaluate("[...window.seen]")]
    assert ["digits-mlp-bn.pt"] in [names for names, _ in seen]
    for names, metric in seen:
        assert len(names) == 1
        assert metric in shown[names[0]]
    page.get_by_role("radio", name="Shipped").first.click()
    expect(page.get_by_text("trained here on")).to_be_visible(**PATIENT)
    finished(page)
    assert accuracy(page) > 95
    assert "checkpoint=" not in page.url


def serious_findings(page):
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_curvature_first_screen_stop_and_link(server, page, new_page):
    page.goto(f"{server}/hessian?curvature_resamples=0&curvature_noise=0&curvature_examples=100&curvature_steps=20")
    expect(page.locator("strong").filter(has_text="The sharpest direction has")).to_be_visible(**PATIENT)
    finished(page, "curvature", 0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert serious_findings(page) == []
    page.get_by_role("radio", name="Where the sharp directions live").click()
    finished(page, "curvature", 1)
    other = new_page(color_scheme="dark")
    other.goto(page.url)
    finished(other, "curvature", 1)
    assert serious_findings(other) == []
    sentence = page.locator("strong").filter(has_text="The sharpest direction has").inner_text()
    expect(other.locator("strong").filter(has_text=sentence)).to_be_visible()
    page.goto(f"{server}/hessian?curvature_examples=4000&curvature_seed=9")  # long
    page.locator(".st-key-stop-curvature button").click(**PATIENT)
    expect(page.get_by_text("Stopped at")).to_be_visible(**PATIENT)


def test_epochs_play(server, page):
    page.goto(f"{server}/hessian?hessian_tab=Along+a+run&curvature_examples=40&training_steps=8")
    finished(page, "training", 2)
    expect(page.get_by_text("is largest at epoch")).to_be_visible()
    label = page.locator(".slider-label").filter(has_text="epoch")
    shown = label.text_content()
    page.locator(".updatemenu-button").filter(has_text="Play").click()
    expect(label).not_to_have_text(shown, **PATIENT)


def test_first_screen_tabs_layer_and_link(server, page, new_page):
    page.goto(f"{server}/hessian?{CHECKPOINT}")
    finished(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert abs(accuracy(page) - 97.6) < 0.5
    assert serious_findings(page) == []
    page.get_by_role("tab", name="Weight spectra").click()
    finished(page, "weights", 3)
    assert serious_findings(page) == []
    expect(page.get_by_text("have eigenvalues beyond the bulk of noise")).to_be_visible()
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    box = table.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 35 * 2 + 17)  # the second row's mark
    expect(page.get_by_role("combobox", name="Layer")).to_have_value("3.weight", **PATIENT)
    settled(page)
    page.wait_for_function("location.search.includes('layer=3.weight')")
    for name in ("Layers (CSV)", "Eigenvalues (CSV)", "Notebook"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().stat().st_size > 200
    other = new_page(color_scheme="dark")
    other.goto(f"{page.url}&other_from=Shipped&other_epoch=0")
    finished(other, "weights", 5)
    expect(other.locator(".gtitle").filter(has_text="3.weight")).to_have_count(2)
    assert serious_findings(other) == []
    other.get_by_role("tab", name="This checkpoint").click()
    finished(other)
    assert serious_findings(other) == []
