"""Notebooks of the page "Loss landscape"."""

from pages.ui.checkpoint_source import opened
from pages.ui.hessian_notebook import opening
from pages.ui.landscape_between_job import positions_between
from pages.ui.landscape_directions import directions_code
from pages.ui.landscape_lines_job import NEAR
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["between_notebook", "lines_notebook", "path_notebook", "surface_notebook"]


def lines_notebook(settings) -> str:
    """The notebook of lines, as JSON; a LinesSettings."""
    problem = settings.problem
    cells = [
        *_beginning("Loss along directions", settings),
        _code(directions_code(problem, settings.names, settings.seed)),
        _code(
            f"{_precise(problem)}quadratic = sc.landscapes.quadratic_model(H, directions)\n"
            "models = {d.name: quadratic.along(j) for j, d in enumerate(directions)}\n"
            "lines = {\n    d.name: sc.landscapes.line(\n        model, loss, data_sets, d, "
            f"{settings.radius!r}, {settings.points}, **options\n    )\n    for d in directions\n}}\n"
            "parabolas = {d.name: sc.landscapes.parabola(model, loss, data_sets, d) for d in directions}\n"
            "{name: (p.eigenvalue, p.fits) for name, p in parabolas.items()}"
        ),
        _code(
            f"positions = sc.landscapes.logarithmic_positions({settings.radius!r}, {NEAR['points']}, "
            f"decades={NEAR['decades']})\nprecise = {{**options, 'dtype': torch.float64}}\n"
            "first = dict([next(iter(data_sets.items()))])\nnear = {\n    d.name: "
            "sc.landscapes.line(model, loss, first, d, positions=positions, **precise)\n    for d in directions\n}\n"
            "radii = {name: sc.landscapes.trust_radius(near[name], models[name]) for name in near}\n"
            "figures.line_panels_figure(lines, models=models, radii=radii)"
        ),
    ]
    return _as_json(cells)


def _precise(problem):
    """Python that makes `H` anew in float64, where it is not."""
    if problem.dtype == "float64":
        return ""
    return (
        "H = sc.curvature.HessianOperator(\n    model, loss, next(iter(data_sets.values())), dtype=torch.float64, "
        f"device={problem.device!r}\n)\n"
    )


def surface_notebook(settings, result) -> str:
    """The notebook of a plane and walks on it, as JSON; a SurfaceSettings and a SurfaceResult."""
    wanted, walks = settings.plane, settings.walks
    cells = [
        *_beginning("Loss on a plane", settings),
        _code(directions_code(wanted.problem, wanted.names, wanted.seed)),
        _code(
            f"plane = sc.landscapes.plane(\n    model, loss, data_sets, directions, {wanted.radius!r}, {wanted.points}, "
            "**options\n)"
        ),
    ]
    if result.walks:
        chosen = {method: dict(walk.settings) for method, walk in result.walks.items()}
        seeded = f", generator=torch.Generator().manual_seed({wanted.seed})" if walks.mini_batches else ""
        start = [wanted.radius * one for one in walks.start]
        cells += [
            _markdown("Optimisers walking in the two coordinates of the plane: a toy."),
            _code(
                "first = dict([next(iter(data_sets.items()))])\n"
                "f = sc.landscapes.Slice(model, loss, first, directions, **{**options, 'batch_norm': 'eval'})\n"
                f"settings = {chosen!r}\n"
                f"walks = {{\n    name: sc.optimisers.walk(f, name, {start!r}, steps={walks.steps}{seeded}, **one)\n"
                "    for name, one in settings.items()\n}"
            ),
        ]
    shown = ", walks=walks" if result.walks else ""
    cells += [_code(f"figures.plane_figure(plane{shown})"), _code(f"figures.surface_figure(plane{shown})")]
    return _as_json(cells)


def between_notebook(settings) -> str:
    """The notebook of what lies between checkpoints, as JSON; a BetweenSettings."""
    cells = _beginning("Between checkpoints", settings)
    cells.append(
        _code(
            "from dataclasses import replace\n\nfrom sample_models.training import RUNS, training_steps\n\nfirst = model"
        )
    )
    found = opened(settings.problem.checkpoint)
    run = found.entry.run if found.entry is not None else ""
    names = ("second", "third")[: len(settings.others)]
    cells += [_code(other.code(run, name)) for other, name in zip(settings.others, names, strict=True)]
    if settings.mode == "line":
        positions = positions_between(settings.points)
        beyond = int((positions < 0).sum())
        cells += [
            _code(
                "line = sc.landscapes.line(\n    first, loss, data_sets, sc.landscapes.between(first, second),\n"
                f"    positions=np.arange({-beyond}, {settings.points + beyond}) / {settings.points - 1}, **options\n)\n"
                "barriers = {name: sc.landscapes.barrier(line, name=name) for name in line.values}\nbarriers"
            ),
            _code("figures.barrier_figure(line, barriers)"),
        ]
    elif settings.mode == "plane":
        cells += [
            _code(
                "through = sc.landscapes.plane_through(first, second, third)\n"
                "plane = sc.landscapes.plane(\n    first, loss, data_sets, through.directions, through.radius(), "
                f"{settings.points}, **options\n)"
            ),
            _code(
                "points = dict(zip(('second', 'third'), through.coordinates[1:]))\n"
                "figures.plane_figure(plane, points=points)"
            ),
        ]
    else:
        cells += [
            _code(
                "def around(model):\n    directions = [\n        sc.landscapes.random_direction(\n            model, "
                f"normalisation={settings.normalisation!r}, generator=torch.Generator().manual_seed({settings.seed} + j)\n"
                "        )\n        for j in range(2)\n    ]\n    return sc.landscapes.plane(\n        model, loss, data_sets, "
                f"directions, {settings.radius!r}, {settings.points}, **options\n    )\n\n\n"
                "planes = {'first': around(first), 'second': around(second)}"
            ),
            _code("figures.compared_planes_figure(planes)"),
        ]
    return _as_json(cells)


def path_notebook(settings) -> str:
    """The notebook of a run's path, as JSON; a RunSettings."""
    cells = [*_beginning("The path of training", settings), _code("models = []")]
    for _, choice in settings.epochs:
        cells.append(_code(f"{choice.code()}\n{choice.model_code()}\nmodels.append(model)"))
    cells += [
        _code("path = sc.landscapes.pca_plane(models[-1], models)\npath.explained, path.distances"),
        _code(
            "plane = sc.landscapes.plane(\n    models[-1], loss, data_sets, path.directions, path.radius(), "
            f"{settings.points}, **options\n)"
        ),
        _code("figures.plane_figure(plane, trajectory=path.coordinates)"),
    ]
    return _as_json(cells)


def _beginning(title, settings):
    problem = settings.plane.problem if hasattr(settings, "plane") else settings.problem
    return [*opening(title), _markdown(f"{settings.caption()}."), _code(problem.code())]
