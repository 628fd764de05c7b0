"""One product with the curvature of a network, in gradients, and against the packages that people use for it.

    python -m tests.benchmarks.curvature_products [cnn|resnet ...] [--examples 256] [--rounds 5]
    python -m tests.benchmarks.curvature_products density|begin

Every time is of this thread alone; every ratio is of two times taken one right after the other, its median over rounds.
Set-up is what comes before the first product and within it beyond a later one. Packages: curvlinops-for-pytorch,
hessian-eigenthings, pyhessian (`pip install --no-deps pyhessian`, as it asks for torchvision), where they are installed.
`density` is a 100-step density from one probe, set-up included; `begin` the first partial picture of a ResNet-20 on 1000
images and the memory that the run takes against what was stated beforehand.
"""

import argparse
import contextlib
import resource
import statistics
import threading
import time
import warnings

import torch
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from sample_models.registry import build


def small_cnn():
    """207 k parameters on 8 x 8 digits."""
    convolutions = [
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(1024, 182), nn.ReLU(), nn.Linear(182, 10)), (1, 8, 8)


def resnet():
    """ResNet-20 on 32 x 32 images, batch norm in evaluation mode."""
    return build("resnet", generator=torch.Generator().manual_seed(0), depth=20), (3, 32, 32)


LOOKED_AT = 15  # steps of `begin`: memory is steady long before
NETWORKS = {"cnn": small_cnn, "resnet": resnet}


