"""The page "Hessian spectra" without a browser: shipped checkpoints, files good and bad, weight spectra, its notebooks."""

import functools
import gzip
import hashlib
import io
import json
import struct
import threading
import time
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from torch import nn

import sample_models
from pages.ui import uploads
from pages.ui.checkpoint_job import CheckpointSettings, checkpoint_job, judged
from pages.ui.checkpoint_source import CheckpointChoice, opened, opening_steps
from pages.ui.data_source import DataChoice, guessed
from pages.ui.hessian_examples import EXAMPLES
from pages.ui.hessian_notebook import checkpoint_notebook, own_model_code, weights_notebook
from pages.ui.weights_job import WeightsSettings, weights_job
from sample_models.datasets import collection
from sample_models.datasets.downloads import Remote
from tests.ui import driving
from tests.ui.driving import finish, run_notebook, said

WEIGHTS = {"hessian_tab": "Weight spectra"}


def open_page(**query):
    return driving.open_page("hessian", **({"hessian_tab": "This checkpoint"} | query))


def saved(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def linked(content, name="weights.pt", key="checkpoint"):
    """The part of a link that shows an upload."""
    return {f"{key}_from": "Upload", key: uploads.keep(name, content), f"{key}_name": name}


def trained(name):
    return sample_models.load_shipped(name).model.state_dict()


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def losses(app):
    return [one.value for one in app.markdown if one.value.startswith("Loss, in nats")]


def row_of_layers():
    """Random weights of no named architecture."""
    draw = torch.Generator().manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(8 * 12 * 12, 16), nn.ReLU(), nn.Linear(16, 10)),
    )
    for value in model.state_dict().values():
        value.copy_(0.1 * torch.randn(value.shape, generator=draw))
    return model.state_dict()


def test_first_screen_is_a_finished_picture_of_a_trained_checkpoint():
    app = open_page()
    assert app.title[0].value == "Hessian spectra"
    assert not app.error
    assert not app.warning
    assert len(app.get("plotly_chart")) == 1
    [entry] = [one for one in sample_models.shipped() if one.name == "mnist-5k-lenet-watched-epoch-15"]
    assert metrics(app)["Accuracy, 1,000 test examples"].startswith(f"{entry.test_accuracy:.1%} ± ")
    assert metrics(app)["Accuracy, 4,000 training examples"] == f"{entry.accuracy:.1%}"
    assert app.dataframe[0].value["numbers"].sum() == entry.parameters
    assert "28,886 parameters" in said(app)


def test_a_run_is_watched_over_its_epochs():
    app = open_page()
    [slider] = [one for one in app.select_slider if one.key == "checkpoint_epoch"]
    assert [int(option) for option in slider.options] == [0, 1, 2, 5, 15]
    seen = []
    for epoch in (0, 1):
        finish(slider.set_value(epoch).run())
        seen.append(float(metrics(app)["Accuracy, 1,000 test examples"].split("%")[0]))
        assert ("look untrained" in said(app)) is (epoch == 0)
    assert seen[1] > 80 > 20 > seen[0]


@pytest.mark.parametrize("run", ["MLP, batch norm (digits)", "VGG (digits)"])
def test_other_shipped_checkpoints(run):
    app = open_page(checkpoint_run=run)
    assert not app.error
    assert not app.warning
    assert "360 test examples" in " ".join(metrics(app))


def test_only_the_untrained_of_all_shipped_checkpoints_is_said_to_be():
    for entry in sample_models.shipped():
        *_, last = checkpoint_job(CheckpointSettings(CheckpointChoice("shipped", entry.name), None))
        assert bool(judged(last.result)) is (entry.epoch == 0), entry.name


@pytest.mark.parametrize("tab", ["This checkpoint", "Weight spectra"])
def test_examples_set_the_widgets(tab):
    app = open_page(hessian_tab=tab)
    for name in EXAMPLES[tab]:
        [button] = [button for button in app.button if button.label == name]
        finish(button.click().run())
        assert not app.error
        assert app.get("plotly_chart")
        if name.startswith("The same on darker"):
            assert float(metrics(app)["Accuracy, 1,000 test examples"].split("%")[0]) < 90
            assert [app.query_params[key] for key in ("norm_mean", "norm_std")] == ["0", "3"]


