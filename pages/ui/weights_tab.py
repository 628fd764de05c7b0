"""The tab "Weight spectra": every layer of any checkpoint, without data or architecture, and two side by side."""

import streamlit as st

from pages.ui import runs
from pages.ui.checkpoint_source import choose_checkpoint
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.explain import WEIGHTS
from pages.ui.hessian_notebook import weights_notebook
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from pages.ui.weights_job import WeightsSettings, weights_job
from spectral_core import figures
from spectral_core.power_laws import FEWEST

__all__ = ["weights_tab", "widest"]

QUANTITIES = {
    "alpha": "Exponent α",
    "stable_rank": "Stable rank",
    "spectral_norm": "Spectral norm",
    "frobenius_norm": "Frobenius norm",
    "outliers": "Outliers",
}
UNFOLDINGS = {"slices": "A matrix a tap", "matrix": "One matrix"}
COLUMNS = {  # of the table: heading, help
    "checkpoint": ("Checkpoint", None),
    "layer": ("Layer", None),
    "shape": ("Shape", "Of the tensor, outputs first"),
    "alpha": ("Exponent α", "Of the power law of the tail"),
    "alpha_error": ("± (standard error)", None),
    "tail": ("Eigenvalues in the tail", None),
    "alpha_doubt": ("Doubt about α", f"Fewer than {FEWEST} eigenvalues, or a distance above 1/√n to the fitted law"),
    "stable_rank": ("Stable rank", "‖W‖²_F / ‖W‖²₂"),
    "spectral_norm": ("Spectral norm", "Largest singular value, in units of the weights"),
    "frobenius_norm": ("Frobenius norm", "In units of the weights"),
    "outliers": ("Outliers", "Eigenvalues beyond what noise reaches"),
    "threshold": ("Noise reaches", "Largest eigenvalue of noise, in 99 of 100 cases; in squared units of the weights"),
    "notes": ("Notes", None),
}
NO_MATRICES = {"is a vector": "vector", "is a single number": "single number", "is empty": "empty tensor"}


def widest(spectra):
    """The layer with the most eigenvalues a matrix, among equals the first."""
    return max(spectra.layers, key=lambda layer: layer.columns)


def weights_tab(found) -> None:
    """Controls, run and pictures of `found`, an Opened or None."""
    with st.sidebar:
        other = choose_checkpoint("other", "Compare with", ("nothing", "shipped", "upload"), hints=False)
        with st.expander("Computation"):
            unfold = bound(
                st.segmented_control,
                "A convolution is",
                list(UNFOLDINGS),
                key="unfold",
                default="slices",
                required=True,
                format_func=UNFOLDINGS.get,
                help="kh · kw matrices (out, in), their eigenvalues pooled, or one matrix (out, in · kh · kw).",
            )
            largest = bound(
                st.number_input,
                "All eigenvalues up to so many columns",
                100,
                10_000,
                3000,
                key="weights_largest",
                help="Wider matrices are seen through Lanczos quadrature.",
            )
            steps = bound(st.slider, "Lanczos steps", 20, 300, 100, 10, key="weights_steps")
            probes = bound(st.slider, "Probes", 1, 32, 8, key="weights_probes")
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="weights_seed")
    if found is not None:
        settings = WeightsSettings(
            found.choice, other.choice if other is not None else None, unfold, largest, steps, probes, seed
        )
        runs.show(
            "weights",
            key=settings,
            job=lambda: weights_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"Weights of {' and '.join(verbatim(name) for name in _names(settings))}",
        )
    with st.expander("Explain"):
        st.markdown(WEIGHTS)


