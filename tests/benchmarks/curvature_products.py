"""One product with the curvature of a network, in gradients, and against the packages that people use for it.

    python -m tests.benchmarks.curvature_products [cnn|resnet ...] [--examples 256] [--rounds 5]

Every time is of this thread alone; every ratio is of two times taken one right after the other, its median over rounds.
Set-up is what comes before the first product and within it beyond a later one. Packages: curvlinops-for-pytorch,
hessian-eigenthings, pyhessian (`pip install --no-deps pyhessian`, as it asks for torchvision), where they are installed.
"""

import argparse
import statistics
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
        print(f"{matrix:<22}{'product':>9}{'to best':>9}{'set-up':>9}{'breaks even':>13}{'error':>10}")
        for key, product in products.items():
            error = float((product(v).detach().double() - reference).norm() / reference.norm())
            extra = set_up[key] / one - ratio[key] if key in set_up else float("nan")
            even = extra / (best - ratio[key]) if key in set_up and ratio[key] < best else float("nan")
            print(f"  {key:<20}{ratio[key]:>9.2f}{ratio[key] / best:>9.2f}{extra:>9.1f}{even:>13.0f}{error:>10.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--examples", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.networks:
        compare(name, options.examples, options.batch, options.rounds)


if __name__ == "__main__":
    main()
