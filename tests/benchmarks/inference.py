"""Table 3.1, both parts, beside the published values: ``python -m tests.benchmarks.inference [seeds]``."""

import sys
import time

import numpy as np
import torch

from pages.ui.published import TABLE_3_1A, TABLE_3_1B
from spectral_core import graphs

TITLES = {model: form.title for model, form in graphs.RANDOM_GRAPHS.items()}


def drawn(model, n, generator):
    """A graph of Table 3.1a and the parameter that it was drawn with; the thesis does not say k."""
    if model == "er":
        return graphs.erdos_renyi(n, 0.6, generator=generator), 0.6
    if model == "ws":
        return graphs.watts_strogatz(n, 10, 0.4, generator=generator), 0.4
    r = round(0.4 * n)
    return graphs.barabasi_albert(n, r, generator=generator), r


def table_a(seeds):
    print(f"Table 3.1a: parameters, {seeds} graphs each, k = 10 given; how often the 95 % interval holds the truth")
    print(
        f"{'model':16} {'n':>4} {'put in':>7} {'median':>7} {'mean':>7} {'spread':>7} {'thesis':>7} {'held':>5} {'s':>5}"
    )
    for model, published in TABLE_3_1A.items():
        for n, value in published.items():
            fits, start = [], time.perf_counter()
            for seed in range(seeds):
                graph, truth = drawn(model, n, torch.Generator().manual_seed(seed))
                generator = torch.Generator().manual_seed(10**6 + seed)
                fits.append(graphs.fit_model(graph, model, k=10 if model == "ws" else None, generator=generator))
            found = np.array([fit.value for fit in fits])
            held = np.mean([fit.interval[0] <= truth <= fit.interval[1] for fit in fits])
            seconds = (time.perf_counter() - start) / seeds
            print(
                f"{TITLES[model]:16} {n:4} {truth:7g} {np.median(found):7.4g} {found.mean():7.4g} {found.std():7.2g} "
                f"{value:7g} {held:5.0%} {seconds:5.2f}"
            )


def table_b():
    print("\nTable 3.1b: least divergences (nats). The thesis's fits had not converged where that can be checked.")
    for r in (3, 10):
        graph = graphs.barabasi_albert(5000, r, generator=torch.Generator().manual_seed(0))
        start = time.perf_counter()
        found = graphs.fit_models(graph, generator=torch.Generator().manual_seed(1))
        print(f"Barabási–Albert graph, n = 5000, r = {r}: {time.perf_counter() - start:.1f} s. {found.reading}")
        for fit in found.fits:
            thesis = TABLE_3_1B["large BA"][fit.model]
            print(f"  {fit.title:16} {fit.least.value:.4f} +- {fit.least.standard_error:.4f}, thesis {thesis}")
    print(f"YouTube, thesis: {TABLE_3_1B['YouTube']}; here by the page's example, which fetches the graph.")


if __name__ == "__main__":
    table_a(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
    table_b()
