"""Notebooks of the Estimator lab's tabs "Compare" and "Errors"."""

from pages.ui.kernel_notebook import opening
from pages.ui.lab_estimates import BASIS, BEYOND, LARGEST_BASIS, MOMENTS, ORTHOGONAL
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["compare_notebook", "errors_notebook"]

INTERVAL = """interval = interval or getattr(A, "interval", None)
if interval is None:
    found = sc.lanczos_quadrature(A, steps=min(30, A.shape[0]), probes=2, generator=seeded({seed} + 7))
    low, high = found.ends
    interval = low - 0.01 * (high - low), high + 0.01 * (high - low)
half = (interval[1] - interval[0]) / 2
print(A.shape, interval)"""
SEEDED = """import numpy as np
from scipy.stats import norm

from spectral_core.estimators.smoothing_kernels import jackson_degree, least_degree, least_sigma


def seeded(seed):
    return torch.Generator().manual_seed(seed)"""
CURVES = """def curves(sigma, sketch, quadrature, moments):
    inside = max(64, int(np.ceil(3 * 2 * half / sigma)))  # points, between which the ends of the interval lie
    outside = max(inside // 16, int(np.ceil({BEYOND} * sigma * inside / (2 * half))))
    x = interval[0] + 2 * half / inside * (np.arange(-outside, inside + outside) + 0.5)
    paid = sigma * (1 + 1e-9)  # an estimator that was not paid down to this sigma has no curve
    names = ("xnystrom", "nystrom++", "nystrom", "hutchinson")
    found = {{n: sketch.density(sigma, estimator=n) for n in names if sketch.smallest_sigma(estimator=n) <= paid}}
    if quadrature.complete or half * least_sigma("gaussian", 2 * quadrature.steps - 1) <= paid:
        found["lanczos"] = quadrature.density(sigma)
    if half * np.pi / moments.degree <= paid:
        found["kpm"] = sc.kernel_polynomial(moments.truncated(jackson_degree(sigma / half)))
    pdfs = {{name: density.pdf(x) for name, density in found.items()}}
    nodes, mass = sc.maxent(moments, degree=min({MOMENTS}, moments.degree)).rule()
    pdfs["maxent"] = norm.pdf(x[:, None], nodes, sigma) @ mass
    return x, pdfs


def errors(sigma, x, pdfs):
    exact = sc.smoothed_spectrum(eigenvalues, x, sigma)
    return {{name: abs(pdf - exact).sum() * (x[1] - x[0]) for name, pdf in pdfs.items()}}"""
CURVES = CURVES.format(BEYOND=BEYOND, MOMENTS=MOMENTS)
COUNTS = """def count(method, source):
    # the method's probes as a Spectrum, whose count knows the doubt at both ends
    return sc.Spectrum(
        sigma=least_sigma("gaussian", degree) * half, method=method, reason="", interval=interval, size=n,
        products=source.products, stopped=source.stopped, source=source,
    ).count({lower!r}, {upper!r})


sources = {{"lanczos": quadrature, "chebyshev-nystrom++": sketch, "kpm": moments}}
counts = {{method: count(method, source) for method, source in sources.items()}}
{{method: (one.value, one.standard_error) for method, one in counts.items()}}"""


def _made(matrix):
    """What makes the matrix, with what a finished run of another page needs."""
    code = matrix.code()
    return f"{'import sample_models' + chr(10) if 'sample_models.' in code else ''}{SEEDED}\n\n\n{code}"