# files


def test_an_upload_is_recognised_evaluated_and_stays_in_the_link():
    app = open_page(checkpoint_from="Upload")
    assert not app.error
    content = saved(
        {"state_dict": {f"module.{key}": value for key, value in trained("digits-mlp").items()}, "epoch": 40}
    )
    [uploader] = [one for one in app.file_uploader if one.key == "checkpoint_file"]
    uploader.set_value(("mine.pt", content, "application/octet-stream"))
    app.run()
    finish(app)
    assert not app.error
    assert "**mlp**" in said(app)
    assert "epoch = 40" in " ".join(one.value for one in app.caption)
    # the data and the normalisation are guessed: the digits, from their own training examples
    assert abs(float(metrics(app)["Accuracy, 360 test examples"].split("%")[0]) - 96.4) < 1
    assert app.query_params["checkpoint"] == uploads.digest_of(content)
    again = open_page(**linked(content, "mine.pt"))
    assert metrics(again) == metrics(app)


def test_one_of_several_weights_is_chosen_and_a_guess_is_changed():
    content = saved({"model": trained("digits-mlp"), "model_ema": trained("digits-mlp-bn")})
    app = open_page(**linked(content))
    [choice] = [one for one in app.selectbox if one.key == "checkpoint_weights"]
    assert len(choice.options) == 2
    before = metrics(app)
    finish(choice.set_value(next(option for option in choice.options if option != choice.value)).run())
    assert metrics(app) != before
    before = metrics(app)
    [activation] = [one for one in app.selectbox if one.key == "checkpoint_activation"]
    finish(activation.set_value("tanh").run())
    assert metrics(app) != before
    assert not app.error


def widget(app, kind, key):
    [found] = [one for one in app.get(kind) if one.key == key]
    return found


def of_file(content, name="weights.pt", **choice):
    """An upload as it is opened."""
    return opened(CheckpointChoice("upload", name, uploads.keep(name, content), **choice))


@pytest.mark.parametrize(
    "file",
    [
        [trained("digits-mlp"), trained("digits-mlp-bn")],
        {"epochs": [trained("digits-mlp"), trained("digits-mlp-bn")]},
        {"state_dict": trained("digits-mlp"), "swa_state_dict": trained("digits-mlp-bn")},
        {f"{part}.{key}": value for part, name in (("model", "digits-mlp"), ("ema_model", "digits-mlp"))
         for key, value in trained(name).items()},
    ],
    ids=["list", "list under a key", "SWA", "EMA within"],
)  # fmt: skip
def test_every_one_of_several_weights_can_be_chosen(file):
    app = open_page(**linked(saved(file)))
    choice = widget(app, "selectbox", "checkpoint_weights")
    first, other = choice.options
    assert choice.value == first
    assert f"holds: {other}" in " ".join(one.value for one in app.caption).replace("\\", "")
    finish(choice.set_value(other).run())
    assert not app.error
    assert float(metrics(app)["Accuracy, 360 test examples"].split("%")[0]) > 90
    assert f'under "{other}"' in " ".join(one.value for one in app.caption).replace("\\", "")
    assert metrics(open_page(**linked(saved(file)), checkpoint_weights=other)) == metrics(app)


def test_what_was_said_of_one_file_does_not_hold_for_the_next():
    first = saved({"model": trained("digits-mlp"), "model_ema": trained("digits-mlp-bn")})
    app = open_page(**linked(first), checkpoint_weights="model_ema", checkpoint_activation="tanh")
    assert widget(app, "selectbox", "checkpoint_activation").value == "tanh"
    uploader = widget(app, "file_uploader", "checkpoint_file")
    content = saved({"a": trained("digits-mlp"), "b": trained("digits-mlp")})
    finish(uploader.set_value(("other.pt", content, "application/octet-stream")).run())
    assert widget(app, "selectbox", "checkpoint_activation").value == "as guessed"
    assert widget(app, "selectbox", "checkpoint_weights").value == "a"
    assert metrics(app) == metrics(open_page(**linked(content, "other.pt")))


