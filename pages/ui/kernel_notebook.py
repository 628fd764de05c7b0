"""Notebooks of the page "Kernel log-det"."""

from pages.ui.logdet_job import LARGEST_BASIS
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["likelihood_notebook", "logdet_notebook", "opening"]


def logdet_notebook(settings) -> str:
    """The notebook of a Log-determinant view, as JSON; `settings` is a LogdetSettings."""
    options = "".join(f", {name}={value!r}" for name, value in settings.options().items())
    seeded = f"generator=torch.Generator().manual_seed({settings.seed})"
    cells = [
        *opening("A log-determinant", settings),
        _code(f"{settings.matrix.code(dtype=settings.dtype, device=settings.device)}\nprint(A)"),
        _markdown(
            "The answer, by the method that suits the matrix and the budget: exact where n is at most the budget."
        ),
        _code(
            f"try:\n    best = sc.logdet(A{options}, {seeded})\n"
            "    print(best.value, best.standard_error, best.products, best.stopped)\n"
            "except ValueError as refusal:\n    print(refusal)"
        ),
        _markdown("Every method at the same budget. One that refuses the matrix says why."),
        _code(
            f"answers, failures = {{}}, {{}}\nfor method in {('exact',) * settings.exact + settings.methods!r}:\n"
            "    try:\n"
            f"        answers[method] = sc.logdet(A, method=method{options}, {seeded})\n"
            "    except ValueError as error:\n        failures[method] = str(error)\n"
            "figures.logdet_table(answers, failures)"
        ),
        _code("figures.logdet_figure(answers)"),
        _code("figures.logdet_error_figure(answers)"),
        _code(
            f"stems = sc.lanczos_quadrature(A, steps=min(30, A.shape[0]), probes=min(10, A.shape[0]), "
            f"reorthogonalise=A.shape[0] <= {LARGEST_BASIS}, {seeded})\n"
            "figures.stem_figure(stems)"
        ),
    ]
    return _as_json(cells)


def likelihood_notebook(settings) -> str:
    """The notebook of a Marginal likelihood view, as JSON; `settings` is a LikelihoodSettings."""
    matrix = settings.matrix
    target = "y = points.y"
    if matrix.source == "gaussian":
        target = (
            "# a target of the process itself: y = L z with K = L L.T\n"
            f"K = sc.kernels.KernelOperator(points.X, {matrix.kernel.code()}, noise={max(matrix.kernel.noise, 1e-8)!r})\n"
            f"z = torch.randn(len(points.X), generator=torch.Generator().manual_seed({matrix.seed + 1}), dtype=torch.float64)\n"
            "y = (torch.linalg.cholesky(torch.tensor(sc.materialise(K))) @ z).numpy()"
        )
    curve = (
        f"    points.X, y, {matrix.kernel.code()}, {matrix.kernel.noise!r},\n"
        f"    np.geomspace({settings.lowest!r}, {settings.highest!r}, {settings.points}),\n"
        f"    dtype=torch.{settings.dtype}, device={settings.device!r},"
    )
    cells = [
        *opening("A log marginal likelihood over length scales", settings),
        _code(f"import numpy as np\n\n{matrix.points_code()}\n{target}"),
        _code(
            f"estimate = sc.kernels.length_scale_curve(\n{curve}\n    products={settings.products}, exact=False, "
            f"generator=torch.Generator().manual_seed({settings.seed}),\n)"
        ),
        _code(
            f"exact = sc.kernels.length_scale_curve(\n{curve} exact=True,\n) if len(y) <= 3000 else None"
            if settings.exact
            else "exact = None"
        ),
        _code("figures.likelihood_table(estimate, exact)"),
        _code("figures.likelihood_figure(estimate, exact)"),
    ]
    return _as_json(cells)


def opening(title, settings):
    """The first cells: what is computed, and the imports."""
    return [
        _markdown(f"# {title}\n\n{settings.caption()}.\n\nNeeds the package `eigenscope`."),
        _code("import torch\n\nimport spectral_core as sc\nfrom spectral_core import figures"),
    ]
