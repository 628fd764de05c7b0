"""Data sets: packaged, fetched from a server on this machine, brought by a person; subsets, normalisation, batches."""

import gzip
import hashlib
import io
import struct
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from safetensors.torch import save

from sample_models.datasets import Dataset, batches, catalogue, collection, download_steps, load, read_dataset
from sample_models.datasets.downloads import Remote


def idx(array):
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def cifar(folder, labels, train_files, test_file, names):
    """An archive laid out as the binary versions, and what it holds."""
    rng = np.random.default_rng(0)
    packed, parts = io.BytesIO(), {}
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file in (*train_files, test_file):
            records = rng.integers(0, 256, (20, labels + 3072), dtype=np.uint8)
            records[:, :labels] %= names
            member = tarfile.TarInfo(f"{folder}/{file}")
            member.size = records.size
            archive.addfile(member, io.BytesIO(records.tobytes()))
            parts[file] = records
    return packed.getvalue(), parts


RNG = np.random.default_rng(1)
IMAGES = [RNG.integers(0, 256, shape, dtype=np.uint8) for shape in ((300, 28, 28), (50, 28, 28))]
LABELS = [RNG.integers(0, 10, n, dtype=np.uint8) for n in (300, 50)]
MNIST_FILES = dict(zip(collection.MNIST.files, map(idx, (IMAGES[0], LABELS[0], IMAGES[1], LABELS[1])), strict=True))
BATCHES = [f"data_batch_{i}.bin" for i in range(1, 6)]
CIFAR_10, CIFAR_10_PARTS = cifar("cifar-10-batches-bin", 1, BATCHES, "test_batch.bin", 10)
CIFAR_100, CIFAR_100_PARTS = cifar("cifar-100-binary", 2, ["train.bin"], "test.bin", 20)
FILES = MNIST_FILES | {"cifar-10-binary.tar.gz": CIFAR_10, "cifar-100-binary.tar.gz": CIFAR_100}


