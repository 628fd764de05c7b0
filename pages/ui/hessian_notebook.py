"""Notebooks of the page "Hessian spectra", and the lines that put a checkpoint into a model of one's own."""

from pages.ui.notebook import _as_json, _code, _markdown

__all__ = ["checkpoint_notebook", "opening", "own_model_code", "weights_notebook"]

MOST = 40  # tensors listed in a comment


def own_model_code(found, data) -> str:
    """Python that loads the tensors of an upload into somebody's own model and evaluates it.

    Parameters
    ----------
    found : Opened
    data : DataChoice or None
    """
    shapes = [f"#   {name!r}: {tuple(value.shape)}" for name, value in found.tensors.items()]
    more = [f"#   ... and {len(shapes) - MOST} more"] if len(shapes) > MOST else []
    lines = [
        "import torch",
        "import sample_models",
        "",
        found.choice.code(),
        f"# its {len(shapes)} tensors:",
        *shapes[:MOST],
        *more,
        "",
        "model = MyModel()  # yours: an nn.Module with tensors of these names and shapes",
        "model.load_state_dict(tensors, strict=False)",
        "",
        data.code() if data is not None else "data = sample_models.datasets.read_dataset('data.npz')  # x, y",
        "parts = sample_models.datasets.batches(data.test_inputs, data.test_targets, 250)",
        "print(sample_models.evaluate(model, parts))",
    ]
    return "\n".join(lines)


def checkpoint_notebook(settings, found) -> str:
    """The notebook of a checkpoint, as JSON; `settings` is a CheckpointSettings, `found` an Opened."""
    cells = [
        *opening("A checkpoint"),
        _code(f"{found.choice.code()}\n{{name: tuple(value.shape) for name, value in tensors.items()}}"),
        _code(f"spectra = sc.weight_spectra(tensors, {settings.weights.options()})\nfigures.weights_table(spectra)"),
        _code(
            "widest = max(spectra.layers, key=lambda layer: layer.columns)\nfigures.layer_figure(widest)",
        ),
    ]
    if found.recognised is None:
        cells.append(_markdown(f"A model of your own:\n\n```python\n{own_model_code(found, settings.data)}\n```"))
    else:
        cells.append(_code(found.choice.model_code()))
        if settings.data is not None:
            cells += [
                _code(settings.data.code()),
                _code(
                    "batches = sample_models.datasets.batches\n"
                    "test = sample_models.evaluate(model, batches(data.test_inputs, data.test_targets, 250))\n"
                    "train = sample_models.evaluate(model, batches(data.inputs, data.targets, 250))\n"
                    "print(test, train, sep='\\n')"
                ),
            ]
    return _as_json(cells)


def weights_notebook(settings) -> str:
    """The notebook of the weight spectra of one or two checkpoints, as JSON; `settings` is a WeightsSettings."""
    cells, shown = opening("Weight spectra"), []
    for place, choice in enumerate((settings.checkpoint, settings.other)):
        if choice is not None:
            cells.append(
                _code(
                    f"{choice.code()}\nspectra_{place + 1} = sc.weight_spectra(\n    tensors, {settings.options()}\n)"
                )
            )
            shown.append(f"{f'{choice.title()} ({place + 1})'!r}: spectra_{place + 1}")
    cells += [
        _code("figures.weights_table(spectra_1)"),
        _code(f"figures.layers_figure({{{', '.join(shown)}}})"),
        _code("widest = max(spectra_1.layers, key=lambda layer: layer.columns)\nfigures.layer_figure(widest)"),
        _code("figures.tail_figure(widest)"),
    ]
    return _as_json(cells)


def opening(title):
    """The first cells: title and imports."""
    return [
        _markdown(f"# {title}\n\nNeeds the package `eigenscope`."),
        _code(
            "import numpy as np\nimport torch\n\nimport sample_models\nimport spectral_core as sc\n"
            "from spectral_core import figures"
        ),
    ]
