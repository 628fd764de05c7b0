"""Shipped checkpoints: what the manifest says, the same again by training, and refusals; loss and accuracy."""

import copy
import hashlib
import json
import shutil
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file

import sample_models
from sample_models.datasets import Dataset, batches, load
from sample_models.manifest import FOLDER, load_shipped, shipped, write_shipped
from sample_models.registry import build, configure
from sample_models.train import train
from sample_models.training import RUNS, run_data, training_steps

ENTRIES = {entry.name: entry for entry in shipped()}
QUICK = "mnist-5k-mlp"


pytestmark = pytest.mark.usefixtures("one_thread")


def test_each_data_set_and_architecture_is_shipped_with_and_without_batch_norm():
    shipped_kinds = {(e.data, e.architecture, e.config["batch_norm"]) for e in ENTRIES.values()}
    assert len(shipped_kinds) == 2 * 3 * 2
    assert {e.run for e in ENTRIES.values()} == set(RUNS)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4e6
    assert {path.name for path in FOLDER.iterdir()} == {e.file for e in ENTRIES.values()} | {"manifest.json"}


@pytest.mark.parametrize("name", ENTRIES)
def test_shipped_models_reach_what_the_manifest_says(name):
    model, config, entry = (getattr(load_shipped(name), part) for part in ("model", "config", "entry"))
    run = RUNS[entry.run]
    assert not model.training
    assert config == run.config == configure(entry.architecture, **entry.config)
    assert (entry.seed, entry.epochs, entry.data, entry.mean) == (run.seed, run.epochs, run.data, run.mean)
    assert entry.parameters == sum(p.numel() for p in model.parameters())
    data = load(entry.data).normalised(entry.mean, entry.std)
    assert (entry.examples, entry.test_examples) == (len(data.targets), len(data.test_targets))
    train = sample_models.evaluate(model, batches(data.inputs, data.targets, 1000))
    test = sample_models.evaluate(model, batches(data.test_inputs, data.test_targets, 1000))
    assert train.loss == pytest.approx(entry.loss, rel=1e-3, abs=1e-5)  # float32, and four digits are kept
    assert test.loss == pytest.approx(entry.test_loss, rel=1e-3, abs=1e-5)
    assert abs(train.accuracy - entry.accuracy) <= 1 / entry.examples + 1e-6  # a tie may break otherwise elsewhere
    assert abs(test.accuracy - entry.test_accuracy) <= 1 / entry.test_examples + 1e-6
    assert entry.epoch < entry.epochs or test.accuracy > 0.94


def test_training_again_gives_the_accuracy_within_a_point(tmp_path):
    (again,) = train(QUICK, tmp_path)
    assert abs(again.test_accuracy - ENTRIES[QUICK].test_accuracy) < 0.01
    assert abs(again.accuracy - ENTRIES[QUICK].accuracy) < 0.01
    assert abs(again.loss - ENTRIES[QUICK].loss) < 0.01
    new, old = load_file(tmp_path / again.file), load_file(FOLDER / again.file)
    assert list(new) == list(old)
    assert [t.shape for t in new.values()] == [t.shape for t in old.values()]


