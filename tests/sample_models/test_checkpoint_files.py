"""Checkpoints as people have them: the files of public repositories, and every layout that the field writes."""

import argparse
import collections
import io
import pathlib
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_safetensors
from torch import nn

from sample_models.checkpoint_files import load_checkpoint
from sample_models.state_dicts import natural_order


def model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3))


def weights(seed=0):
    return model(seed).state_dict()


def prefixed(prefix, seed=0):
    return {f"{prefix}{name}": value for name, value in weights(seed).items()}


def saved(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def legacy(content):
    return saved(content, _use_new_zipfile_serialization=False)


def on_cuda(content, save=saved):
    """As a machine with a GPU writes it."""
    kept, torch.serialization.location_tag = torch.serialization.location_tag, lambda storage: "cuda:0"
    try:
        return save(content)
    finally:
        torch.serialization.location_tag = kept


def with_class(name, base, fill):
    """Bytes of a file that holds an object of a class that is gone when the file is loaded."""
    module, _, attribute = name.rpartition(".")
    made = type(attribute, (base,), {"__module__": module})
    parents = [module.rsplit(".", k)[0] for k in range(module.count(".") + 1)]
    sys.modules.update({parent: types.ModuleType(parent) for parent in parents})
    setattr(sys.modules[module], attribute, made)
    try:
        return saved(fill(made))
    finally:
        for parent in parents:
            del sys.modules[parent]


def plain_object(made):
    config = made()
    config.width = 7
    return {"model": weights(), "config": config}


def trained():
    """Optimiser, scheduler, scaler and random states beside the model."""
    net = model()
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.ones(4, 5)).sum().backward()
    optimiser.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [3])
    return {
        "model_state_dict": net.state_dict(),
        "optimizer_state_dict": optimiser.state_dict(),
        "scheduler": schedule.state_dict(),
        "rng_state": torch.get_rng_state(),
        "epoch": 3,
    }, net.state_dict()


def tied(dtype=torch.float32):
    embedding = torch.arange(12.0).reshape(4, 3).to(dtype)
    return {"wte.weight": embedding, "h.weight": torch.ones(3, 3, dtype=dtype), "lm_head.weight": embedding}


lightning = {
    "epoch": 4,
    "global_step": 99,
    "pytorch-lightning_version": "2.1.0",
    "state_dict": {**prefixed("model."), "criterion.weight": torch.ones(3)},
    "loops": {"fit_loop": {"state_dict": {}}},
    "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5)}},
    "optimizer_states": [],
    "hyper_parameters": {"width": 7},
}
averaged = torch.optim.swa_utils.AveragedModel(model())
mask = torch.full((4, 4), -torch.inf).triu(1)
masked = {**weights(), "a.mask": mask, "b.mask": mask, "steps": torch.arange(3)}
random_state = np.random.RandomState(0).get_state()

FILES = {
    "bare": saved(weights()),
    "bare legacy": legacy(weights()),
    "DataParallel and best_prec1": saved({"state_dict": prefixed("module."), "best_prec1": 91.5}),
    "DataParallel legacy": legacy({"state_dict": prefixed("module."), "best_prec1": torch.tensor(91.5)}),
    "net, acc, epoch": saved({"net": prefixed("module."), "acc": 93.0, "epoch": 8}),
    "model, model_args": saved({"model": prefixed("_orig_mod."), "model_args": {"n_head": 6}, "iter_num": 5}),
    "model in state_dict": saved({"model": {"state_dict": weights()}}),
    "Lightning": saved(lightning),
    "Lightning without prefix": saved({**lightning, "state_dict": weights()}),
    "Lightning's class of hyperparameters": with_class(
        "pytorch_lightning.utilities.parsing.AttributeDict",
        dict,
        lambda made: {"state_dict": prefixed("net."), "hyper_parameters": made(width=7)},
    ),
    "nested prefixes": saved(prefixed("module._orig_mod.model.net.")),
    "compiled inside": saved({name.replace("0.", "0._orig_mod."): value for name, value in weights().items()}),
    "params": saved({"params": weights(), "best": 1}),
    "weights": legacy({"weights": weights()}),
    "optimiser beside it": saved(trained()[0]),
    "optimiser legacy": legacy(trained()[0]),
    "CUDA": on_cuda(weights()),
    "CUDA legacy": on_cuda(weights(), legacy),
    "float64": saved({name: value.double() for name, value in weights().items()}),
    "parameters": saved(dict(model().named_parameters()) | {"1.running_mean": torch.zeros(7)}),
    "not contiguous": saved({name: value.t().contiguous().t() for name, value in weights().items()}),
    "slices of one storage": saved(dict(zip("abc", torch.arange(30.0).reshape(3, 2, 5), strict=True))),
    "Namespace": saved({"state_dict": weights(), "args": argparse.Namespace(lr=0.1), "epoch": 2}),
    "NumPy numbers": saved({"state_dict": weights(), "accuracy": np.float64(0.75), "epoch": np.int64(3)}),
    "NumPy arrays": legacy({"model": weights(), "history": np.arange(3.0), "rng": random_state}),
    "defaultdict": saved({"model": collections.defaultdict(list, weights())}),
    "paths and sets": saved({"model": weights(), "where": pathlib.PurePosixPath("/a"), "seen": {1, 2}}),
    "its own class of options": with_class("somebodys.code.Options", object, plain_object),
    "its own dict of options": with_class("addict.Dict", dict, lambda made: {"model": weights(), "c": made(a=1)}),
    "optimiser as an object": saved({"model": weights(), "optimizer": torch.optim.SGD(model().parameters(), 0.1)}),
    "masks and counters": saved(masked),
    "safetensors": save_safetensors(weights()),
    "safetensors with metadata": save_safetensors(prefixed("model."), metadata={"epoch": "3"}),
    "SWA": saved(averaged.state_dict()),
}