def test_a_resnet_of_the_same_shapes_is_chosen_by_hand():
    """Under names that do not tell, a PreResNet is taken for a ResNet; the choice gives its own function back."""
    options = {"depth": 8, "width": 4, "preactivation": True, "channels": 1}
    model = sample_models.build("resnet", generator=torch.Generator().manual_seed(0), **options).eval()
    state, draw = model.state_dict(), torch.Generator().manual_seed(1)
    for value in state.values():
        if value.is_floating_point():
            value.add_(torch.rand(value.shape, generator=draw) / 5)
    content = saved({f"part{place:02}.weight" if value.ndim > 1 else f"part{place:02}": value
                     for place, value in enumerate(state.values()) if value.ndim})  # fmt: skip
    app = open_page(**linked(content), hessian_data="Digits, 8 x 8")
    read = widget(app, "selectbox", "checkpoint_architecture")
    assert read.options == ["as guessed", "resnet", "resnet with preactivation"]
    [before] = losses(app)
    finish(read.set_value("resnet with preactivation").run())
    assert not app.error
    assert losses(app) != [before]
    assert "preactivation" in said(app)
    hints = (("architecture", "resnet"), ("preactivation", True))
    found, x = of_file(content, hints=hints), torch.rand(3, 1, 8, 8, generator=draw)
    assert torch.equal(found.recognised.model(x), model(x))
    assert not torch.equal(of_file(content).recognised.model(x), model(x))
    with pytest.raises(ValueError, match="fit resnet, but not with depth = 20"):
        of_file(content, hints=(("depth", 20),))


@pytest.mark.parametrize(
    ("tensor", "size", "warns"),
    [
        ("1.weight", 1e30, True),
        ("1.weight", 60000.0, False),
        ("2.running_var", 1e8, False),
        ("2.running_var", 1e12, True),
    ],
)
def test_weights_beyond_any_trained_network_are_said_to_be(tensor, size, warns):
    state = trained("digits-mlp-bn")
    state[tensor].view(-1)[3] = size
    app = open_page(**linked(saved(state)))
    assert not app.error
    assert ("beyond what a trained network has" in said(app)) is warns
    assert not warns or f"{size:.3g}" in said(app)
    assert app.dataframe[0].value["largest"].max() == pytest.approx(size)


def test_a_row_of_layers_is_built_and_its_noise_is_seen():
    app = open_page(**linked(saved(row_of_layers())))
    assert not app.error
    assert "convolution 4-1, convolution 8-4, linear 16-1152, linear 10-16" in said(app)
    assert "look untrained" in said(app)
    assert "1,000 test examples" in " ".join(metrics(app))


