"""Notebooks of the curvature tabs."""

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
                "q = q.deflated(values[known], (probes.T @ vectors[:, known]) ** 2)\n"
                "overlap = sc.curvature.gradient_overlap(A, top.vectors)\n"
                "top.values, top.residuals"
            ),
        ]
        known = ", top=top, bottom=bottom, overlap=overlap"
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
    cells.append(_code("figures.stem_panels_figure(quadratures)"))
    return _as_json(cells)


def training_notebook(settings) -> str:
    """The notebook of a run's epochs, as JSON; `settings` is a TrainingSettings."""
    cells = [*opening("Curvature along a run"), _code("quadratures = {}")]
    for epoch, problem in settings.problems().items():
        cells.append(
            _code(
                f"{problem.code()}\nquadratures[{epoch!r}] = sc.lanczos_quadrature(\n    A, steps={settings.steps}, "
                f"probes={settings.probes}, generator=torch.Generator().manual_seed({settings.seed})\n)"
            )
        )
    cells.append(_code("figures.epochs_figure(quadratures)"))
    return _as_json(cells)
