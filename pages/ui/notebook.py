"""Notebooks that reproduce a view's numbers with `spectral_core` alone."""

import json

from pages.ui.graph_names import name_of
from pages.ui.influence_job import EDGES, POINTS

__all__ = ["clusters_notebook", "comparison_notebook", "influence_notebook", "model_notebook", "spectrum_notebook"]


def spectrum_notebook(settings, view, title="A graph's spectrum") -> str:
    """The notebook of a Spectrum view, as JSON (nbformat 4.5).

    Parameters
    ----------
    settings : SpectrumSettings
    view : SpectrumView
        Sigma, kernel, moments shown and basis.
    """
    options = ", ".join(f"{name}={value!r}" for name, value in settings.options().items())
    matrix = f"sc.graphs.{settings.matrix}(graph{_isolated(settings)})"
    cells = [
        _markdown(
            f"# {title}\n\n{settings.caption()}.\n\n"
            "Every number of the page comes from these cells. Needs the package `eigenscope`."
        ),
        _code("import numpy as np\nimport torch\n\nimport spectral_core as sc\nfrom spectral_core import figures"),
        _code(f"{settings.graph.code()}\nprint(graph.name, graph.n, graph.edges, *graph.notes, sep='\\n')"),
        _markdown("The products: Lanczos stems first, then Chebyshev moments on the interval that the stems found."),
        _code(
            f"result = sc.graphs.spectrum(\n    graph, {options},\n"
            f"    generator=torch.Generator().manual_seed({settings.seed}),"
            f" dtype=torch.{settings.dtype}, device={settings.device!r},\n)\nprint(result.products, 'products')"
        ),
        _markdown("Three densities of the same products. A new sigma, basis or number of moments needs none."),
        _code(
            f"moments = result.moments.truncated({view.shown})\n"
            f"densities = {{\n    'maximum entropy': sc.maxent(moments, basis={view.basis!r}),\n"
            f"    'Jackson-KPM': sc.kernel_polynomial(moments),\n"
            f"    'smoothed': result.quadrature.density({view.sigma!r}, kernel={view.kernel!r}),\n}}"
        ),
    ]
    if settings.exact:
        cells.append(
            _code(
                f"matrix = {matrix}.matrix\n"
                "eigenvalues = np.linalg.eigvalsh(matrix.toarray()) if graph.n <= 5000 else None"
            )
        )
    else:
        cells.append(_code("eigenvalues = None"))
    cells += [
        _code(
            "table = figures.curve_table(interval=result.interval, stems=result.quadrature, densities=densities,\n"
            f"                            eigenvalues=eigenvalues, bins={view.bins})\ntable"
        ),
        _code(
            "figures.spectrum_figure(interval=result.interval, stems=result.quadrature, densities=densities,\n"
            f"                        eigenvalues=eigenvalues, bins={view.bins})"
        ),
    ]
    return _as_json(cells)


def comparison_notebook(settings, similarity, names) -> str:
    """The notebook of a comparison, as JSON.

    Parameters
    ----------
    settings : CompareSettings
    similarity : Similarity
        What is shown of it: degree and ridge.
    names : sequence of str
        Of the graphs that could be compared (`graph_names.name_of`).
    """
    choices = {name_of(choice): choice for choice in settings.choices}
    cells = [
        _markdown(f"# Graphs compared\n\n{settings.caption()}.\n\nNeeds the package `eigenscope`."),
        _code(
            "import torch\n\nimport spectral_core as sc\nfrom spectral_core import figures\n\nmoments = {}\n\n\n"
            "def measure(graph):\n    return sc.graphs.comparable_moments(\n"
            f"        graph, **{settings.options()!r},\n"
            f"        generator=torch.Generator().manual_seed({settings.seed}), dtype=torch.{settings.dtype}, "
            f"device={settings.device!r},\n    )"
        ),
        *(_code(f"{choices[name].code()}\nmoments[{name!r}] = measure(graph)") for name in names),
        _code(
            "similarity = sc.graphs.similarity_of_moments(\n    moments.values(), moments, "
            f"degree={similarity.densities[0].degree}, ridge={similarity.ridge!r}\n)\nfigures.pairs_table(similarity)"
        ),
        _code(
            "figures.heatmap_figure(similarity.names, similarity.divergence, errors=similarity.standard_error,\n"
            "                       order=similarity.order())"
        ),
    ]
    return _as_json(cells)


