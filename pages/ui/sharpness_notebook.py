"""The notebook of the tab "Which minimum?"."""

from pages.ui.hessian_notebook import opening
from pages.ui.notebook import _as_json, _code, _markdown
from pages.ui.sharpness_job import MOST, TOLERANCE, TRACE

__all__ = ["sharpness_notebook"]


def sharpness_notebook(settings, minima, edge, sigma) -> str:
    """The notebook as JSON; a SharpnessSettings, the `Minimum` of each checkpoint, and the knobs."""
    seeded = "generator=torch.Generator().manual_seed({})".format
    cells = [
        *opening("Minima of one network"),
        _markdown(f"{settings.caption()}."),
        _code("import pandas as pd\n\nquadratures, rows = {}, []"),
        _code(
            "def measured(name, A):\n"
            f"    top = sc.eigenpairs(A, k={settings.pairs}, which='top', tolerance={TOLERANCE}, products={MOST},\n"
            f"                        {seeded(settings.seed + 1)})\n"
            f"    there = top.converged & (abs(top.values) > {10 * TOLERANCE!r} * top.scale)\n"
            "    known = sc.Eigenspace(top.values[there], top.vectors[:, there]) if 0 < there.sum() < A.shape[0] else None\n"
            f"    q = sc.lanczos_quadrature(A, steps={settings.steps}, probes={settings.probes}, known=known,\n"
            f"                              {seeded(settings.seed)})\n"
            f"    trace = sc.trace(A, method='hutch++', products=min({TRACE}, A.shape[0]), {seeded(settings.seed + 2)})\n"
            f"    beyond = sc.mass_below(q, np.nextafter({edge!r}, np.inf))\n"
            "    quadratures[name] = q\n"
            "    return {'checkpoint': name, 'lambda_1': top.values[0], 'residual': top.residuals[0],\n"
            "            'trace': trace.value, 'its error': trace.standard_error,\n"
            "            'above the edge': max(0.0, q.size * (1 - beyond.value)), 'its error ': q.size * beyond.error}"
        ),
    ]
    for one in minima:
        cells.append(_code(f"{one.problem.code()}\nrow = measured({one.name!r}, A)"))
        for part in ("training", "test"):
            found = getattr(one, part)
            if found is not None and found.accuracy == found.accuracy:
                half = "test_" if part == "test" else ""
                cells.append(
                    _code(
                        f"{settings.evaluation(one.problem, part).data.code()}\n"
                        f"{part} = sample_models.evaluate(model, sample_models.datasets.batches(data.{half}inputs, "
                        f"data.{half}targets, {one.problem.batch}))\n"
                        f"row |= {{'{part} loss': {part}.loss, '{part} accuracy': {part}.accuracy}}"
                    )
                )
        cells.append(_code("rows.append(row)"))
    cells += [
        _code("pd.DataFrame(rows)"),
        _code(f"figures.minima_figure(quadratures, sigma={sigma!r}, edge={edge!r})"),
    ]
    return _as_json(cells)
