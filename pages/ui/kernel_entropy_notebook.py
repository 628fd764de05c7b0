"""Notebooks of the tabs "Entropy and moments" and "Table 2.1"."""

from pages.ui.kernel_notebook import opening
from pages.ui.logdet_job import EXACT_LIMIT
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["entropy_notebook", "table_notebook"]


def entropy_notebook(settings) -> str:
    """The notebook of an Entropy view, as JSON; `settings` is an EntropySettings."""
    options = "".join(f", {name}={value!r}" for name, value in settings.options().items())
    cells = [
        *opening("Entropy and log-determinant against the number of moments", settings),
        _code(f"import numpy as np\n\n{settings.matrix.code()}\nprint(A)"),
        _markdown(f"All eigenvalues up to n = {EXACT_LIMIT:,}, else the moments of 30 random probes."),
        _code(
            f"if A.shape[0] <= {EXACT_LIMIT}:\n    spectrum = np.linalg.eigvalsh(sc.materialise(A))\nelse:\n"
            f"    stems = sc.lanczos_quadrature(A, steps={settings.most // 2 + 1}, probes=30, "
            f"generator=torch.Generator().manual_seed({settings.seed}))\n"
            f"    spectrum = stems.moments({settings.most}, interval=(0.0, stems.ends[1] * (1 + 1e-6)))"
        ),
        _code(
            "from spectral_core.estimators.logdet import entropy_against_moments, floor_sensitivity_steps\n\n"
            f"curves = entropy_against_moments(spectrum, range(2, {settings.most + 1}){options})\nprint(curves.rises)\n"
            "figures.entropy_table(curves)"
        ),
        _code("figures.entropy_figure(curves)"),
        _code("figures.entropy_error_figure(curves) if np.isfinite(curves.truth) else None"),
        _code(
            "floors = [10.0**-power for power in range(2, 13)]\n"
            f"*_, by_floor = floor_sensitivity_steps(spectrum, floors, degree={settings.most})\n"
            f"figures.floor_figure(floors, by_floor, truth=curves.truth, degree={settings.most})"
        ),
    ]
    return _as_json(cells)


def table_notebook(settings) -> str:
    """The notebook of Table 2.1, as JSON; `settings` is a TableSettings."""
    from pages.ui.kernel_table_job import NOISE
    from pages.ui.published import TABLE_2_1

    rows = ",\n    ".join(f"({row.lengthscale!r}, {row.ratio!r}, {row[2:]!r})" for row in TABLE_2_1)
    cells = [
        *opening("Table 2.1", settings),
        _markdown(
            "Length scale, its ratio to the standard deviation of the points (which gives the printed condition number at "
            "n = 1000), and the printed condition number and errors of MEMe, Chebyshev and Lanczos."
        ),
        _code(f"import numpy as np\n\nrows = [\n    {rows},\n]"),
        _code(
            "from spectral_core.estimators.logdet.entropy import meme_steps\n"
            "from spectral_core.krylov.bounds import gershgorin\n\n"
            "errors = {}\nfor lengthscale, ratio, printed in rows:\n"
            f"    seeded = torch.Generator().manual_seed({settings.seed})\n"
            f"    X = sc.kernels.gaussian_inputs({settings.n}, scale=lengthscale / ratio, generator=seeded)\n"
            f"    K = sc.kernels.KernelOperator(X, sc.kernels.RBF(lengthscale), noise={NOISE!r})\n"
            "    A = torch.as_tensor(sc.materialise(K))\n    truth = np.log(np.linalg.eigvalsh(A.numpy())).sum()\n"
            "    found = {}\n    for method in ('preconditioned', 'slq', 'chebyshev', 'meme'):\n"
            f"        found[method] = sc.logdet(A, method=method, products={settings.products}, lower_bound={NOISE!r}, "
            f"generator=torch.Generator().manual_seed({settings.seed + 1}))\n"
            "    for floor in (1e-5, 1e-10):\n"
            f"        *_, found[f'meme, floor {{floor:g}}'] = meme_steps(\n            A, products={settings.products}, "
            f"lower_bound={NOISE!r}, degree=30, measure='grid', floor=floor,\n"
            f"            upper_bound=gershgorin(A).upper, generator=torch.Generator().manual_seed({settings.seed + 1}),\n"
            "        )\n"
            "    errors[lengthscale] = {method: abs(y.value / truth - 1) for method, y in found.items()}\n"
            "    print(lengthscale, printed, {method: f'{error:.2g}' for method, error in errors[lengthscale].items()})"
        ),
    ]
    return _as_json(cells)
