"""Public checkpoints: opened, recognised and evaluated, beside torch alone on the same files in the same run.

    EIGENSCOPE_DATA=... python -m tests.benchmarks.checkpoints

Times are medians of five on one thread, in milliseconds; "first" is open and recognise before anything is warm. "plain" is
``torch.load(weights_only=True)`` of the same bytes, or a forward pass of the same batches. Memory is the highest above that
before, in a process that has opened another file, in file sizes.
"""

import gzip
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import sample_models
from tests.benchmarks.weight_spectra import against_weightwatcher

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FASHION = (0.2861,), (0.3530,)
FILES = {  # file: data, mean and standard deviation, published accuracy in per cent
    "udacity_mnist_mlp.pt": ("mnist", (0.0,), (1.0,), 98.2),
    "phlippe_FashionMNIST_SGD.tar": ("fashion", *FASHION, 96.3),
    "phlippe_FashionMNIST_Adam.tar": ("fashion", *FASHION, 94.6),
    "akamaster_resnet20-12fca82f.th": ("cifar", *IMAGENET, 91.5),
}
MEMORY = """
import io, sys, torch, sample_models
def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) * 1024
small = io.BytesIO()
torch.save(torch.nn.Linear(2, 2).state_dict(), small)
mode, path = sys.argv[1:]
work = {
    "plain": lambda file: torch.load(file, map_location="cpu", weights_only=True),
    "open": sample_models.load_checkpoint,
    "recognise": lambda file: sample_models.recognise(sample_models.load_checkpoint(file)),
}[mode]
small.seek(0)
work(small)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS:")
kept = work(open(path, "rb"))
print(status("VmHWM:") - before)
"""


def milliseconds(work, repeats=5):
    """The median time, and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times), result


def idx(path, offset):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def examples(folder, name):
    """Images (n, channels, height, width) from 0 to 1, and labels."""
    if name == "mnist":
        images = idx(folder / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
        labels = idx(folder / "t10k-labels-idx1-ubyte.gz", 8)
    elif name == "fashion":
        sprite = np.load(folder / "fashion_mnist_sprite_900.npz")
        images, labels = sprite["images"][:, None], sprite["labels"]
    else:
        subset = np.load(folder / "cifar10_subset.npz")
        images, labels = subset["x_test"].transpose(0, 3, 1, 2), subset["y_test"].ravel()
    return torch.from_numpy(images / np.float32(255)), torch.from_numpy(labels.astype(np.int64))


def memory(path):
    """Peak memory of plain loading, of opening and of opening with recognising, in sizes of the file."""
    for mode in ("plain", "open", "recognise"):
        command = [sys.executable, "-c", MEMORY, mode, str(path)]
        yield int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / path.stat().st_size


def opening(path):
    content = path.read_bytes()
    plain, _ = milliseconds(lambda: torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    first = time.perf_counter()
    checkpoint = sample_models.load_checkpoint(content)
    sample_models.recognise(checkpoint)
    first = 1000 * (time.perf_counter() - first)
    opened, checkpoint = milliseconds(lambda: sample_models.load_checkpoint(content))
    recognised, found = milliseconds(lambda: sample_models.recognise(checkpoint))
    print(
        f"{path.name:31} {len(content) / 1e6:6.1f} {plain:7.1f} {opened:7.1f} {recognised:10.1f} {first:7.1f} "
        f"{(opened + recognised) / plain:8.1f}  " + " ".join(f"{share:9.2f}" for share in memory(path)),
        flush=True,
    )
    return found


def evaluation(name, found, folder):
    data, mean, deviation, published = FILES[name]
    images, labels = examples(folder, data)
    mean, deviation = (torch.tensor(value).view(-1, 1, 1) for value in (mean, deviation))
    batches = sample_models.datasets.batches((images - mean) / deviation, labels, 250)
    with torch.no_grad():
        plain, _ = milliseconds(lambda: [found.model(inputs) for inputs, _ in batches], 3)
    took, result = milliseconds(lambda: sample_models.evaluate(found.model, batches), 3)
    print(
        f"{name:31} {found.architecture:>12} {result.examples:9,} {plain:8.0f} {took:9.0f} {took / plain:6.2f} "
        f"{result.accuracy:9.2%} ± {result.standard_error:.2%} {published:8.1f} % {result.loss:8.4f}",
        flush=True,
    )


def main():
    torch.set_num_threads(1)
    data = Path(os.environ["EIGENSCOPE_DATA"])
    paths = [data / "checkpoints" / name for name in FILES]
    print("opening, ms" + " " * 79 + "peak memory, files")
    print(f"{'file':31} {'MB':>6} {'plain':>7} {'open':>7} {'recognise':>10} {'first':>7} {'ratio':>8}  "
          f"{'plain':>9} {'open':>9} {'recognise':>9}")  # fmt: skip
    found = [opening(path) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder, "large.pt")
        torch.save(sample_models.build("mlp", widths=(3072, 6000, 1200, 10)).state_dict(), large)
        opening(large)
        print("\nevaluating, ms")
        print(f"{'file':31} {'architecture':>12} {'examples':>9} {'plain':>8} {'evaluate':>9} {'ratio':>6} "
              f"{'accuracy':>17} {'published':>10} {'loss':>8}")  # fmt: skip
        for path, one in zip(paths, found, strict=True):
            evaluation(path.name, one, data / "images")
        print("\nweight spectra")
        shipped = Path(folder, "mnist-5k-vgg-bn")
        torch.save(sample_models.load_shipped(shipped.name).model.state_dict(), shipped)
        against_weightwatcher([shipped])


if __name__ == "__main__":
    main()