@pytest.mark.parametrize("kind", FILES)
def test_tensors_are_those_of_the_model(kind):
    checkpoint = load_checkpoint(FILES[kind], f"{kind}.pt")
    assert all(note.endswith(".") for note in checkpoint.notes)
    assert all(value.dtype in (torch.float32, torch.float64) for value in checkpoint.tensors.values())
    if kind == "slices of one storage":
        assert torch.equal(torch.stack(list(checkpoint.tensors.values())), torch.arange(30.0).reshape(3, 2, 5))
        return
    expected = trained()[1] if kind in ("optimiser beside it", "optimiser legacy") else weights()
    expected = {name: value for name, value in expected.items() if value.is_floating_point()}
    if kind == "parameters":
        del expected["1.running_var"]  # which no parameter is
        assert set(checkpoint.tensors) == set(expected)
    else:
        assert list(checkpoint.tensors) == list(expected)
    for name, value in expected.items():
        assert torch.equal(checkpoint.tensors[name].to(value.dtype), value)


def test_there_are_enough_kinds():
    assert len(FILES) >= 25


def test_what_lies_beside_the_weights():
    assert load_checkpoint(FILES["DataParallel legacy"]).metadata == {"best_prec1": 91.5}
    assert load_checkpoint(FILES["NumPy numbers"]).metadata == {"accuracy": 0.75, "epoch": 3}
    assert load_checkpoint(FILES["safetensors with metadata"]).metadata == {"epoch": "3"}
    assert load_checkpoint(FILES["model, model_args"]).metadata == {"model_args.n_head": 6, "iter_num": 5}
    notes = " ".join(load_checkpoint(FILES["Lightning"]).notes)
    assert "model." in notes
    assert "criterion.weight" in notes
    assert "argparse.Namespace" in load_checkpoint(FILES["Namespace"]).notes[0]
    notes = " ".join(load_checkpoint(FILES["masks and counters"]).notes)
    assert "a.mask, b.mask" in notes
    assert "steps" in notes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_halves_are_widened_and_ties_kept(dtype):
    content = tied(dtype)
    as_safetensors = save_safetensors({name: value.clone() for name, value in content.items()})
    files = [as_safetensors] if dtype.itemsize == 1 else [saved(content), legacy(content), as_safetensors]
    for file in files:
        checkpoint = load_checkpoint(file)
        assert any(str(dtype).removeprefix("torch.") in note for note in checkpoint.notes)
        for name, value in content.items():
            assert checkpoint.tensors[name].dtype == torch.float32
            assert torch.equal(checkpoint.tensors[name], value.float())
        if file is not as_safetensors:
            assert checkpoint.tied == (("wte.weight", "lm_head.weight"),)
            assert checkpoint.tensors["wte.weight"] is checkpoint.tensors["lm_head.weight"]
            assert checkpoint.parameters == 21


