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

__all__ = ["weights_tab", "widest"]

QUANTITIES = {
    "alpha": "Exponent α",
    "stable_rank": "Stable rank",
    "spectral_norm": "Spectral norm",
    "frobenius_norm": "Frobenius norm",
    "outliers": "Outliers",
}
UNFOLDINGS = {"slices": "A matrix a tap", "matrix": "One matrix"}
COLUMNS = (
    "layer",
    "shape",
    "alpha",
    "alpha_error",
    "tail",
    "stable_rank",
    "spectral_norm",
    "frobenius_norm",
    "outliers",
    "edge",
    "notes",
)


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
            title=f"Weights of {verbatim(found.choice.title())}",
        )
    with st.expander("Explain"):
        st.markdown(WEIGHTS)


def _draw(result, settings):
    spectra = result[0]
    names = _names(settings)
    _tell(spectra, names[0])
    quantity = bound(
        st.segmented_control,
        "Layer by layer",
        list(QUANTITIES),
        key="layers_quantity",
        default="alpha",
        required=True,
        format_func=QUANTITIES.get,
    )
    shown = dict(zip(names, result, strict=False))
    plot(figures.layers_figure(shown, quantity=quantity, title=QUANTITIES[quantity]), "layer by layer")
    table = figures.weights_table(spectra)
    st.markdown("**Every layer.** Click a column to sort by it, the left of a row to see its layer below.")
    st.dataframe(
        table,
        hide_index=True,
        key="layers_table",
        on_select=lambda: _choose(table),
        selection_mode="single-row",
        column_order=COLUMNS,
        column_config={
            name: st.column_config.NumberColumn(format="%.4g") for name in COLUMNS if table[name].dtype.kind == "f"
        },
    )
    chosen = _choose_layer(spectra)
    layers = [next((layer for layer in one.layers if layer.name == chosen), None) for one in result]
    if len(result) == 1:
        _draw_layer(layers[0], 1, st.columns(2))
    else:
        for place, (column, layer) in enumerate(zip(st.columns(2), layers, strict=True), 1):
            with column:
                st.markdown(f"**{verbatim(names[place - 1])}**")
                if layer is None:
                    st.info(f"There is no layer {verbatim(chosen)} in it.")
                else:
                    _draw_layer(layer, place, (column, column))
    st.caption(settings.caption())
    rows = {"Layers": lambda: table}
    if len(result) > 1:
        rows["Other layers"] = lambda: figures.weights_table(result[1])
    rows["Eigenvalues"] = lambda: _eigenvalues(shown)
    take_away(f"weights {settings.checkpoint.name}", rows, lambda: weights_notebook(settings))


def _names(settings):
    names = [choice.title() for choice in (settings.checkpoint, settings.other) if choice is not None]
    return names if len(set(names)) == len(names) else [f"{name} ({place + 1})" for place, name in enumerate(names)]


def _tell(spectra, name):
    """What the spectra say, in a sentence or two."""
    bulks = [layer for layer in spectra.layers if layer.bulk is not None]
    beyond = [layer for layer in bulks if len(layer.outliers)]
    exponents = sorted(layer.alpha for layer in spectra.layers if layer.power_law is not None)
    said = f"{verbatim(name)}: {len(spectra.layers)} weight matrices. "
    if bulks:
        said += f"**{len(beyond)} of the {len(bulks)} that are wide enough to tell have eigenvalues beyond the bulk of noise.** "
    if exponents:
        middle = len(exponents) // 2
        median = (exponents[middle] + exponents[~middle]) / 2
        said += f"Median power-law exponent α = {median:.2f}."
    if spectra.products:
        said += f" {spectra.products:,} products with WᵀW."
    if spectra.left_out:
        reasons = {}
        for _, reason in spectra.left_out:
            reasons[reason] = reasons.get(reason, 0) + 1
        counts = ", ".join(f"{reason.removeprefix('is ')} ({count})" for reason, count in reasons.items())
        said += f" Left out of the tensors: {escaped(counts)}."
    st.markdown(said)


def _choose(table):
    """The layer of the selected row becomes the chosen one."""
    rows = st.session_state["layers_table"]["selection"]["rows"]
    if rows and rows[0] < len(table):
        st.session_state["layer"] = table["layer"][rows[0]]


def _choose_layer(spectra):
    names = [layer.name for layer in spectra.layers]
    first = widest(spectra).name
    if spectra.progress < 1:  # more layers are to come
        asked = st.session_state.get("layer", st.query_params.get("layer"))
        return asked if asked in names else first
    if "layer" in st.session_state and st.session_state["layer"] not in names:  # of another checkpoint
        st.session_state["layer"] = first
    return bound(st.selectbox, "Layer", names, names.index(first), key="layer")


def _draw_layer(layer, place, columns):
    with columns[0]:
        plot(figures.layer_figure(layer), f"eigenvalues of the layer {place}")
    with columns[1]:
        plot(figures.tail_figure(layer), f"tail of the layer {place}")
    if layer.notes:
        st.caption(" ".join(escaped(note) for note in layer.notes))
    said = [f"{layer.matrices} × " if layer.matrices > 1 else "", f"{layer.rows} × {layer.columns}: "]
    said += [f"stable rank {layer.stable_rank:.3g}, spectral norm {layer.spectral_norm:.4g}"]
    if layer.bulk is not None:
        bulk = layer.bulk
        said += [
            f"; noise of variance {bulk.variance:.3g} ± {bulk.variance_error:.1g} per weight, bulk up to {bulk.edge:.4g}, "
            f"{len(bulk.outliers)} outliers beyond {bulk.threshold:.4g}"
        ]
    if layer.power_law is not None:
        fit = layer.power_law
        said += [
            f"; α = {fit.alpha:.2f} ± {fit.alpha_error:.2f} over {fit.tail} eigenvalues from {fit.xmin:.3g} to {fit.xmax:.3g}"
        ]
    if layer.products:
        said += [f"; {layer.products:,} products"]
    st.markdown("".join(said) + ".")


def _eigenvalues(shown):
    import pandas as pd

    parts = [
        pd.DataFrame({"checkpoint": name, "layer": layer.name, "eigenvalue": layer.eigenvalues})
        for name, spectra in shown.items()
        for layer in spectra.layers
    ]
    return pd.concat(parts)
