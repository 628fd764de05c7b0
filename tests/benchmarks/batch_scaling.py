"""What mini-batches do to lambda_1, measured against every prediction, and the largest stable learning rates.

    python -m tests.benchmarks.batch_scaling [digits|mnist|rest|rates]

`digits` and `mnist` print, for each shipped network, the mean of lambda_1 over random mini-batches, the same with a control
variate (`Outliers.adjusted`), and each prediction divided by the latter, with z = (prediction - mean) / standard error. Must
hold for B >= 64: |z| <= 2 or within 20 % (local), within 10 % (refined; its column "paired" is on the very mini-batches
measured, so that chance cancels). `rates` trains at each batch size with each optimiser; Adam's prediction is a shape, at the
level found.
"""

import sys
import time

import torch

import sample_models
from spectral_core import batch_scaling, curvature
from spectral_core.results import last

NETWORKS = {  # examples of the training set, mini-batches of each size
    "digits": {name: (None, 40) for name in ("digits-mlp", "digits-lenet", "digits-mlp-bn", "digits-lenet-bn")},
    "mnist": {"mnist-5k-mlp": (2000, 24), "mnist-5k-lenet": (2000, 24), "mnist-5k-lenet-watched-epoch-02": (1000, 24)},
    "rest": {
        name: (1000, 16)
        for name in (
            "mnist-5k-mlp-bn",
            "mnist-5k-lenet-bn",
            "digits-vgg",
            "digits-vgg-bn",
            "mnist-5k-vgg",
            "mnist-5k-vgg-bn",
        )
    },
}
RATES = {"digits-mlp": None, "digits-lenet": None, "mnist-5k-lenet-watched-epoch-02": 1000}
SIZES = (16, 64, 128, 256, 512, 1024)
COLUMNS = ("refined", "local", "second_order", "wigner", "additive", "multiplicative", "free")


def network(name, examples=None):
    shipped = sample_models.load_shipped(name)
    entry = shipped.entry
    data = sample_models.datasets.load(entry.data).normalised(entry.mean, entry.std)
    batches = sample_models.datasets.batches(data.inputs[:examples], data.targets[:examples], 500)
    return shipped.model, batches


def table(name, examples, draws, matrix):
    model, batches = network(name, examples)
    H = matrix(model, "cross-entropy", batches)
    generator, started = torch.Generator().manual_seed(0), time.perf_counter()
    known = last(batch_scaling.full_batch_steps(H, outliers=3, directions=20, generator=generator))[2]
    sizes = [B for B in SIZES if known.examples > B]
    prepared = time.perf_counter() - started
    steps = batch_scaling.outlier_steps(H, sizes, draws=draws, known=known, resamples=400, generator=generator)
    b = last(steps)[2]
    seconds = time.perf_counter() - started - prepared
    print(
        f"\n{name}, {matrix.__name__}, N = {known.examples}, P = {known.size}, lambda_1 = {known.eigenvalues[0]:.4g}, "
        f"one example makes {known.projections.largest_share:.0%} of the noise; "
        f"{b.products:.0f} products, {prepared:.0f} + {seconds:.0f} s"
    )
    print(
        f"{'B':>5} {'measured':>19} {'adjusted':>18} {'paired':>7}"
        + "".join(f"{each:>15}" for each in COLUMNS)
        + "  z: local, second"
    )
    for row, B in enumerate(sizes):
        plain, plain_error = b.measured[row, 0], b.standard_error[row, 0]
        mean, error = (part[row, 0] for part in b.adjusted)
        share = {each: getattr(b, each)[row, 0] / mean for each in COLUMNS}
        z = {each: (share[each] - 1) * mean / error for each in COLUMNS}
        paired = b.refined_same[row, 0] / plain
        fails = [each for each in ("local", "second_order") if abs(z[each]) > 2 and abs(share[each] - 1) > 0.2]
        fails += ["refined"] if abs(paired - 1) > 0.1 else []
        shown = "".join(f"{share[each]:15.3f}" for each in COLUMNS)
        failing = f"  FAILS: {', '.join(fails)}" if fails and B >= 64 else ""
        zs = f"{z['local']:.1f} {z['second_order']:.1f}"
        print(
            f"{B:5d} {plain:9.4g} +- {plain_error:6.2g} {mean:8.4g} +- {error:6.2g} {paired:7.3f}{shown}  {zs}{failing}",
            flush=True,
        )


def rates(name, examples=None, sizes=(16, 32, 64, 128, 256, 512, 1000)):
    model, batches = network(name, examples)
    H = curvature.HessianOperator(model, "cross-entropy", batches)
    generator = torch.Generator().manual_seed(0)
    known = last(batch_scaling.full_batch_steps(H, outliers=1, directions=20, generator=generator))[2]
    predicted = batch_scaling.learning_rates(known, sizes)
    for optimiser in batch_scaling.OPTIMISERS:
        print(
            f"\n{name}: largest stable rate, {optimiser}; critical batch size {known.critical_batch_size().value:.0f}"
        )
        options = {"start": predicted.first_tried(optimiser), "optimiser": optimiser, "generator": generator}
        _, found = last(batch_scaling.largest_stable_rate_steps(model, "cross-entropy", batches, sizes, **options))
        rates = predicted.of(optimiser, found)
        print(f"{'B':>5} {'2/E l1(B)':>10} {'predicted':>11} {'found':>8} {'predicted / found':>18}")
        for row, each in enumerate(found):
            told = (
                f"{predicted.sharpness[row]:10.3g} {rates[row]:11.3g} {each.value:8.3g} {rates[row] / each.value:18.2f}"
            )
            print(f"{each.batch_size:5d} {told}")
        for label, values in (("predicted", rates), ("found", [each.value for each in found])):
            shape = batch_scaling.rate_shape(sizes, values)
            slopes = f"slopes {shape.grows_at:.2f} and {shape.ends_at:.2f}, bend at {shape.critical:.0f}"
            print(f"{label}: {slopes}; linear, then flat: {shape.linear_then_flat}", flush=True)


def main(asked):
    torch.set_num_threads(1)
    for part in asked or ("digits", "mnist", "rest", "rates"):
        if part == "rates":
            for name, examples in RATES.items():
                rates(name, examples)
            continue
        for name, (examples, draws) in NETWORKS[part].items():
            table(name, examples, draws, curvature.HessianOperator)
        if part == "digits":
            table("digits-mlp", None, 40, curvature.GGNOperator)


if __name__ == "__main__":
    main(sys.argv[1:])