def _draw(result, settings):
    shown = dict(zip(_names(settings), result, strict=False))
    for name, spectra in shown.items():
        _tell(spectra, name)
    quantity = bound(
        st.segmented_control,
        "Layer by layer",
        list(QUANTITIES),
        key="layers_quantity",
        default="alpha",
        required=True,
        format_func=QUANTITIES.get,
    )
    plot(figures.layers_figure(shown, quantity=quantity, title=QUANTITIES[quantity]), "layer by layer")
    partners = _partners(*result)
    owners = {id(layer): name for name, pair in partners.items() for layer in pair}
    rows = [owners.get(id(layer)) for spectra in result for layer in spectra.layers]
    table = _table(shown)
    st.markdown("**Every layer.** Click a column to sort by it, the left of a row to see its layer below.")
    st.dataframe(
        table,
        hide_index=True,
        key="layers_table",
        on_select=lambda: _choose(rows),
        selection_mode="single-row",
        column_order=[name for name in COLUMNS if name in table],
        column_config={name: _column(table[name], *COLUMNS[name]) for name in COLUMNS if name in table},
    )
    _draw_layers(shown, partners[_choose_layer(result[0])])
    st.caption(settings.caption())
    tables = {"Layers": lambda: table, "Eigenvalues": lambda: _eigenvalues(shown)}
    take_away(f"weights {settings.checkpoint.name}", tables, lambda: weights_notebook(settings))


def _names(settings):
    names = [choice.title() for choice in (settings.checkpoint, settings.other) if choice is not None]
    return names if len(set(names)) == len(names) else [f"{name} ({place + 1})" for place, name in enumerate(names)]


def _tell(spectra, name):
    """What the spectra say, in a sentence or two."""
    bulks = [layer for layer in spectra.layers if layer.bulk is not None]
    beyond = sum(len(layer.outliers) > 0 for layer in bulks)
    said = f"{verbatim(name)}: {_count(len(spectra.layers), 'layer')}. "
    if bulks:
        have = "has" if beyond == 1 else "have"
        said += f"**{beyond} of {_count(len(bulks), 'layer')} wide enough to tell {have} eigenvalues beyond the bulk of noise.** "
    said += _exponents([layer for layer in spectra.layers if layer.power_law is not None])
    if spectra.products:
        said += f" {spectra.products:,} products with WᵀW."
    if spectra.left_out:
        reasons = [reason for _, reason in spectra.left_out]
        counts = [
            _count(reasons.count(reason), NO_MATRICES[reason])
            if reason in NO_MATRICES
            else f"{reasons.count(reason)} that {reason}"
            for reason in dict.fromkeys(reasons)
        ]
        said += f" Left out, being no matrices: {escaped(', '.join(counts))}."
    st.markdown(said)
    if extreme := [verbatim(layer.name) for layer in spectra.layers if layer.dominated]:
        more = f" and {len(extreme) - 3} more" if len(extreme) > 3 else ""
        st.warning(
            f"{verbatim(name)} has extreme weights in {', '.join(extreme[:3])}{more}: a few outweigh all others, and norms, "
            "stable rank and spectrum tell of them alone."
        )


def _exponents(layers):
    """The median of the exponents that are to be relied on, and how many are not."""
    exponents = sorted(layer.alpha for layer in layers if not layer.doubt)
    doubted = len(layers) - len(exponents)
    why = f"fewer than {FEWEST} eigenvalues in the tail, or a poor fit"
    if not exponents:
        return f"No power-law exponent to rely on: {_count(doubted, 'layer')} with {why}." if doubted else ""
    middle = len(exponents) // 2
    median = (exponents[middle] + exponents[~middle]) / 2
    said = f"Median power-law exponent α = {median:.2f} over {_count(len(exponents), 'layer')}"
    return f"{said}; {doubted} left out ({why})." if doubted else f"{said}."


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _partners(spectra, other=None):
    """Name of a layer of the first: the layers to show, one for each checkpoint, None where there is no counterpart.

    Layers of one name and shape belong together; of the rest, in their order, one to one.
    """
    if other is None:
        return {layer.name: (layer,) for layer in spectra.layers}
    alike = {(layer.name, layer.shape): layer for layer in other.layers}
    found = {layer.name: alike.pop((layer.name, layer.shape), None) for layer in spectra.layers}
    rest = iter(alike.values())
    return {layer.name: (layer, found[layer.name] or next(rest, None)) for layer in spectra.layers}


def _table(shown):
    """A row a layer, of all checkpoints."""
    import pandas as pd

    tables = {name: figures.weights_table(spectra) for name, spectra in shown.items()}
    if len(tables) == 1:
        return next(iter(tables.values()))
    return pd.concat(tables, names=["checkpoint", None]).reset_index("checkpoint").reset_index(drop=True)