def clusters_notebook(settings) -> str:
    """The notebook of a count of clusters, as JSON; `settings` is a ClusterSettings."""
    cells = [
        *_opening("Clusters of a graph", settings),
        _code(settings.graph.code()),
        _code(
            f"count = sc.graphs.cluster_count(\n    graph, degree={settings.degree}, probes={settings.probes}, "
            f"isolated={settings.isolated!r}, exact={settings.exact}, seconds={settings.seconds},\n"
            f"{_generator(settings)}\n)\nprint(count.sentence)\ncount"
        ),
        _markdown("Other methods, thresholds and numbers of moments are re-evaluations of the same moments."),
        _code(
            "for method in ('plateau', 'first minimum', 'deepest minimum'):\n"
            "    print(sc.graphs.count_from_moments(count.moments, method=method).sentence)"
        ),
        _code("figures.counting_table(count)"),
    ]
    return _as_json(cells)


def model_notebook(settings, nodes) -> str:
    """The notebook of a search for the nearest random graph, as JSON; `settings` is a ModelSettings."""
    cells = [
        *_opening("Which random graph is nearest?", settings, nodes),
        _code(settings.graph.code()),
        _code(
            f"fits = sc.graphs.fit_models(\n    graph, {settings.models!r}, size={min(nodes, settings.size)}, "
            f"degree={settings.degree}, repeats={settings.repeats}, probes={settings.probes},\n"
            f"    ridge={settings.ridge!r}, isolated={settings.isolated!r},\n{_generator(settings)}\n)\nprint(fits.reading)"
        ),
        _code("figures.model_curves_table(fits)"),
        _code("figures.best_fits_figure(fits)"),
    ]
    return _as_json(cells)


def influence_notebook(settings, clusters) -> str:
    """The notebook of two clusters and the edges between them, as JSON; `settings` is an InfluenceSettings,
    `clusters` how many its graph was cut into."""
    made = (
        f"graph, links = sc.graphs.two_clusters({settings.size}, p={settings.p!r}, degree={settings.degree!r}, "
        f"edges={EDGES}, generator=generator)\nweights = None"
    )
    if settings.graph is not None:
        made = (
            f"{settings.graph.code()}\nwhole = sc.graphs.largest_component(graph)\n"
            f"found = sc.graphs.membership(whole, {clusters}, generator=generator)\n"
            "graph, links, weights = sc.graphs.split_in_two(whole, found.labels, generator=generator)"
        )
    cells = [
        *_opening("What edges between two clusters do", settings),
        _code(f"generator = torch.Generator().manual_seed({settings.seed})\n{made}"),
        _code(
            f"linked = sc.graphs.linked_clusters(graph, links, weights, points={POINTS})\nfigures.influence_table(linked)"
        ),
        _code("figures.influence_figure(linked)"),
    ]
    return _as_json(cells)


def _opening(title, settings, *about):
    return [
        _markdown(f"# {title}\n\n{settings.caption(*about)}.\n\nNeeds the package `eigenscope`."),
        _code("import torch\n\nimport spectral_core as sc\nfrom spectral_core import figures"),
    ]


def _generator(settings):
    return (
        f"    generator=torch.Generator().manual_seed({settings.seed}), dtype=torch.{settings.dtype}, "
        f"device={settings.device!r},"
    )


def _as_json(cells):
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _isolated(settings):
    return f", isolated={settings.isolated!r}" if settings.matrix == "normalised_laplacian" else ""


def _markdown(text):
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text):
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