class Answers(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        Answers.requests += 1
        if "missing" in self.path:
            self.send_error(404)
            return
        content = FILES[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if "cut" in self.path else content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def local(monkeypatch):
    """The catalogue with the checksums of this module's files."""
    for key in ("mnist", "cifar-10", "cifar-100"):
        entry = collection.ENTRIES[key]
        files = {f: (len(FILES[f]), hashlib.sha256(FILES[f]).hexdigest()) for f in entry.remote.files}
        remote = Remote(entry.remote.url, entry.remote.folder, files)
        monkeypatch.setitem(collection.ENTRIES, key, collection.CatalogueEntry(*known(key), remote))


def known(key):
    return next(row for row in collection.KNOWN if row[0] == key)[:-1]


@pytest.mark.parametrize("key", ["digits", "mnist-5k"])
def test_packaged_sets_are_what_the_catalogue_says(key):
    entry = next(entry for entry in catalogue() if entry.key == key)
    dataset = load(key)
    assert (len(dataset.targets), len(dataset.test_targets)) == entry.examples
    assert dataset.shape == entry.shape
    assert (dataset.inputs.min(), dataset.inputs.max(), dataset.inputs.dtype) == (0, 1, torch.float32)
    assert set(dataset.targets.tolist()) == set(dataset.test_targets.tolist()) == set(range(len(entry.classes)))
    both = torch.cat([dataset.inputs, dataset.test_inputs]).flatten(1)
    assert len(both.unique(dim=0)) == len(both)  # no image twice, so none in train and in test
    assert torch.equal(load(key).inputs, dataset.inputs)
    assert list(download_steps(key)) == [1.0]


def test_digits_against_scikit_learn():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    dataset = load("digits")
    ours = torch.cat([dataset.inputs, dataset.test_inputs]).flatten(1) * 16
    labelled = {(tuple(x.tolist()), int(y)) for x, y in zip(theirs.data, theirs.target, strict=True)}
    targets = torch.cat([dataset.targets, dataset.test_targets])
    assert {(tuple(x.tolist()), int(y)) for x, y in zip(ours, targets, strict=True)} == labelled


def test_mnist_5k_is_from_the_training_half_of_mnist(data):
    with gzip.open(data / "images" / "train-images-idx3-ubyte.gz") as file:
        mnist = np.frombuffer(file.read()[16:], np.uint8).reshape(60000, 784)
    dataset = load("mnist-5k")
    known = {image.tobytes() for image in mnist}
    ours = (torch.cat([dataset.inputs, dataset.test_inputs]).flatten(1) * 255).round().to(torch.uint8).numpy()
    assert all(image.tobytes() in known for image in ours)


def test_downloads_state_where_and_what():
    entries = [entry for entry in catalogue() if entry.kind == "download"]
    sums = [sha256 for entry in entries for _, sha256 in entry.remote.files.values()]
    assert len(entries) == 4
    assert len(set(sums)) == len(sums) == 10
    assert all(len(bytes.fromhex(s)) == 32 for s in sums)


@pytest.mark.usefixtures("local")
def test_mnist_is_fetched_once_then_read_without_a_network(server, tmp_path):
    fractions = list(download_steps("mnist", cache=tmp_path, base_url=server))
    assert fractions == sorted(fractions)
    assert len(fractions) > 4
    assert 0 < fractions[0] < fractions[-1] == 1.0
    asked = Answers.requests
    dataset = load("mnist", cache=tmp_path, base_url="http://127.0.0.1:9")
    assert Answers.requests == asked
    np.testing.assert_array_equal((dataset.inputs[:, 0] * 255).round().numpy(), IMAGES[0])
    np.testing.assert_array_equal(dataset.test_targets.numpy(), LABELS[1])
    assert sorted(path.name for path in (tmp_path / "mnist").iterdir()) == sorted(MNIST_FILES)
    g = torch.Generator().manual_seed(4)
    part = load("mnist", size=10, test_size=5, generator=g, cache=tmp_path)
    assert len(part.targets) == 10
    whole = dataset.subset(10, test_size=5, generator=torch.Generator().manual_seed(4))
    assert torch.equal(part.inputs, whole.inputs)
    assert torch.equal(part.test_targets, whole.test_targets)


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    ("key", "parts", "labels"), [("cifar-10", CIFAR_10_PARTS, 1), ("cifar-100", CIFAR_100_PARTS, 2)]
)
def test_cifar_is_read_from_its_binary_version(key, parts, labels, server, tmp_path):
    dataset = load(key, cache=tmp_path, base_url=server)
    train = np.concatenate([records for file, records in parts.items() if "test" not in file])
    np.testing.assert_array_equal((dataset.inputs * 255).round().numpy().reshape(len(train), -1), train[:, labels:])
    np.testing.assert_array_equal(dataset.targets.numpy(), train[:, labels - 1])  # the fine label
    assert dataset.shape == (3, 32, 32)
    assert len(dataset.classes) == (10 if labels == 1 else 100)


@pytest.mark.usefixtures("local")
def test_a_damaged_cached_file_is_fetched_again(server, tmp_path):
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "cifar-10-binary.tar.gz").write_bytes(b"rubbish")
    assert len(load("cifar-10", cache=tmp_path, base_url=server).targets) == 100


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            "missing",
            "MNIST could not be fetched: 127.0.0.1:.* answered 404 Not Found; try again later, or put https://",
        ),
        ("cut", "broke after .* of .* bytes; try again"),
        ("nowhere", "could not be fetched: no connection to 127.0.0.1:9; try again later, or put https://ossci"),
    ],
)
def test_failed_downloads_say_one_sentence_and_leave_no_file(where, said, server, tmp_path):
    base = "http://127.0.0.1:9" if where == "nowhere" else f"{server}/{where}"
    with pytest.raises(ValueError, match=said) as caught:
        load("mnist", cache=tmp_path, base_url=base)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "mnist").iterdir()) == []


def test_a_wrong_checksum_has_its_own_sentence_and_removes_the_file(server, tmp_path):
    with pytest.raises(ValueError, match=r"CIFAR-10 was fetched .*SHA-256 differs.*removed"):
        load("cifar-10", cache=tmp_path, base_url=server)
    assert list((tmp_path / "cifar").iterdir()) == []


@pytest.mark.usefixtures("local")
def test_stopping_leaves_no_file(server, tmp_path):
    steps = download_steps("cifar-10", cache=tmp_path, base_url=server)
    assert 0 < next(steps) < 1
    steps.close()
    assert list((tmp_path / "cifar").iterdir()) == []


def test_unknown_key_unwritable_cache_and_subsets_without_a_generator(tmp_path):
    with pytest.raises(ValueError, match="choose one of digits"):
        load("moon")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        load("mnist", cache=tmp_path / "file" / "folder")
    with pytest.raises(ValueError, match="give a generator"):
        load("digits", size=3)


