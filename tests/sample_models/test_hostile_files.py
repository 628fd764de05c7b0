"""Files that are no checkpoint, or that mean harm: one sentence each, no code run, little memory."""

import gzip
import io
import os
import pickle
import re
import subprocess
import sys
import tarfile
import textwrap
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_safetensors
from torch import nn

from sample_models.checkpoint_files import load_checkpoint


def saved(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def legacy(content):
    return saved(content, _use_new_zipfile_serialization=False)


def rewritten(content, old, new):
    """The zip and the legacy file of `content` with bytes of its pickle replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(content))) as before, zipfile.ZipFile(file, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(old, new) if name.endswith(".pkl") else before.read(name))
    changed = legacy(content).replace(old, new, 1)
    assert changed != legacy(content)
    return file.getvalue(), changed


def zipped(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


class Runs:
    """Unpickling this would write a file."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def bomb(size=200 * 2**20):
    """A torch file whose one storage is `size` zeros, deflated to a thousandth."""
    file = io.BytesIO()
    content = saved({"w": torch.zeros(4)}).replace(b"K\x04", b"J" + (size // 4).to_bytes(4, "little"))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as after:
        head = content[content.index(b"\x80\x02") : content.index(b"\x2e", content.rindex(b"}q")) + 1]
        after.writestr("archive/data.pkl", head)
        with after.open("archive/data/0", "w") as member:
            for _ in range(size // 2**20):
                member.write(bytes(2**20))
    return file.getvalue()


def entries(count):
    """Tensors that each claim the same storage as another window: together far more than the file."""
    numbers = torch.zeros(100_000, dtype=torch.float16)
    return saved({f"w{k}": numbers[k:] for k in range(count)})


def scripted():
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Sequential(nn.Linear(3, 2))), file)
    return file.getvalue()


def exported():
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(nn.Sequential(nn.Linear(3, 2)), (torch.ones(1, 3),)), file)
    return file.getvalue()


def tar_of(content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("weights.pt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def arrays():
    file = io.BytesIO()
    np.savez(file, images=np.zeros((4, 3)))
    return file.getvalue()


WEIGHTS = {"fc.weight": torch.arange(21.0).reshape(7, 3), "fc.bias": torch.zeros(7)}
SIZE, NEGATIVE, LARGE = b"K\x07K\x03\x86", b"J\xf9\xff\xff\xffK\x03\x86", b"J\xff\xff\xff\x7fK\x03\x86"
NUMBERS, NONE, ALL = b"K\x15", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\x7f"
NAN = {"fc.weight": torch.tensor([[1.0, torch.nan]]), "fc.bias": torch.zeros(1)}
DEEP = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
SHARED = b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"}h\x00Ns."  # a key of 2^60 tuples to hash

HOSTILE = {
    "stride 0": (saved({"w": torch.zeros(1).expand(100_000, 100_000)}), "does not fit"),
    "stride 0, legacy": (legacy({"w": torch.zeros(1).expand(100_000, 100_000)}), "does not fit"),
    "negative size": (rewritten(WEIGHTS, SIZE, NEGATIVE)[0], "negative size"),
    "negative size, legacy": (rewritten(WEIGHTS, SIZE, NEGATIVE)[1], "negative size"),
    "too large a size": (rewritten(WEIGHTS, SIZE, LARGE)[0], "does not fit"),
    "too large a size, legacy": (rewritten(WEIGHTS, SIZE, LARGE)[1], "does not fit"),
    "negative storage": (rewritten(WEIGHTS, NUMBERS, NONE)[0], "negative size"),
    "too large a storage": (rewritten(WEIGHTS, NUMBERS, ALL)[0], "cut off or damaged"),
    "too large a storage, legacy": (rewritten(WEIGHTS, NUMBERS, ALL)[1], "cut off or damaged"),
    "many windows": (entries(300), "again and again"),
    "NaN": (saved(NAN), r"holds NaN in fc\.weight"),
    "NaN, half": (legacy({name: value.half() for name, value in NAN.items()}), r"holds NaN in fc\.weight"),
    "NaN, safetensors": (save_safetensors(NAN), r"holds NaN in fc\.weight"),
    "infinite": (saved({"w": torch.tensor([1.0, torch.inf])}), "infinite numbers in w"),
    "deep lists": (zipped({"archive/data.pkl": DEEP, "archive/version": b"3\n"}), "holds no tensors"),
    "key of shared tuples": (zipped({"a/data.pkl": SHARED}), "cut off or damaged"),
    "many operations": (zipped({"a/data.pkl": b"\x80\x02" + b"]" * 310_000}), "more than any checkpoint"),
    "many members": (zipped({f"a/data/{k}": b"" for k in range(40_000)}), "more members than any checkpoint"),
    "compressed": (zipped({"a/data.pkl": b"\x80\x02}."}, zipfile.ZIP_DEFLATED), "compressed afterwards"),
    "two pickles": (zipped({"a/data.pkl": b"\x80\x02}.", "b/data.pkl": b"\x80\x02}."}), "not laid out"),
    "something after the end": (saved(WEIGHTS) + b"more", "not laid out|cut off"),
    "empty dict": (saved({}), "holds no tensors"),
    "integers": (saved({"a.weight": torch.arange(3)}), "holds no tensors|without the names"),
    "tuple of images and labels": (saved((torch.zeros(5, 4, 4), torch.zeros(5).long())), "as a data set does"),
    "data set": (save_safetensors({"x": torch.zeros(9, 4), "y": torch.arange(9)}), "is a data set"),
    "quantised": (rewritten(WEIGHTS, b"FloatStorage", b"QInt8Storage")[0], "kind that is not read here"),
    "sparse": (saved({"w": torch.eye(3).to_sparse()}), "sparse"),
    "meta": (saved({"w": torch.empty(3, device="meta")}), "without values"),
    "protocol 4": (saved(WEIGHTS, pickle_protocol=4), "pickle_protocol=4"),
    "whole module": (saved(nn.Linear(3, 2)), r"whole pickled module \(torch\.nn\.modules\.linear\.Linear\)"),
    "whole module in a dict": (saved({"model": nn.Linear(3, 2), "epoch": 1}), "pickled object"),
    "TorchScript": (scripted(), "is a TorchScript module"),
    "exported program": (exported(), "is an exported program"),
    "NumPy arrays for tensors": (saved({"w": np.zeros(3)}), "NumPy arrays in place of tensors"),
    "plain pickle": (pickle.dumps({"w": [1.0, 2.0]}), "not written by torch.save"),
    "plain pickle of a module": (pickle.dumps(nn.Linear(3, 2)), "whole pickled module"),
    "deflate bomb": (bomb(), "compressed afterwards"),
    "gzip": (gzip.compress(saved(WEIGHTS)), "compressed with gzip"),
    "tar": (tar_of(saved(WEIGHTS)), "is a tar archive"),
    "npz": (arrays(), "archive of NumPy arrays"),
    "zip of images": (zipped({"cats/1.png": b"\x89PNG", "cats/2.jpg": b"\xff\xd8\xff"}), "zip archive of images"),
    "zip of a checkpoint": (zipped({"best.ckpt": saved(WEIGHTS)}), "with best.ckpt inside"),
    "empty": (b"", "is empty"),
    "text": (b"epoch, loss\n1, 0.5\n", "is text"),
    "web page": (b"<!DOCTYPE html><html></html>", "is a web page"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "ONNX": (b"\x08\x07\x12\x07pytorch\x1a\x051.9.0:\x92\x01", "ONNX"),
    "flax": (b"\x82\xa6params\x81\xa6kernel\xc7\x20\x01", "flax"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG picture"),
    "noise": (bytes(np.random.default_rng(0).integers(0, 256, 500, dtype=np.uint8)), "of no kind that is known"),
    "zeros": (bytes(5000), "only zeros"),
    "safetensors header too long": ((10**7).to_bytes(8, "little") + b"{" + bytes(50), "header of 10000000 bytes"),
}
for share in (1, 50, 99):
    for kind, content in (
        ("zip", saved(WEIGHTS)),
        ("legacy", legacy(WEIGHTS)),
        ("safetensors", save_safetensors(WEIGHTS)),
    ):
        cut = content[: max(len(content) * share // 100, 12)]
        HOSTILE[f"{kind}, cut off at {share} %"] = (cut, "cut off")


def assert_one_sentence(message, beginning="it.pt "):
    assert message.startswith(beginning)
    assert message.endswith(".")
    assert not re.search(r"[.!?]\s", message)
    assert "\n" not in message
    assert len(message) < 300
    assert "weights_only" not in message


@pytest.mark.parametrize("kind", HOSTILE)
def test_refused_in_one_sentence(kind, tmp_path):
    content, words = HOSTILE[kind]
    path = tmp_path / "it.pt"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(ValueError, match=words) as refusal:
            load_checkpoint(source, "it.pt")
        assert_one_sentence(str(refusal.value))


@pytest.mark.parametrize("call", ["open", "os.system", "eval", "torch.load", "getattr"])
def test_no_code_runs(call, tmp_path):
    """Each kind of pickle that would write a file when opened; the same pickles do write it when unpickled."""
    target = tmp_path / "written"
    harm = {
        "open": Runs(open, str(target), "w"),
        "os.system": Runs(os.system, f"touch {target}"),
        "eval": Runs(eval, f"open({str(target)!r}, 'w')"),
        "torch.load": Runs(torch.hub.load_state_dict_from_url, f"file://{target}"),
        "getattr": Runs(getattr, "text", "upper"),
    }[call]
    files = [pickle.dumps(harm), pickle.dumps(harm, 0)]
    files += [
        make(content)
        for make in (saved, legacy)
        for content in (harm, {"state_dict": WEIGHTS, "args": harm}, [harm, WEIGHTS])
    ]
    for file in files:
        with pytest.raises(ValueError, match=r"asks to run|could") as refusal:
            load_checkpoint(file, "it.pt")
        assert_one_sentence(str(refusal.value))
    assert not target.exists()
    if call in ("open", "eval"):
        pickle.loads(files[0]).close()
        assert target.exists()


@pytest.mark.parametrize("save", [saved, legacy, save_safetensors])
def test_a_changed_byte_is_noticed_or_harmless(save):
    """Any byte replaced by any: the checkpoint loads with finite numbers, or one sentence says why not."""
    draw, content = np.random.default_rng(0), save(WEIGHTS)
    refused = 0
    for _ in range(300):
        changed = bytearray(content)
        changed[draw.integers(len(content))] = draw.integers(256)
        try:
            loaded = load_checkpoint(bytes(changed), "it.pt")
            assert all(torch.isfinite(value).all() for value in loaded.tensors.values())
        except ValueError as error:
            assert_one_sentence(str(error))
            refused += 1
    assert 0 < refused < 300


def test_a_gigabyte_of_zeros(tmp_path):
    path = tmp_path / "it.pt"
    path.touch()
    os.truncate(path, 2**30)
    with pytest.raises(ValueError, match="has 1024 MiB, more than the 512 MiB that are read here") as refusal:
        load_checkpoint(path)
    assert_one_sentence(str(refusal.value))
    with pytest.raises(ValueError, match="only zeros"):
        load_checkpoint(path, largest=2**31)


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the peak of memory is read from /proc")
def test_memory_stays_within_twice_the_file(tmp_path):
    """Peak resident memory of a fresh process, file by file, against twice the file and 64 MB."""
    for number, (content, _) in enumerate(HOSTILE.values()):
        (tmp_path / f"{number:02d}").write_bytes(content)
    operations = {"lists": b"]", "sets": b"\x8f", "dicts": b"}", "calls": b"cos\nsystem\n(tR", "memo": b"Nq\x01"}
    for name, operation in operations.items():
        (tmp_path / name).write_bytes(zipped({"a/data.pkl": b"\x80\x02" + operation * 400_000}))
        (tmp_path / f"{name} legacy").write_bytes(legacy({})[:16] + b"\x80\x02" + operation * 400_000)
    (tmp_path / "json").write_bytes((1_900_000).to_bytes(8, "little") + b'{"a":[' + b"[]," * 633_330)
    (tmp_path / "good zip").write_bytes(saved({"w": torch.zeros(10_000_000)}))
    (tmp_path / "good legacy").write_bytes(legacy({"w": torch.zeros(10_000_000)}))
    (tmp_path / "good safetensors").write_bytes(save_safetensors({"w": torch.zeros(10_000_000)}))
    (tmp_path / "good half").write_bytes(saved({f"w{k}": torch.zeros(2_000_000).half() for k in range(20)}))
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 2**30)
    script = f"""
        import os, re
        from sample_models.checkpoint_files import load_checkpoint
        def memory(field):
            return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
        folder = {str(tmp_path)!r}
        for name in ["00", *sorted(os.listdir(folder))]:
            before = memory("VmRSS")
            open("/proc/self/clear_refs", "w").write("5")
            try:
                load_checkpoint(os.path.join(folder, name))
            except ValueError as error:
                pass
            print(name, os.path.getsize(os.path.join(folder, name)) / 2**20, memory("VmHWM") - before, sep=":")
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )
    rows = [line.split(":") for line in run.stdout.splitlines()][1:]
    assert len(rows) == len(HOSTILE) + 2 * len(operations) + 6
    for name, size, used in rows:
        assert float(used) <= 2 * float(size) + 64, (name, size, used)