def test_what_is_not_recognised_has_near_misses_a_snippet_and_spectra():
    state = sample_models.build("resnet", depth=20, generator=torch.Generator().manual_seed(0)).state_dict()
    state["layer2.0.conv1.weight"] = torch.randn(24, 16, 3, 3, generator=torch.Generator().manual_seed(1)) / 12
    app = open_page(**linked(saved(state), "odd `net`.pth"))
    assert not app.error
    assert "not recognised" in said(app)
    assert "(24, 16, 3, 3)" in said(app).replace("\\", "")
    assert any(one.label.startswith("Near miss: resnet") for one in app.expander)
    assert not app.metric
    assert len(app.get("plotly_chart")) == 1
    assert "odd `net`.pth" in app.code[0].value or any("odd `net`.pth" in one.value for one in app.code)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.pt", b"", "empty"),
        ("notes.pt", b"dear all, the weights are attached\n" * 40, ""),
        ("cut.pt", saved(nn.Linear(40, 40).state_dict())[:2000], ""),
        ("whole *model*.pt", saved(nn.Linear(3, 2)), "whole pickled module"),
        ("nan.pt", saved({"w": torch.full((4, 4), torch.nan)}), ""),
        ("net.onnx", b"\x08\x07\x12\x07pytorch\x1a\x032.1" + bytes(100), "ONNX"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_gets_one_sentence_and_the_page_goes_on(name, content, words):
    app = open_page(**linked(content, name), examples_seed="7")
    assert len(app.error) == 1
    sentence = app.error[0].value
    assert words in sentence
    assert "not foreseen" not in sentence
    assert "*model*" not in sentence.replace("\\*", "")
    assert len(sentence) < 500
    [source] = [one for one in app.get("button_group") if one.key == "checkpoint_from"]
    finish(source.set_value("shipped").run())
    assert not app.error
    assert metrics(app)
    assert "checkpoint" not in app.query_params


def test_data_of_ones_own_and_what_does_not_fit():
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    np.savez(file, x=rng.integers(0, 255, (50, 1, 8, 8), dtype=np.uint8), y=rng.integers(0, 10, 50))
    data = {
        "hessian_data": "Upload",
        "examples": uploads.keep("mine.npz", file.getvalue()),
        "examples_name": "mine.npz",
    }
    app = open_page(checkpoint_run="MLP (digits)", **data)
    assert not app.error
    assert "hardly for this" in said(app)  # random images with random labels
    assert "10 test examples" in " ".join(metrics(app))
    app = open_page(**data)  # a LeNet for 28 by 28
    assert "does not take examples of 1 × 8 × 8" in said(app)
    assert len(app.get("plotly_chart")) == 1
    bad = data | {"examples": uploads.keep("mine.npz", b"PK\x03\x04nothing")}
    assert "damaged npz" in said(open_page(**bad))
    app = open_page(normalisation="Given", norm_mean="a lot", norm_std="1")
    assert "numbers with commas" in said(app)


@pytest.mark.parametrize(
    ("name", "architecture", "options", "expected"),
    [
        ("phlippe_FashionMNIST_SGD.tar", "mlp", {"widths": (784, 10)}, ("fashion-mnist", "name")),
        ("lenet_fmnist.pt", "lenet", {}, ("fashion-mnist", "name")),
        ("udacity_mnist_mlp.pt", "mlp", {"widths": (784, 10)}, ("mnist-5k", "name")),
        ("emnist-digits.pt", "mlp", {"widths": (64, 10)}, ("digits", "name")),
        ("mine.pt", "mlp", {"widths": (784, 10)}, ("mnist-5k", "shapes")),
        ("mine.pt", "mlp", {"widths": (64, 10)}, ("digits", "shapes")),
        ("mnist.pt", "mlp", {"widths": (64, 10)}, ("digits", "shapes")),
        ("mine.pt", "resnet", {"depth": 8}, ("cifar-10", "shapes")),
        ("r_cifar-10.pt", "resnet", {"depth": 8, "classes": 100}, ("cifar-100", "shapes")),
        ("r_CIFAR100.pt", "resnet", {"depth": 8, "classes": 100}, ("cifar-100", "name")),
        ("imagenet.pt", "resnet", {"depth": 8, "classes": 1000}, None),
        ("letters.pt", "mlp", {"widths": (784, 26)}, None),
    ],
)
def test_data_are_guessed_from_name_and_shapes(name, architecture, options, expected):
    state = sample_models.build(architecture, generator=torch.Generator().manual_seed(0), **options).state_dict()
    guess = guessed(of_file(saved(state), name))
    if expected is None:
        assert guess is None
    else:
        assert guess.entry.key == expected[0]
        assert expected[1] in guess.reason


def idx(array):
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


class Quiet(SimpleHTTPRequestHandler):
    asked = 0

    def log_message(self, *_):
        Quiet.asked += 1


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """Fashion-MNIST as 60 random images on a server of this machine that does not answer yet; a function that starts it."""
    rng, remote = np.random.default_rng(0), collection.FASHION
    arrays = [part for n in (40, 20) for part in (rng.integers(0, 256, (n, 28, 28)), np.arange(n) % 10)]
    files = dict(zip(remote.files, (idx(array.astype(np.uint8)) for array in arrays), strict=True))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path), bind_and_activate=False)
    httpd.server_bind()  # the port is taken, and nobody listens
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    known = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()}
    remote = Remote(f"http://127.0.0.1:{httpd.server_address[1]}", remote.folder, known)
    entry = replace(collection.ENTRIES["fashion-mnist"], examples=(40, 20), remote=remote)
    monkeypatch.setitem(collection.ENTRIES, "fashion-mnist", entry)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def start():
        httpd.server_activate()
        thread.start()

    yield start
    if thread.is_alive():
        httpd.shutdown()
        thread.join()
    httpd.server_close()


