"""The page "Hessian spectra" as a visitor meets it: public checkpoints and their data uploaded, a hostile file, links."""

import gzip
import pickle
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driving import settled

pytestmark = pytest.mark.browser
PATIENT = {"timeout": 60000}
MNIST, FASHION, CIFAR = "mnist.npz", "fashion.npz", "cifar.npz"
IMAGENET = "0.485, 0.456, 0.406", "0.229, 0.224, 0.225"
FILES = {  # file: its data, mean, standard deviation, architecture, accuracy in per cent
    "udacity_mnist_mlp.pt": (MNIST, "0", "1", "mlp", 98.2),
    "phlippe_FashionMNIST_SGD.tar": (FASHION, "0.2861", "0.3530", "mlp", 96.3),
    "phlippe_FashionMNIST_Adam.tar": (FASHION, "0.2861", "0.3530", "mlp", 94.6),
    "akamaster_resnet20-12fca82f.th": (CIFAR, *IMAGENET, "resnet", 91.5),
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


@pytest.mark.parametrize("name", FILES)
def test_public_checkpoints_reproduce_their_accuracies(name, server, page, data, examples):
    images, mean, deviation, architecture, published = FILES[name]
    query = f"checkpoint_from=Upload&hessian_data=Upload&normalisation=Given&norm_mean={mean}&norm_std={deviation}"
    page.goto(f"{server}/hessian?{query}&examples_size=10000")
    settled(page)
    inputs = page.locator("input[type=file]")
    expect(inputs).to_have_count(2, **PATIENT)
    inputs.nth(0).set_input_files(data / "checkpoints" / name)
    expect(page.get_by_text("recognised by the shapes")).to_be_visible(**PATIENT)
    expect(page.locator("strong").filter(has_text=re.compile(f"^{architecture}$"))).to_be_visible(**PATIENT)
    inputs.nth(1).set_input_files(examples(images))
    assert abs(accuracy(page) - published) < 0.5
    finished(page)
    expect(page.get_by_text("look untrained")).to_have_count(0)
    if images == MNIST:
        page.reload()  # both uploads are found again
        assert abs(accuracy(page) - published) < 0.5


class Writes:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_hostile_file_is_refused_and_the_page_goes_on(server, page, tmp_path):
    hostile, sign = tmp_path / "weights.pt", tmp_path / "written"
    hostile.write_bytes(pickle.dumps({"weight": Writes(sign)}, protocol=2))
    page.goto(f"{server}/hessian?checkpoint_from=Upload")
    settled(page)
    page.locator("input[type=file]").first.set_input_files(hostile)
    alert = page.get_by_role("alert").filter(has_text="weights.pt")
    expect(alert).to_be_visible(**PATIENT)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert not sign.exists()
    page.get_by_role("radio", name="Shipped").first.click()
    finished(page)
    assert accuracy(page) > 95
    assert "checkpoint=" not in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding(scheme, server, new_page):
    page = new_page(color_scheme=scheme)
    page.goto(f"{server}/hessian?other_from=Shipped&other_epoch=0")
    finished(page)
    found = Axe().run(page).response["violations"]
    page.get_by_role("tab", name="Weight spectra").click()
    finished(page, "weights", 5)
    found += Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_first_screen_tabs_layer_and_link(server, page, new_page):
    page.goto(f"{server}/hessian")
    finished(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert abs(accuracy(page) - 97.6) < 0.5
    page.get_by_role("tab", name="Weight spectra").click()
    finished(page, "weights", 3)
    expect(page.get_by_text("have eigenvalues beyond the bulk of noise")).to_be_visible()
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    box = table.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 35 * 2 + 17)  # the second row's mark
    expect(page.get_by_role("combobox", name="Layer")).to_have_value("3.weight", **PATIENT)
    settled(page)
    page.wait_for_function("location.search.includes('layer=3.weight')")
    other = new_page()
    other.goto(page.url)
    finished(other, "weights", 3)
    expect(other.locator(".gtitle").filter(has_text="3.weight")).to_have_count(1)
    for name in ("Layers (CSV)", "Eigenvalues (CSV)", "Notebook"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.path().stat().st_size > 200