def test_the_seed_decides_the_weights_and_each_epoch_is_a_copy():
    run = replace(RUNS["digits-lenet-bn"], epochs=2)
    data = run_data(run).subset(300, test_size=50, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(5)
    first = list(training_steps(run, data))
    torch.manual_seed(6)
    again = list(training_steps(run, data))
    other = list(training_steps(replace(run, seed=1), data))
    assert [epoch.epoch for epoch in first] == [0, 1, 2]
    for a, b in zip(first, again, strict=True):
        assert all(torch.equal(a.model.state_dict()[k], t) for k, t in b.model.state_dict().items())
    weights = [epoch.model[0].weight for epoch in (*first, other[-1])]
    assert len({tuple(w.flatten().tolist()) for w in weights}) == 4
    assert first[2].train.loss < first[0].train.loss
    assert all(not epoch.model.training for epoch in first)


def test_one_run_can_be_watched():
    watched = sorted((e for e in ENTRIES.values() if RUNS[e.run].keep), key=lambda entry: entry.epoch)
    assert [e.epoch for e in watched] == [0, 1, 2, 5, 15]
    assert [e.loss for e in watched] == sorted((e.loss for e in watched), reverse=True)
    assert watched[0].loss == pytest.approx(2.3, abs=0.05)  # log 10: nothing learned
    assert len({e.sha256 for e in watched}) == 5


def test_the_files_describe_themselves():
    from safetensors import safe_open

    with safe_open(FOLDER / ENTRIES["digits-vgg"].file, framework="pt") as file:
        about = file.metadata()
    assert (about["architecture"], about["data"]) == ("vgg", "digits")
    assert configure("vgg", **json.loads(about["config"])) == RUNS["digits-vgg"].config


def test_shipped_files_are_recognised_like_anybody_elses():
    inputs = load("digits").inputs[:5]
    for name in ("digits-mlp-bn", "digits-lenet", "digits-vgg-bn"):
        checkpoint = sample_models.load_checkpoint(FOLDER / ENTRIES[name].file)
        recognised = sample_models.recognise(checkpoint)
        assert recognised.architecture == ENTRIES[name].architecture
        ours = load_shipped(name).model
        with torch.no_grad():
            torch.testing.assert_close(recognised.model.eval()(inputs), ours(inputs))


def test_changed_missing_and_unknown_files_are_refused(tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(FOLDER, folder)
    path = folder / ENTRIES["digits-mlp"].file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"its SHA-256 differs.*sample_models.train digits-mlp"):
        load_shipped("digits-mlp", folder=folder)
    path.unlink()
    with pytest.raises(ValueError, match="missing or not the file"):
        load_shipped("digits-mlp", folder=folder)
    assert load_shipped("digits-lenet", folder=folder).entry == ENTRIES["digits-lenet"]
    with pytest.raises(ValueError, match="no shipped checkpoint 'moon': choose one of digits"):
        load_shipped("moon")
    with pytest.raises(ValueError, match="no run 'moon'"):
        train("moon", tmp_path)


def test_writing_renews_only_the_lines_of_its_run(tmp_path):
    run = replace(RUNS["digits-mlp"], epochs=1)
    data = run_data(run).subset(64, test_size=20, generator=torch.Generator().manual_seed(0))
    epochs = list(training_steps(run, data))
    write_shipped(replace(run, name="other"), epochs[1:], data, tmp_path)
    write_shipped(replace(run, keep=(0, 1)), epochs, data, tmp_path)
    (once,) = write_shipped(run, epochs[1:], data, tmp_path)
    lines = json.loads((tmp_path / "manifest.json").read_text())["checkpoints"]
    assert [line["name"] for line in lines] == ["digits-mlp", "other"]
    assert lines[0] == json.loads(json.dumps(asdict(once)))
    assert hashlib.sha256((tmp_path / once.file).read_bytes()).hexdigest() == once.sha256


def test_evaluation_weighs_examples_alike_and_leaves_the_model_alone():
    model = build("mlp", widths=(4, 5, 3), batch_norm=True, generator=torch.Generator().manual_seed(0))
    g = torch.Generator().manual_seed(1)
    inputs, targets = torch.randn(50, 4, generator=g), torch.randint(3, (50,), generator=g)
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    whole = sample_models.evaluate(model, batches(inputs, targets))
    parts = sample_models.evaluate(model, batches(inputs, targets, 40))  # 40 and 10
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert (parts.accuracy, parts.examples) == (whole.accuracy, 50)
    assert whole.standard_error == pytest.approx((whole.accuracy * (1 - whole.accuracy) / 50) ** 0.5)
    with torch.no_grad():
        losses = torch.nn.functional.cross_entropy(
            copy.deepcopy(model).eval()(inputs).double(), targets, reduction="none"
        )
    assert whole.loss_error == pytest.approx(float(losses.std() / 50**0.5), rel=1e-6)
    assert parts.loss_error == pytest.approx(whole.loss_error, rel=1e-6)
    assert model.training
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())
    language = build("lstm", vocabulary=7)
    tokens = torch.randint(7, (3, 6), generator=g)
    assert sample_models.evaluate(language, [(tokens, tokens)]).examples == 18
    with pytest.raises(ValueError, match="tells 3 classes apart, the data have a label 3"):
        sample_models.evaluate(model, [(inputs, targets + 1)])
    with pytest.raises(ValueError, match="one example at least"):
        sample_models.evaluate(model, [])


def test_data_without_test_examples_is_not_trained_on_by_mistake():
    data = Dataset(
        "none", torch.rand(4, 64), torch.zeros(4).long(), torch.ones(0, 64), torch.zeros(0).long(), ("a", "b")
    )
    with pytest.raises(ValueError, match="one at least"):
        next(training_steps(RUNS["digits-mlp"], data))