@pytest.mark.parametrize(
    ("content", "labels", "preferred"),
    [
        ([weights(0), weights(1)], ("0", "1"), 0),
        ({"ema": weights(1), "model": weights(0)}, ("ema", "model"), 1),
        ({"state_dict": weights(0), "state_dict_ema": weights(1)}, ("state_dict", "state_dict_ema"), 0),
        ({**prefixed("ema_model.", 1), **prefixed("model.", 0)}, ("weights", "weights: ema_model"), 0),
        ({"netG": weights(0), "netD": {"w": torch.ones(2, 5)}}, ("netG", "netD"), 0),
        ({"swa_state_dict": averaged.state_dict(), "state_dict": weights(0)}, ("swa_state_dict", "state_dict"), 1),
    ],
)
def test_one_of_several_is_chosen(content, labels, preferred):
    checkpoint = load_checkpoint(saved(content))
    assert checkpoint.choices == labels
    assert checkpoint.choice == labels[preferred]
    assert torch.equal(checkpoint.tensors["0.weight"], weights(0)["0.weight"])
    assert any(note.startswith("These are the weights under") for note in checkpoint.notes)
    other = load_checkpoint(saved(content), choose=labels[1 - preferred])
    assert other.choice == load_checkpoint(saved(content), choose=1 - preferred).choice == labels[1 - preferred]
    if "netD" not in labels and "swa_state_dict" not in labels:
        assert torch.equal(other.tensors["0.weight"], weights(1)["0.weight"])
    with pytest.raises(ValueError, match="choose one of"):
        load_checkpoint(saved(content), choose="none of them")


@pytest.mark.parametrize(
    ("file", "kind", "count", "metadata"),
    [
        ("akamaster_resnet20-12fca82f.th", "torch file (legacy)", 271098, {"best_prec1": pytest.approx(91.78)}),
        ("udacity_mnist_mlp.pt", "torch file (legacy)", 669706, {}),
        ("phlippe_FashionMNIST_SGD.tar", "torch file", 633226, {}),
        ("phlippe_FashionMNIST_Adam.tar", "torch file", 633226, {}),
    ],
)
def test_public_files(data, file, kind, count, metadata):
    checkpoint = load_checkpoint(data / "checkpoints" / file)
    assert (checkpoint.kind, checkpoint.name, checkpoint.parameters) == (kind, file, count)
    assert checkpoint.metadata == metadata
    same = load_checkpoint((data / "checkpoints" / file).read_bytes())
    assert all(torch.equal(value, same.tensors[name]) for name, value in checkpoint.tensors.items())


def test_path_and_open_file(tmp_path):
    for name in ("bare", "bare legacy", "safetensors"):
        path = tmp_path / name
        path.write_bytes(FILES[name])
        with path.open("rb") as file:
            loaded = [load_checkpoint(path), load_checkpoint(str(path)), load_checkpoint(file)]
            assert not file.closed
        assert all(torch.equal(each.tensors["0.weight"], weights()["0.weight"]) for each in loaded)
    with pytest.raises(ValueError, match="nowhere could not be opened"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="got NoneType"):
        load_checkpoint(None)


def test_loading_leaves_no_trace():
    """No class of a file stays allowed, and the process's random state and warnings are untouched."""
    before = torch.serialization.get_safe_globals()
    state = torch.get_rng_state()
    load_checkpoint(FILES["its own class of options"])
    assert torch.serialization.get_safe_globals() == before
    assert torch.equal(torch.get_rng_state(), state)
    assert "somebodys.code" not in sys.modules


def test_loads_at_the_same_time():
    """The stand-ins of one file are no other's: 40 files on 4 threads, all as alone."""
    kinds = ["Namespace", "its own class of options", "defaultdict", "bare legacy"] * 10
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(load_checkpoint, (FILES[kind] for kind in kinds)))
    assert all(torch.equal(each.tensors["0.weight"], weights()["0.weight"]) for each in loaded)


def test_an_upload_is_not_taken_for_a_file_of_its_name(tmp_path, monkeypatch):
    class Upload(io.BytesIO):
        name = "weights.safetensors"

    monkeypatch.chdir(tmp_path)
    (tmp_path / Upload.name).write_bytes(save_safetensors(weights(1)))
    assert torch.equal(load_checkpoint(Upload(FILES["safetensors"])).tensors["0.weight"], weights()["0.weight"])


def test_natural_order():
    names = ["layer.10.weight", "layer.2.bias", "layer.2.weight", "layer.2.running_var", "layer.2.running_mean"]
    assert natural_order(names) == [
        *("layer.2.weight", "layer.2.bias", "layer.2.running_mean", "layer.2.running_var", "layer.10.weight"),
    ]