def test_guessed_data_are_fetched_when_asked_for_and_then_kept(fashion):
    state = sample_models.build("mlp", widths=(784, 10), generator=torch.Generator().manual_seed(0)).state_dict()
    app = open_page(**linked(saved(state), "FashionMNIST.pt"))
    assert not app.metric  # no other data in their place, and nothing fetched unasked
    assert "for Fashion-MNIST, which is not on this server yet" in said(app)
    finish(widget(app, "button", "fetch_guessed").click().run())
    [sentence] = [error.value.replace("\\", "") for error in app.error]
    assert "Fashion-MNIST could not be fetched: no connection to 127.0.0.1" in sentence
    assert sentence.count("\n") == 0
    assert "or put http://127.0.0.1" in sentence
    assert len(app.get("plotly_chart")) == 1  # the weights are there all the same
    fashion()
    finish(widget(app, "button", "again-checkpoint").click().run())
    assert not app.error
    assert "Accuracy, 20 test examples" in metrics(app)
    asked = Quiet.asked
    assert asked == 4
    again = open_page(**linked(saved(state), "FashionMNIST.pt"), examples_seed="5")
    assert "Accuracy, 20 test examples" in metrics(again)
    assert "**guessed** from the file's name: Fashion-MNIST" in said(again)
    assert Quiet.asked == asked


def test_a_link_whose_upload_is_gone_asks_for_it():
    app = open_page(checkpoint_from="Upload", checkpoint="00112233aabbccdd", checkpoint_name="lost.pt")
    assert "lost.pt" in said(app)
    assert "00112233aabbccdd" in said(app)


# weight spectra


def test_weight_spectra_of_every_layer_and_the_chosen_one():
    app = open_page(**WEIGHTS)
    assert not app.error
    table = app.dataframe[0].value
    assert list(table["layer"]) == ["0.weight", "3.weight", "7.weight", "9.weight"]
    [layer] = [one for one in app.selectbox if one.key == "layer"]
    assert layer.value == "7.weight"
    assert len(app.get("plotly_chart")) == 3
    before = app.get("plotly_chart")[1].proto.spec
    finish(layer.set_value("3.weight").run())
    assert app.get("plotly_chart")[1].proto.spec != before
    [unfold] = [one for one in app.get("button_group") if one.key == "unfold"]
    finish(unfold.set_value("matrix").run())
    assert list(app.dataframe[0].value["matrices"]) == [1, 1, 1, 1]


@pytest.mark.parametrize("quantity", ["Exponent α", "Stable rank", "Spectral norm", "Frobenius norm", "Outliers"])
def test_two_checkpoints_side_by_side(quantity):
    app = open_page(**WEIGHTS, other_from="Shipped", other_epoch="0", layers_quantity=quantity)
    assert not app.error
    assert len(app.get("plotly_chart")) == 5
    traces = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert [trace["name"][-2:] for trace in traces] == ["15", "00"]
    sentences = [one.value for one in app.markdown if "wide enough to tell" in one.value]
    assert [sentence.split("`")[1][-2:] for sentence in sentences] == ["15", "00"]
    assert "0 of 3 layers" in sentences[1]
    assert [name[-2:] for name in app.dataframe[0].value["checkpoint"]] == ["15"] * 4 + ["00"] * 4
    drawn = [json.loads(chart.proto.spec)["layout"] for chart in app.get("plotly_chart")[1:]]
    for one, other in (drawn[::2], drawn[1::2]):  # first checkpoint: eigenvalues, tail; second: the same
        assert one["xaxis"]["range"] == other["xaxis"]["range"]
        assert one["yaxis"]["range"] == other["yaxis"]["range"]