def tiny(**options):
    inputs = torch.arange(24.0).view(4, 2, 3, 1)
    return Dataset(
        "tiny", inputs, torch.tensor([0, 1, 2, 0]), inputs[:2] + 50, torch.tensor([1, 2]), ("a", "b", "c"), **options
    )


def test_normalisation_is_stated_adjustable_and_undone():
    raw = tiny()
    there = raw.normalised((1.0, 2.0), (4.0, 0.5))
    assert (there.mean, there.std) == ((1.0, 2.0), (4.0, 0.5))
    assert torch.equal(there.inputs[:, 0], (raw.inputs[:, 0] - 1) / 4)
    assert torch.equal(there.test_inputs[:, 1], (raw.test_inputs[:, 1] - 2) / 0.5)
    assert torch.equal(there.normalised().inputs, raw.inputs)  # powers of two: exact
    torch.testing.assert_close(there.normalised(0.3, 0.7).inputs, raw.normalised(0.3, 0.7).inputs)
    own = raw.standardised()
    torch.testing.assert_close(own.inputs.mean((0, 2, 3)), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(own.inputs.std((0, 2, 3), correction=0), torch.ones(2))
    assert own.test_inputs.mean() > 1  # by the training examples' numbers
    table = Dataset(
        "table",
        torch.tensor([[1.0, 5.0], [3.0, 5.0]]),
        torch.tensor([0, 1]),
        torch.ones(0, 2),
        torch.ones(0).long(),
        ("a", "b"),
    )
    assert (table.standardised().mean, table.standardised().std) == ((2.0, 5.0), (1.0, 1.0))  # no spread: 1
    for mean, std, said in ((0, 0, "positive"), ((1, 2, 3), 1, "one for each of 2"), (float("nan"), 1, "finite")):
        with pytest.raises(ValueError, match=said):
            raw.normalised(mean, std)


def test_subsets_by_size_and_seed():
    digits = load("digits")

    def draw(size, seed, **options):
        return digits.subset(size, generator=torch.Generator().manual_seed(seed), **options)

    small, large = draw(50, 1), draw(200, 1)
    assert torch.equal(large.inputs[:50], small.inputs)  # nested
    assert torch.equal(draw(50, 1).targets, small.targets)
    assert not torch.equal(draw(50, 2).inputs, small.inputs)
    assert len(large.inputs.flatten(1).unique(dim=0)) == 200  # without replacement
    assert torch.equal(small.test_inputs, digits.test_inputs)
    assert len(draw(5, 1, test_size=7).test_targets) == 7
    assert (small.classes, small.mean) == (digits.classes, digits.mean)
    for size in (0, 1438, 2.5):
        with pytest.raises(ValueError, match="1 to 1437"):
            draw(size, 0)


def test_batches_are_iterated_again_in_the_same_order():
    inputs, targets = torch.arange(7.0)[:, None], torch.arange(7)
    data = batches(inputs, targets, 3)
    for _ in range(2):
        assert [len(y) for _, y in data] == [3, 3, 1]
        assert torch.equal(torch.cat([x for x, _ in data]), inputs)
    assert len(data) == 3
    assert len(batches(inputs, targets)) == 1
    for bad in (0, 2.0):
        with pytest.raises(ValueError, match="whole number"):
            batches(inputs, targets, bad)
    with pytest.raises(ValueError, match="as many targets"):
        batches(inputs, targets[:3], 2)


def test_datasets_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="one label: 4 examples came with 3"):
        Dataset("a", torch.ones(4, 2), torch.zeros(3).long(), torch.ones(0, 2), torch.zeros(0).long(), ("a",))
    with pytest.raises(ValueError, match="from 0 to 1; got 0 to 2"):
        Dataset("a", torch.ones(2, 2), torch.tensor([0, 2]), torch.ones(0, 2), torch.zeros(0).long(), ("a", "b"))
    with pytest.raises(ValueError, match="one shape"):
        Dataset("a", torch.ones(1, 2), torch.tensor([0]), torch.ones(0, 3), torch.zeros(0).long(), ("a", "b"))


def npz(save_as=np.savez, **arrays):
    file = io.BytesIO()
    save_as(file, **arrays)
    return file.getvalue()


PIXELS = np.random.default_rng(3).integers(0, 256, (12, 5, 6), dtype=np.uint8)
NAMES = np.array(["cat", "dog", "emu"] * 4)
NUMBERS = np.arange(12) % 3