def seconds(function):
    """Of this thread, one call."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def peers(model, data):
    """``{matrix: {package: product}}`` of the packages that there are, ``product(v)`` over all of `data`."""
    weights = [p for p in model.parameters() if p.requires_grad]
    found = {"hessian": {}, "gauss-newton": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import curvlinops

            loss = nn.CrossEntropyLoss()
            for matrix, name in (("hessian", "HessianLinearOperator"), ("gauss-newton", "GGNLinearOperator")):
                operator = getattr(curvlinops, name)(model, loss, weights, data, check_deterministic=False)
                found[matrix]["curvlinops"] = operator.__matmul__
        except ImportError:
            pass
        try:
            import hessian_eigenthings as eigenthings

            H = eigenthings.HessianOperator(model, data, eigenthings.supervised_loss(F.cross_entropy))
            found["hessian"]["hessian-eigenthings"] = H.matvec
            G = eigenthings.GGNOperator(
                model, data, eigenthings.supervised_forward, eigenthings.supervised_loss_of_output(F.cross_entropy)
            )
            found["gauss-newton"]["hessian-eigenthings"] = G.matvec
        except ImportError:
            pass
        try:
            import pyhessian

            whole = pyhessian.hessian(model, nn.CrossEntropyLoss(), dataloader=data, cuda=False)

            def product(v):
                parts = [
                    part.view_as(w) for part, w in zip(v.split([w.numel() for w in weights]), weights, strict=True)
                ]
                return torch.cat([part.flatten() for part in whole.dataloader_hv_product(parts)[1]])

            found["hessian"]["PyHessian, anew"] = product
            if len(data) == 1:  # keeps its graph, of one mini-batch
                kept = pyhessian.hessian(model, nn.CrossEntropyLoss(), data=data[0], cuda=False)

                def retained(v):
                    parts = [
                        part.view_as(w) for part, w in zip(v.split([w.numel() for w in weights]), weights, strict=True)
                    ]
                    product = torch.autograd.grad(kept.gradsH, kept.params, parts, retain_graph=True)
                    return torch.cat([part.flatten() for part in product])

                found["hessian"]["PyHessian, retained"] = retained
        except ImportError:
            pass
    return found


def compare(name, examples, batch, rounds):
    torch.manual_seed(0)
    model, shape = NETWORKS[name]()
    model.eval()
    data = list(
        zip(torch.rand(examples, *shape).split(batch), torch.randint(10, (examples,)).split(batch), strict=True)
    )
    weights = list(model.parameters())

    def gradient():
        for x, y in data:
            torch.autograd.grad(F.cross_entropy(model(x), y), weights)

    gradient()
    one = statistics.median(seconds(gradient) for _ in range(rounds))
    print(f"\n{name}: {sum(w.numel() for w in weights)} parameters, {examples} examples in {len(data)} batches")
    print(f"one gradient {one:.3f} s; everything below in gradients")
    v = torch.randn(sum(w.numel() for w in weights))
    others = peers(model, data)
    for matrix, operator in (("hessian", sc.curvature.HessianOperator), ("gauss-newton", sc.curvature.GGNOperator)):
        products, set_up = {}, {}
        construction = seconds(lambda operator=operator: operator(model, F.cross_entropy, data, memory=8 * 2**30))
        for way in ("linearised", "retained", "recomputed"):
            A = operator(model, F.cross_entropy, data, memory=8 * 2**30)
            prepared = seconds(lambda A=A, way=way: A.prepare(way=way))
            set_up[way] = construction + prepared + seconds(lambda A=A: A @ v)
            products[way] = A.__matmul__
        reference = operator(model, F.cross_entropy, data, dtype=torch.float64) @ v.double()
        products |= others[matrix]
        times = {key: [] for key in products}
        for _ in range(rounds):
            for key, product in products.items():
                times[key].append((seconds(lambda product=product: product(v)), seconds(gradient)))
        ratio = {key: statistics.median(t / g for t, g in pairs) for key, pairs in times.items()}
        best = min((ratio[key] for key in others[matrix]), default=float("nan"))
        anew = min((ratio[key] for key in others[matrix] if "retained" not in key), default=float("nan"))
        print(f"{matrix:<22}{'product':>9}{'to best':>9}{'set-up':>9}{'breaks even':>13}{'error':>10}")
        for key, product in products.items():
            error = float((product(v).detach().double() - reference).norm() / reference.norm())
            extra = set_up[key] / one - ratio[key] if key in set_up else float("nan")
            even = extra / (best - ratio[key]) if key in set_up and ratio[key] < best else float("nan")
            peer = anew if key == "recomputed" else best  # what recomputes, against what recomputes
            print(f"  {key:<20}{ratio[key]:>9.2f}{ratio[key] / peer:>9.2f}{extra:>9.1f}{even:>13.0f}{error:>10.1e}")


def densities(model, data, steps):
    """``{package: function}``: a density of the Hessian from one probe, from nothing to nodes and weights."""

    def ours():
        A = sc.curvature.HessianOperator(model, F.cross_entropy, data, memory=8 * 2**30)
        sc.lanczos_quadrature(A, steps=steps, probes=1, generator=torch.Generator().manual_seed(0))

    found = {"ours": ours}
    with contextlib.suppress(ImportError):
        import hessian_eigenthings as eigenthings

        def things():
            H = eigenthings.HessianOperator(model, data, eigenthings.supervised_loss(F.cross_entropy))
            eigenthings.spectral_density(H, num_runs=1, lanczos_steps=steps, seed=0)

        found["hessian-eigenthings"] = things
    with contextlib.suppress(ImportError):
        import pyhessian

        def mended(T, eigenvectors):  # torch.eig is gone
            values, vectors = torch.linalg.eigh(T)
            return values[:, None], vectors

        def whole():
            torch.eig = mended
            options = {"data": data[0]} if len(data) == 1 else {"dataloader": data}
            pyhessian.hessian(model, nn.CrossEntropyLoss(), cuda=False, **options).density(iter=steps, n_v=1)

        found["PyHessian, torch.eig mended"] = whole
    with contextlib.suppress(ImportError):
        import curvlinops
        from curvlinops.papyan2020traces.spectrum import LanczosApproximateSpectrumCached

        def linops():
            weights = list(model.parameters())
            H = curvlinops.HessianLinearOperator(model, nn.CrossEntropyLoss(), weights, data, check_deterministic=False)
            LanczosApproximateSpectrumCached(H.to_scipy(), ncv=steps).approximate_spectrum(1, 1024)

        found["curvlinops"] = linops
    return found


def density(name, examples, steps, rounds):
    torch.manual_seed(0)
    model, shape = NETWORKS[name]()
    model.eval()
    data = [(torch.rand(examples, *shape), torch.randint(10, (examples,)))]
    weights = list(model.parameters())

    def gradient():
        torch.autograd.grad(F.cross_entropy(model(data[0][0]), data[0][1]), weights)

    gradient()
    print(f"\n{name}: density of {steps} steps from one probe on {examples} examples, set-up included, in gradients")
    times = {}
    for _ in range(rounds):
        for key, function in densities(model, data, steps).items():
            try:
                spent = seconds(function)
            except Exception as error:  # of another package
                print(f"  {key} fails: {str(error).splitlines()[0][:90]}")
                continue
            times.setdefault(key, []).append(spent / statistics.median(seconds(gradient) for _ in range(3)))
    cost = {key: statistics.median(spent) for key, spent in times.items()}
    best = min(spent for key, spent in cost.items() if key != "ours")
    for key, spent in cost.items():
        print(f"  {key:<30}{spent:>8.1f}{spent / best:>8.2f} of the best of the others")


def begin(examples=1000, batch=125, steps=100):
    """In a process of its own, so that its peak is this run's."""
    torch.manual_seed(0)
    model, shape = resnet()
    model.eval()
    data = [(torch.rand(batch, *shape), torch.randint(10, (batch,))) for _ in range(examples // batch)]
    weights = list(model.parameters())

    def gradient():
        for x, y in data:
            torch.autograd.grad(F.cross_entropy(model(x), y), weights)

    gradient()
    one = statistics.median(seconds(gradient) for _ in range(3))
    before, start = resident(), time.thread_time()
    A = sc.curvature.HessianOperator(model, F.cross_entropy, data)
    ahead = A.preflight(steps)
    peak = 0
    with watched() as peaks:
        for q in sc.lanczos_quadrature_steps(A, steps=steps, probes=1, generator=torch.Generator().manual_seed(0)):
            if q.steps == 1:
                print(f"ResNet-20, {examples} images: one gradient {one:.2f} s; first partial picture after "
                      f"{(time.thread_time() - start) / one:.1f} gradients")  # fmt: skip
            peak = max(peak, peaks())
            if q.steps == LOOKED_AT:
                break
    stated = A.plan.memory
    vectors = 4 * A.shape[0] * (LOOKED_AT + 10)
    print(
        f"stated before: {ahead.memory / 2**20:.0f} MiB, once traced {stated / 2**20:.0f} MiB ({A.plan.way}, {A.plan.kept} kept)"
    )
    print(
        f"taken: {(peak - before - vectors) / 2**20:.0f} MiB beyond data, weights and the {vectors / 2**20:.0f} MiB of Lanczos "
        "vectors"
    )
    print(f"{LOOKED_AT} steps took {(time.thread_time() - start) / one:.0f} gradients; all {steps} were said to take "
          f"{ahead.seconds / one:.0f}")  # fmt: skip


def resident():
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@contextlib.contextmanager
def watched(pause=0.01):
    """A function that says the most bytes seen in memory so far, by a thread that looks every `pause` seconds."""
    most, over = [resident()], threading.Event()

    def look():
        while not over.wait(pause):
            most[0] = max(most[0], resident())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield lambda: most[0]
    finally:
        over.set()
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--examples", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.networks == ["density"]:
        density("cnn", 1000, 100, options.rounds)
        density("resnet", 256, 100, max(1, options.rounds // 3))
        return
    if options.networks == ["begin"]:
        begin()
        return
    for name in options.networks:
        compare(name, options.examples, options.batch, options.rounds)


if __name__ == "__main__":
    main()
