"""Notebooks of the curvature tabs."""

from pages.ui.curvature_compared_job import DIAGONAL, DIAGONAL_PRODUCTS
from pages.ui.curvature_job import EXACT_LIMIT, SPOT, VARYING
from pages.ui.curvature_training_job import TRACE
from pages.ui.hessian_notebook import opening
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["compared_notebook", "curvature_notebook", "training_notebook"]


def curvature_notebook(settings, view) -> str:
    """The notebook of a curvature spectrum, as JSON; a CurvatureSettings and a CurvatureView."""
    problem, seed = settings.problem, settings.seed
    cells = [
        *opening("Curvature of a network"),
        _markdown(f"{settings.caption()}."),
        _code(f"{problem.code()}\nA.preflight({settings.steps * settings.probes})"),
        _code(
            f"generator = torch.Generator().manual_seed({seed})\n"
            f"q = sc.lanczos_quadrature(A, steps={settings.steps}, probes={settings.probes}, generator=generator)\n"
            "q.ends, q.products"
        ),
    ]
    known = ""
    if settings.pairs:
        cells += [
            _markdown("Eigenpairs at both ends. What they explain of each probe becomes an atom of exact mass 1/P."),
            _code(
                f"generator = torch.Generator().manual_seed({seed + 1})\n"
                f"top = sc.eigenpairs(A, k={settings.pairs}, which='top', generator=generator)\n"
                f"bottom = sc.eigenpairs(A, k=1, which='bottom', generator=torch.Generator().manual_seed({seed + 1}))\n"
                f"probes = sc.draw_probes(A.shape[0], {settings.probes}, generator=torch.Generator().manual_seed({seed}))\n"
                "probes = (probes / probes.norm(dim=0)).numpy()\n"
                "values, vectors = np.r_[top.values, bottom.values], np.hstack([top.vectors, bottom.vectors])\n"
                "known = np.r_[top.converged, bottom.converged] & (abs(values) > 1e-3 * top.scale)\n"
                "if known.any() and len(values) < A.shape[0]:\n"
                "    q = q.deflated(values[known], (probes.T @ vectors[:, known]) ** 2)\n"
                "overlap = sc.curvature.gradient_overlap(A, top.vectors)\n"
                "top.values, top.residuals"
            ),
        ]
        known = ", top=top, bottom=bottom, overlap=overlap"
    if settings.variance and settings.problem.matrix in VARYING:
        cells.append(
            _code(
                "noise = None\nif A.separable:  # each example has a loss of its own\n"
                "    total = sum(batch.examples for batch in A.batches)\n"
                f"    noise = sc.curvature.variance(\n        A, probes=2, examples=min({settings.variance}, total), "
                f"generator=torch.Generator().manual_seed({seed + 2})\n    )\nnoise"
            )
        )
        known += ", noise=noise"
    cells += [
        _code(
            "import pandas as pd\n\n"
            f"rows = sc.curvature.statistics(q{known}, damping={view.damping!r}, dtype=A.dtype)\npd.DataFrame(rows)"
        ),
        _code(
            f"low, high = q.ends\nfit = sc.maxent(q.moments({view.shown}, interval=(low - 0.02 * (high - low), "
            "high + 0.02 * (high - low))))\n"
            f"figures.spectrum_figure(interval=fit.support, stems=q, densities={{\n"
            f"    'maximum entropy': fit, 'smoothed': q.density({view.sigma!r})}}).update_layout(yaxis_type='log')"
        ),
    ]
    start = f"sc.draw_probes(A.shape[0], 1, generator=torch.Generator().manual_seed({seed}), dtype=A.dtype)"
    cells += [
        _code(
            f"run = sc.lanczos(A, {start}, {min(settings.steps, SPOT)})\n"
            f"sc.curvature.certificate(A, run, generator=torch.Generator().manual_seed({seed + 3})).checks"
        ),
        _code(
            f"eigenvalues = np.linalg.eigvalsh(sc.materialise(A)) if A.shape[0] <= {EXACT_LIMIT} else None\neigenvalues"
        ),
    ]
    return _as_json(cells)


def compared_notebook(settings) -> str:
    """The notebook of spectra side by side, as JSON; `settings` is a ComparedSettings."""
    cells = [*opening("Curvature side by side"), _code("quadratures = {}")]
    for name, problem in settings.problems().items():
        cells.append(
            _code(
                f"{problem.code()}\nquadratures[{name!r}] = sc.lanczos_quadrature(\n    A, steps={settings.steps}, "
                f"probes={settings.probes}, generator=torch.Generator().manual_seed({settings.seed})\n)"
            )
        )
    if settings.what == "matrices":
        cells.append(
            _code(
                f"d = sc.diagonal(A, products=min({DIAGONAL_PRODUCTS}, A.shape[0]), "
                f"generator=torch.Generator().manual_seed({settings.seed + 1}))\nquadratures[{DIAGONAL!r}] = d.value"
            )
        )
    elif settings.what == "probes":
        cells.append(
            _code(
                "(q,) = quadratures.values()\nquadratures = {f'probe {i + 1}': p for i, p in enumerate(q.single_probes()[:2])}"
            )
        )
    cells.append(_code("figures.stem_panels_figure(quadratures)"))
    return _as_json(cells)


def training_notebook(settings) -> str:
    """The notebook of a run's epochs, as JSON; `settings` is a TrainingSettings."""
    cells = [*opening("Curvature along a run"), _code("import pandas as pd\n\nquadratures, rows = {}, []")]
    seeded = "generator=torch.Generator().manual_seed({})".format
    for epoch, problem in settings.problems().items():
        ggn = problem.of(matrix="GGNOperator").code().partition("\nA = ")[2]
        cells.append(
            _code(
                f"{problem.code()}\nF = {ggn}\nquadratures[{epoch!r}] = sc.lanczos_quadrature(\n    A, steps={settings.steps}, "
                f"probes={settings.probes}, {seeded(settings.seed)}\n)\n"
                f"top = sc.eigenpairs(A, k=1, {seeded(settings.seed + 1)}, products=500)\n"
                f"trace = sc.trace(F, method='xtrace', products=min({TRACE}, F.shape[0]), {seeded(settings.seed + 3)})\n"
                f"rows.append(({epoch!r}, A.loss_value, top.values[0], trace.value, trace.standard_error))"
            )
        )
    cells.append(_code("pd.DataFrame(rows, columns=['epoch', 'loss', 'lambda_1', 'trace of F', 'its error'])"))
    cells.append(_code("figures.epochs_figure(quadratures)"))
    return _as_json(cells)