@pytest.mark.parametrize("save_as", [np.savez, np.savez_compressed])
def test_npz_with_a_test_part(save_as):
    content = npz(save_as, x_train=PIXELS[:8], y_train=NUMBERS[:8], x_test=PIXELS[8:], y_test=NUMBERS[8:, None])
    dataset = read_dataset(content, "mine.npz")
    assert (dataset.shape, dataset.classes, dataset.name) == ((1, 5, 6), ("0", "1", "2"), "mine.npz")
    np.testing.assert_array_equal((dataset.test_inputs[:, 0] * 255).round().numpy(), PIXELS[8:])
    assert dataset.test_targets.tolist() == NUMBERS[8:].tolist()
    assert "Pixels are bytes and were divided by 255." in dataset.notes


def test_npz_without_a_test_part_is_split_by_the_generator(tmp_path):
    path = tmp_path / "animals.npz"
    path.write_bytes(npz(images=PIXELS, labels=NAMES, extra=np.ones(3)))
    dataset = read_dataset(path, test_fraction=0.25)
    assert (len(dataset.targets), len(dataset.test_targets), dataset.classes) == (9, 3, ("cat", "dog", "emu"))
    assert "The array extra was not used." in dataset.notes
    found = {}
    for inputs, targets in ((dataset.inputs, dataset.targets), (dataset.test_inputs, dataset.test_targets)):
        for image, target in zip((inputs * 255).round().to(torch.uint8).numpy(), targets, strict=True):
            found[image.tobytes()] = dataset.classes[target]
    assert found == {image.tobytes(): name for image, name in zip(PIXELS, NAMES.tolist(), strict=True)}
    again = read_dataset(path, test_fraction=0.25)
    other = read_dataset(path, test_fraction=0.25, generator=torch.Generator().manual_seed(9))
    assert torch.equal(again.inputs, dataset.inputs)
    assert not torch.equal(other.inputs, dataset.inputs)


def test_shapes_channels_and_labels_of_all_kinds():
    photographs = np.random.default_rng(0).random((12, 8, 9, 3))
    dataset = read_dataset(npz(inputs=photographs, targets=np.eye(3)[NUMBERS]))
    assert dataset.shape == (3, 8, 9)
    assert any("Channels came last" in note for note in dataset.notes)
    assert any("One-hot" in note for note in dataset.notes)
    rows = read_dataset(npz(x=PIXELS.reshape(12, 30), y=NUMBERS.astype(float)), shape=(1, 5, 6))
    assert rows.shape == (1, 5, 6)
    assert torch.equal(rows.inputs, read_dataset(npz(x=PIXELS, y=NUMBERS)).inputs)
    signs = read_dataset(npz(x=PIXELS, y=np.where(NUMBERS == 0, -1, 1)))
    assert signs.classes == ("-1", "1")
    assert read_dataset(npz(x=PIXELS, y=NUMBERS == 0)).classes == ("0", "1")
    late = read_dataset(npz(x=PIXELS, y=NUMBERS + 4))
    assert len(late.classes) == 7  # kept: a checkpoint counts its classes so
    assert any("smallest label is 4" in note for note in late.notes)


def test_safetensors_half_precision():
    tensors = {"x": torch.rand(12, 4).to(torch.bfloat16), "y": torch.tensor(NUMBERS)}
    dataset = read_dataset(save(tensors), "table.safetensors")
    assert (dataset.shape, dataset.inputs.dtype) == ((4,), torch.float32)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_csv(delimiter, packed):
    lines = ["height,label,width", *(f'{i},"{NAMES[i]}",{i / 4}' for i in range(12))]
    content = "\r\n".join(lines).replace(",", delimiter).encode("utf-8-sig")
    dataset = read_dataset(gzip.compress(content) if packed else content, "pets.csv")
    assert dataset.classes == ("cat", "dog", "emu")
    both = torch.cat([dataset.inputs, dataset.test_inputs])
    assert sorted(both.tolist()) == [[i, i / 4] for i in range(12)]
    assert torch.equal(both[:, 0].long() % 3, torch.cat([dataset.targets, dataset.test_targets]))