def compare_notebook(settings, view) -> str:
    """The notebook of a comparison, as JSON; a LabSettings and a LabView."""
    P, seed = settings.products, settings.seed
    cells = [
        *opening("Estimators of a spectrum at equal products", settings),
        _code(_made(settings.matrix)),
        _code(INTERVAL.format(seed=seed)),
        _markdown("How each spends its products: first the depth that resolves sigma, the rest on probes."),
        _code(
            f"products, n, finest = {P}, A.shape[0], {2.0 * settings.finest!r}  # sigma in units of half the interval\n"
            "degree = max(2, min(least_degree('gaussian', finest), products // 2))\n"
            "columns = min(max(2, products // degree), n)\n"
            "steps = min(max(2, degree // 2 + 1), n)\n"
            "order = max(2, min(jackson_degree(finest), 2 * products))\n"
            "quadrature = sc.lanczos_quadrature(\n    A, steps=steps, probes=min(max(1, products // steps), n), "
            f"reorthogonalise=steps <= {ORTHOGONAL} and n <= {LARGEST_BASIS},\n    memory={BASIS}, generator=seeded({seed})\n)\n"
            f"moments = sc.chebyshev_moments(\n    A, order, probes=min(max(1, products // -(-order // 2)), n), "
            f"interval=interval, generator=seeded({seed + 1})\n)\n"
            f"sketch = sc.chebyshev_sketch(A, degree, columns=columns, interval=interval, generator=seeded({seed + 2}))"
        ),
        _markdown("Every curve at one sigma, and what it misses of the exact smoothed density. No product."),
        _code(
            f"{CURVES}\n\n\nsigma = {view.sigma!r}\n"
            "x, pdfs = curves(sigma, sketch, quadrature, moments)\n"
            "errors(sigma, x, pdfs) if eigenvalues is not None else None"
        ),
        _code(
            "import plotly.graph_objects as go\n\n"
            "figure = go.Figure([go.Scatter(x=x, y=pdf, name=name) for name, pdf in pdfs.items()])\n"
            "if eigenvalues is not None:\n"
            "    figure.add_scatter(x=x, y=sc.smoothed_spectrum(eigenvalues, x, sigma), name='exact', fill='tozeroy')\n"
            "figure"
        ),
        _markdown("The choice of `sc.spectrum`."),
        _code(
            f"s = sc.spectrum(\n    A, sigma={settings.finest!r} * 2 * half, products=products, interval=interval, "
            f"generator=seeded({seed + 3})\n)\n"
            "s.method, s.reason"
        ),
    ]
    if view.upper > view.lower:
        cells += [
            _markdown("How many eigenvalues lie between two ends. No product."),
            _code(COUNTS.format(lower=view.lower, upper=view.upper)),
        ]
    return _as_json(cells)


def errors_notebook(settings) -> str:
    """The notebook of the errors over seeds, as JSON; an ErrorSettings."""
    cells = [
        *opening("Errors of estimators of a spectrum", settings),
        _code(_made(settings.matrix)),
        _code(INTERVAL.format(seed=settings.seed)),
        _code(CURVES),
        _markdown(
            "One run a sigma and seed at the largest budget; smaller budgets take its first probes, as if only they had been "
            "paid for."
        ),
        _code(
            "from dataclasses import replace\n\n"
            f"budgets, sigmas, seeds = {settings.budgets!r}, {settings.sigmas!r}, {settings.seeds}\n"
            "names = ('xnystrom', 'nystrom++', 'nystrom', 'hutchinson', 'lanczos', 'kpm', 'maxent')\n"
            "table = {name: np.full((seeds, len(sigmas), len(budgets)), np.nan) for name in names}\n"
            "n, most = A.shape[0], max(budgets)\n"
            "for seed in range(seeds):\n"
            "    for row, share in enumerate(sigmas):\n"
            f"        first = {settings.seed} + 1000 * seed\n"
            "        degree, order = least_degree('gaussian', 2 * share), jackson_degree(2 * share)\n"
            "        steps, half_order = min(degree // 2 + 1, n), -(-order // 2)\n"
            "        quadrature = sc.lanczos_quadrature(\n"
            f"            A, steps=steps, probes=min(most // steps, n), memory={BASIS},\n"
            f"            reorthogonalise=steps <= {ORTHOGONAL} and n <= {LARGEST_BASIS}, generator=seeded(first))\n"
            "        moments = sc.chebyshev_moments(\n"
            "            A, order, probes=min(most // half_order, n), interval=interval, generator=seeded(first + 1))\n"
            "        sketch = sc.chebyshev_sketch(\n"
            "            A, degree, columns=min(most // degree, n), interval=interval, generator=seeded(first + 2))\n"
            "        for column, budget in enumerate(budgets):\n"
            "            c, p, q = (min(budget // cost, n) for cost in (degree, steps, half_order))\n"
            "            if min(c, p, q) < 2:\n"
            "                continue\n"
            "            cut = replace(quadrature, nodes=quadrature.nodes[:p], weights=quadrature.weights[:p],\n"
            "                          residuals=quadrature.residuals[:p])\n"
            "            fewer = replace(moments, samples=moments.samples[:q])\n"
            "            sigma = share * 2 * half\n"
            "            x, pdfs = curves(sigma, sketch.restricted(c), cut, fewer)\n"
            "            for name, error in errors(sigma, x, pdfs).items():\n"
            "                table[name][seed, row, column] = error\n"
            "{name: np.median(values, axis=0).round(4) for name, values in table.items()}"
        ),
        _code("figures.estimator_winners_table(budgets, sigmas, table, names={name: name for name in names})"),
        _code("figures.estimator_winners_figure(budgets, sigmas, table, names={name: name for name in names})"),
    ]
    return _as_json(cells)