def test_exponents_of_short_tails_are_left_out_of_the_median():
    app = open_page(**WEIGHTS)
    table = app.dataframe[0].value
    reliable = table["alpha_doubt"] == ""
    assert list(table["tail"] >= 20) == list(reliable)
    assert reliable.sum() == 1
    assert f"α = {table['alpha'][reliable].median():.2f} over 1 layer; 3 left out" in said(app)
    assert "Left out, being no matrices: 4 vectors." in said(app)
    app = open_page(**WEIGHTS, layer="9.weight")
    assert "**Not to be relied on:** only 9 values in the tail" in said(app)
    assert "`9.weight`: 10 × 64, 10 eigenvalues" in said(app)
    assert titles(app)[0] == "9.weight: 10 × 64"


def test_layers_of_zeros_and_extreme_weights_are_told_in_words():
    draw = torch.Generator().manual_seed(0)
    tensors = {"extreme": torch.randn(64, 40, generator=draw), "zeros": torch.zeros(30, 20), "scale": torch.ones(5)}
    tensors["extreme"][3, 4] = 1e30
    file = linked(saved(tensors))
    app = open_page(**WEIGHTS, **file, layer="zeros")
    assert len(app.get("plotly_chart")) == 1
    assert "All weights are 0." in said(app)
    assert "nan" not in said(app)
    [warning] = app.warning
    assert "extreme weights in `extreme`" in warning.value
    app = open_page(**WEIGHTS, **file)
    assert len(app.get("plotly_chart")) == 1  # a single eigenvalue is no picture
    assert "about 1 of 2560" in said(app)
    tensors = {"only": torch.randn(400, 64, generator=draw), "scale": torch.ones(())}
    app = open_page(**WEIGHTS, **linked(saved(tensors)))
    assert not app.warning
    assert ": 1 layer. **0 of 1 layer wide enough" in said(app)
    assert "being no matrices: 1 single number." in said(app)


def titles(app):
    """Of the pictures of the chosen layer."""
    return [json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in app.get("plotly_chart")[1:]]


def test_a_second_file_of_other_layers_and_a_bad_one():
    app = open_page(**WEIGHTS, **linked(saved(row_of_layers()), "row.pt", "other"))
    assert not app.error
    assert titles(app)[2] == "6.weight: 16 × 1152"  # beside 7.weight: layers of other names or shapes in their order
    state = trained("mnist-5k-lenet-watched-epoch-00")
    two = saved({"last": state["9.weight"], "7.weight": state["7.weight"]})
    app = open_page(**WEIGHTS, **linked(two, "two.pt", "other"))
    assert titles(app)[2] == "7.weight: 64 × 400"  # that of the same name and shape, wherever it is
    app = open_page(**WEIGHTS, **linked(saved({"7.weight": state["7.weight"]}), "one.pt", "other"), layer="9.weight")
    assert "no counterpart" in said(app)
    app = open_page(**WEIGHTS, **linked(b"nothing at all", "bad.pt", "other"))
    assert len(app.error) == 1
    assert len(app.get("plotly_chart")) == 3  # the first is there all the same


def test_a_file_without_a_weight_matrix():
    app = open_page(**WEIGHTS, **linked(saved({"scale": torch.ones(5)})))
    assert len(app.error) == 1
    assert "is a weight matrix" in app.error[0].value


def test_a_chosen_layer_of_another_checkpoint_gives_way():
    app = open_page(**WEIGHTS, layer="3.weight")
    [run] = [one for one in app.selectbox if one.key == "checkpoint_run"]
    finish(run.set_value("mnist-5k-mlp").run())
    [layer] = [one for one in app.selectbox if one.key == "layer"]
    assert layer.value in ("1.weight", "3.weight")
    finish(run.set_value("mnist-5k-lenet").run())
    assert not app.error


# notebooks