def test_csv_columns_are_chosen():
    content = b"1,2,0\n3,4,1\n5,6,1\n"
    assert read_dataset(content).classes == ("0", "1")
    assert read_dataset(content, label=0).shape == (2,)
    assert read_dataset(b"a,b,kind\n1,0,2\n3,1,4\n", label="b").classes == ("0", "1")
    with pytest.raises(ValueError, match="no column 'c': its columns are a, b, kind"):
        read_dataset(b"a,b,kind\n1,0,2\n3,1,4\n", label="c")


def bomb():
    """A member that unpacks to 100 MiB of zeros."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w") as member,
    ):
        np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (100, 2**20)})
        for _ in range(100):
            member.write(bytes(2**20))
    return file.getvalue()


def huge_header():
    """An array that says it is 8 EiB large."""
    file, member = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (2**30, 2**30)})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", member.getvalue() + bytes(80))
    return file.getvalue()


class Trap:
    def __reduce__(self):
        return (open, ("/nowhere/at/all", "w"))


def plain_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("photo.png", b"\x89PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"hello", "it is no table"),
        (bytes(range(256)), "it is no npz, safetensors or CSV file"),
        (b"\x1f\x8bnonsense", "it is a damaged gzip file"),
        (b"PK\x03\x04 nothing", "it is a damaged npz file"),
        (plain_zip, "it is a zip archive but no npz"),
        (lambda: npz(x=PIXELS, y=NUMBERS)[:-300], "damaged npz"),
        (lambda: npz(x=np.array([[Trap()] * 2] * 12, dtype=object), y=NUMBERS), "cut off or holds objects"),
        (lambda: save({"x": torch.ones(3, 2), "y": torch.ones(3)})[:-5], "damaged safetensors"),
        (lambda: npz(a=PIXELS, y=NUMBERS), "no inputs found in it: call the array inputs or x; its arrays are a, y"),
        (lambda: npz(x=PIXELS), "no targets found"),
        (lambda: npz(x=PIXELS, inputs=PIXELS, y=NUMBERS), "more than one array of inputs"),
        (lambda: npz(x=PIXELS, y=NUMBERS, x_test=PIXELS), "a test part without labels"),
        (lambda: npz(x=PIXELS, y=NUMBERS[:5]), "12 examples and 5 labels"),
        (lambda: npz(x=NUMBERS, y=NUMBERS), "inputs must be numbers of shape"),
        (lambda: npz(x=PIXELS * 1j, y=NUMBERS), "inputs must be numbers"),
        (
            lambda: npz(x=np.where(np.arange(12)[:, None] == 7, np.nan, np.ones((12, 4))), y=NUMBERS),
            "example 7 of it has a value that is not finite",
        ),
        (lambda: npz(x=PIXELS, y=NUMBERS + 0.5), "not whole numbers: targets of regression"),
        (lambda: npz(x=PIXELS, y=np.ones((12, 3))), "not one-hot"),
        (lambda: npz(x=PIXELS[:1], y=NUMBERS[:1]), "two are needed"),
        (lambda: np.lib.format.magic(1, 0) + b"...", "a single array"),
        (b"a,b,label\n1,2,0\n3,,1\n", r"row 3, column 2 \(b\) of it holds nothing"),
        (b"a,b,label\n1,2,0\n3,n/a,1\n", "holds 'n/a', which is no number"),
        (b"a,b,label\n1,2,0\n\n3,4,5,1\n", "row 3 of it has 4 columns"),
        (b"a,b,label\n", "a header and no rows"),
        (huge_header, "cut off or holds objects"),
        (b"1,2,0\n3,4,1\n5,6\n", "row 3 of it has 2 columns where the first has 3"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_uploads_are_refused_in_one_sentence(content, said):
    content = content() if callable(content) else content
    with pytest.raises(ValueError, match=said) as caught:
        read_dataset(content, "it")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_bomb_is_refused_before_it_unpacks(monkeypatch):
    import resource

    from sample_models.datasets import uploads

    monkeypatch.setattr(uploads, "LARGEST", 2**26)

    content = bomb()
    assert len(content) < 1e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="more than 1 GiB"):
        read_dataset(content, "it")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**15


def test_public_files(data):
    cifar10 = read_dataset(data / "images" / "cifar10_subset.npz")
    assert (cifar10.shape, len(cifar10.targets), len(cifar10.test_targets)) == ((3, 32, 32), 4000, 1000)
    fashion = read_dataset(data / "images" / "fashion_mnist_sprite_900.npz")
    assert (fashion.shape, len(fashion.targets) + len(fashion.test_targets)) == ((1, 28, 28), 900)