def _column(values, heading, explained):
    if values.dtype.kind in "if":
        return st.column_config.NumberColumn(heading, help=explained, format="%.4g")
    return st.column_config.TextColumn(heading, help=explained)


def _choose(names):
    """The layer of the selected row becomes the chosen one; `names` are those of the first checkpoint, row by row."""
    rows = st.session_state["layers_table"]["selection"]["rows"]
    if rows and rows[0] < len(names) and names[rows[0]] is not None:
        st.session_state["layer"] = names[rows[0]]


def _choose_layer(spectra):
    names = [layer.name for layer in spectra.layers]
    first = widest(spectra).name
    if spectra.progress < 1:  # more layers are to come
        asked = st.session_state.get("layer", st.query_params.get("layer"))
        return asked if asked in names else first
    if "layer" in st.session_state and st.session_state["layer"] not in names:  # of another checkpoint
        st.session_state["layer"] = first
    return bound(st.selectbox, "Layer", names, names.index(first), key="layer")


def _draw_layers(shown, layers):
    """A layer, or side by side on the same axes that of two checkpoints."""
    pictures = [
        (figures.layer_figure(layer), figures.tail_figure(layer)) if layer is not None and _drawable(layer) else ()
        for layer in layers
    ]
    for kind in zip(*filter(None, pictures), strict=True):
        figures.share_axes(*kind)
    columns = st.columns(2)
    for place, (name, layer, pair) in enumerate(zip(shown, layers, pictures, strict=True)):
        if len(shown) > 1:
            columns[place].markdown(f"**{verbatim(name)}**")
        if layer is None:
            columns[place].info("It has no counterpart of this layer.")
            continue
        places = columns if len(shown) == 1 else [columns[place]] * 2
        for column, figure, what in zip(places, pair, ("eigenvalues", "tail"), strict=False):
            with column:
                plot(figure, f"{what} of the layer {place + 1}")
        (columns[place] if len(shown) > 1 else st).markdown(_described(layer))


def _drawable(layer):
    """Whether it has two eigenvalues to draw, and not only zeros or a single one."""
    values = layer.eigenvalues
    return len(values) > 1 and values[-2] > 1e-9 * values[-1]


def _described(layer):
    """All numbers of a layer, as a list."""
    rows, columns = layer.matrix_shape
    matrices = f"{layer.matrices} matrices, each {rows} × {columns}" if layer.matrices > 1 else f"{rows} × {columns}"
    said = [f"{verbatim(layer.name)}: {matrices}, {_count(len(layer.eigenvalues), 'eigenvalue')}."]
    if layer.spectral_norm > 0:
        said[0] = (
            f"{said[0][:-1]}; spectral norm {layer.spectral_norm:.4g}, Frobenius norm {layer.frobenius_norm:.4g}, "
            f"stable rank {layer.stable_rank:.3g}."
        )
    if (bulk := layer.bulk) is not None:
        said.append(
            f"Noise of variance {bulk.variance:.3g} ± {bulk.variance_error:.1g} per weight: its curve ends at its edge, "
            f"{bulk.edge:.4g}; by chance its largest eigenvalue reaches {bulk.threshold:.4g} (dotted) in 1 of 100 cases. "
            f"**{_count(len(bulk.outliers), 'outlier')}** beyond that."
        )
    if (fit := layer.power_law) is not None:
        doubt = f" **Not to be relied on:** {layer.doubt}." if layer.doubt else ""
        said.append(
            f"α = {fit.alpha:.2f} ± {fit.alpha_error:.2f} over the {fit.tail} eigenvalues from {fit.xmin:.3g} to {fit.xmax:.3g}, "
            f"Kolmogorov–Smirnov distance {fit.distance:.2g}.{doubt}"
        )
    return "\n".join(f"- {line}" for line in (*said, *map(escaped, layer.notes)))


def _eigenvalues(shown):
    import pandas as pd

    parts = [
        pd.DataFrame({"checkpoint": name, "layer": layer.name, "eigenvalue": layer.eigenvalues})
        for name, spectra in shown.items()
        for layer in spectra.layers
    ]
    return pd.concat(parts)