@pytest.mark.parametrize("source", ["shipped", "upload"])
def test_the_notebook_of_a_checkpoint_reproduces_its_numbers(source, tmp_path, monkeypatch):
    choice = CheckpointChoice("shipped", "digits-lenet")
    data = DataChoice("known", "digits", "", 300, 3, (0.3056,), (0.3761,))
    if source == "upload":
        content = saved(trained("digits-lenet"))
        (tmp_path / "mine.pt").write_bytes(content)
        choice = CheckpointChoice(
            "upload", "mine.pt", uploads.keep("mine.pt", content), None, (("pooling", "average"),)
        )
        file = io.BytesIO()
        examples = sample_models.datasets.load("digits")
        np.savez(file, x=examples.inputs[:500].numpy(), y=examples.targets[:500].numpy())
        (tmp_path / "mine.npz").write_bytes(file.getvalue())
        data = DataChoice("upload", "mine.npz", uploads.keep("mine.npz", file.getvalue()), 200, 3)
    settings = CheckpointSettings(choice, data)
    *_, last = checkpoint_job(settings)
    assert not last.result.refusal
    monkeypatch.chdir(tmp_path)
    names = run_notebook(checkpoint_notebook(settings, opened(choice)))
    assert names["test"] == last.result.test.evaluation
    assert names["train"] == last.result.train.evaluation
    mine, theirs = names["spectra"].layers, last.result.spectra.layers
    assert [layer.alpha for layer in mine] == [layer.alpha for layer in theirs]


def test_the_notebook_of_two_weight_spectra(tmp_path, monkeypatch):
    settings = WeightsSettings(
        CheckpointChoice("shipped", "digits-lenet"), CheckpointChoice("shipped", "digits-vgg"), "matrix", 20, 10, 3, 5
    )
    *_, last = weights_job(settings)
    monkeypatch.chdir(tmp_path)
    names = run_notebook(weights_notebook(settings))
    for place, spectra in enumerate(last.result, 1):
        assert names[f"spectra_{place}"].products == spectra.products > 0
        for mine, theirs in zip(names[f"spectra_{place}"].layers, spectra.layers, strict=True):
            np.testing.assert_array_equal(mine.eigenvalues, theirs.eigenvalues)


def test_the_lines_for_a_model_of_ones_own_run(tmp_path, monkeypatch):
    content = saved(trained("digits-mlp"))
    (tmp_path / "it's.pt").write_bytes(content)
    found = opened(CheckpointChoice("upload", "it's.pt", uploads.keep("it's.pt", content)))
    code = own_model_code(found, DataChoice("known", "digits"))
    assert "'1.weight': (64, 64)" in code
    monkeypatch.chdir(tmp_path)
    names = {"MyModel": lambda: sample_models.build("mlp", widths=(64, 64, 32, 10))}
    exec(code, names)
    assert sample_models.evaluate(names["model"], names["parts"]).accuracy > 0.9


def test_a_file_is_opened_in_steps_off_the_script_thread(monkeypatch):
    """Which yield between the reading and the comparing; a refusal is a result, a file that has gone a failure."""
    content = saved(trained("mnist-5k-lenet"))
    choice = CheckpointChoice("upload", "steps.pt", uploads.keep("steps.pt", content))
    steps = list(opening_steps(choice))
    assert [step.fraction for step in steps] == [0, 0.5, 1]
    assert steps[-1].result.recognised.architecture == "lenet"
    threads = []
    monkeypatch.setattr(sample_models, "load_checkpoint", lambda *_, **__: threads.append(threading.current_thread()))
    open_page(**linked(content + b" ", "elsewhere.pt"))
    assert [thread.name for thread in threads] == ["run Opening `elsewhere.pt`"]
    with pytest.raises(ValueError, match="no longer kept"):
        list(opening_steps(CheckpointChoice("upload", "gone.pt", "0011223344556677")))


def test_stop_acts_at_every_layer():
    """The jobs yield often: no step of the shipped checkpoints takes long."""
    last, longest = time.monotonic(), 0.0
    for _ in weights_job(WeightsSettings(CheckpointChoice("shipped", "mnist-5k-mlp"), seed=99)):
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert longest < 2
