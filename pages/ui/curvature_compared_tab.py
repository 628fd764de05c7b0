"""The tab "Side by side": several curvature spectra on the same axes."""

import numpy as np
import streamlit as st
from torch.nn.modules.batchnorm import _BatchNorm

from pages.ui import runs
from pages.ui.checkpoint_source import CheckpointChoice, choose_checkpoint
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_compared_job import COMPARISONS, DIAGONAL, LAYERS, ComparedSettings, compared_job
from pages.ui.curvature_explain import COMPARED
from pages.ui.curvature_notebook import compared_notebook
from pages.ui.curvature_problem import WHOLE, groups, threads_for
from pages.ui.curvature_tab import choose_problem, runs_here
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from sample_models import shipped
from spectral_core import figures

__all__ = ["compared_tab"]


def compared_tab(found) -> None:
    """Controls, run and pictures of `found`, an Opened or None."""
    what = bound(
        st.segmented_control,
        "Compare",
        list(COMPARISONS),
        key="compared_what",
        default="matrices",
        required=True,
        format_func=COMPARISONS.get,
    )
    with st.sidebar:
        problem = choose_problem(found, matrices=False)
        with st.expander("Computation"):
            steps = bound(st.slider, "Lanczos steps", 5, 200, 40, 5, key="compared_steps")
            probes = bound(st.slider, "Probes", 1, 16, 2, key="compared_probes")
            seed = bound(st.number_input, "Seed of the probes", 0, 10**9, 0, key="compared_seed")
    layers, others = (), ()
    if what == "layers" and found is not None and found.recognised is not None:
        layers = _choose_layers(found)
    elif what == "checkpoints" and found is not None:
        others = _choose_others(found)
    if what == "batch norm" and found is not None and found.recognised is not None and not _normalises(found):
        st.info(
            "This model has no batch norm: choose another one, such as “VGG, batch norm”. Both modes would be the same."
        )
        problem, found = None, None
    if runs_here(found, problem):
        probes = max(2, probes) if what == "probes" else probes
        settings = ComparedSettings(problem, what, layers, others, steps, probes, seed)
        runs.show(
            "compared",
            key=settings,
            job=lambda: compared_job(settings),
            draw=lambda result: _draw(result, settings),
            title=f"{COMPARISONS[what]}, {verbatim(found.choice.title())}",
            threads=threads_for(found, problem),
        )
    with st.expander("Explain"):
        st.markdown(COMPARED)


def _normalises(found):
    return any(isinstance(module, _BatchNorm) for module in found.recognised.model.modules())


def _choose_layers(found):
    names = {name: label for name, label in groups(found).items() if name != WHOLE}
    kept = [name for name in st.session_state.get("compared_layers", []) if name in names]
    if "compared_layers" in st.session_state:
        st.session_state["compared_layers"] = kept
    chosen = bound(
        st.multiselect, "Layers", list(names), list(names)[:LAYERS], key="compared_layers", format_func=names.get
    )
    return tuple(name for name in names if name in chosen)


def _choose_others(found):
    """Shipped checkpoints for the same data, and a file."""
    data = found.entry.data if found.entry is not None else None
    entries = [e for e in shipped() if e.name != found.choice.name and (data is None or e.data == data)]
    alike = [e.name for e in entries]
    first = [e.name for e in entries if found.entry is not None and e.run == found.entry.run][:2] or alike[:1]
    if "compared_others" in st.session_state:
        st.session_state["compared_others"] = [n for n in st.session_state["compared_others"] if n in alike]
    chosen = bound(st.multiselect, "Others, trained here", alike, first, key="compared_others")
    others = [CheckpointChoice("shipped", name) for name in chosen]
    with st.sidebar:
        file = choose_checkpoint("compared_file", "And a file", ("nothing", "upload"), hints=False)
    if file is not None:
        others.append(file.choice)
    return tuple(others)


def _draw(result, settings):
    for name, sentence in result.refused.items():
        st.warning(f"{verbatim(name)}: {escaped(sentence)}")
    if not result.spectra:
        return
    _tell(result, settings)
    sizes = [q.size for q in result.spectra.values()]
    if settings.what == "checkpoints":
        width = max(q.ends[1] for q in result.spectra.values()) - min(q.ends[0] for q in result.spectra.values())
        share = bound(st.slider, "Smoothing width σ, in thousandths of the range", 1, 100, 10, key="compared_sigma")
        plot(figures.smoothed_figure(result.spectra, sigma=share * width / 1000.0), "smoothed spectra")
    panels = dict(result.spectra)
    if settings.what == "probes":
        (q,) = panels.values()
        panels = {f"probe {i + 1}": one for i, one in enumerate(q.single_probes()[:2])}
    if result.diagonal is not None:
        panels[DIAGONAL] = result.diagonal.value
    threshold = 5.0 / sizes[0] if len(set(sizes)) == 1 else None
    plot(figures.stem_panels_figure(panels, threshold=threshold, title=COMPARISONS[settings.what]), "stems of each")
    if threshold:
        st.caption(f"The dashed line is 5 of {sizes[0]:,} eigenvalues.")
    st.dataframe(_table(result), hide_index=True)
    st.caption(f"{settings.caption()}. ± is one standard error over the probes.")
    take_away(
        f"curvature {settings.what} {settings.problem.checkpoint.name}",
        {"Stems": lambda: _stems(panels), "Table": lambda: _table(result)},
        lambda: compared_notebook(settings),
    )


def _tell(result, settings):
    ends = {name: q.ends for name, q in result.spectra.items()}
    tops = ", ".join(f"{verbatim(name)} {high:.4g}" for name, (_, high) in ends.items())
    said = f"Largest Ritz values: {tops}."
    if result.diagonal is not None:
        largest = float(np.max(result.diagonal.value))
        top = max(high for _, high in ends.values())
        said += (
            f" **The largest entry of the diagonal is {largest:.3g}, the sharpest eigenvalue {top / largest:.2g} times that:** a "
            "diagonal approximation does not see the outliers. Its negative entries are the noise of the estimate, "
            f"± {float(np.median(result.diagonal.standard_error)):.1g} in the median."
        )
    st.markdown(said)


def _table(result):
    import pandas as pd

    rows = []
    for name, q in result.spectra.items():
        mean, error = q.integrate(lambda x: x)
        rows.append(
            {
                "spectrum": name,
                "parameters": q.size,
                "largest": f"{q.ends[1]:.4g}",
                "smallest": f"{q.ends[0]:.4g}",
                "trace": f"{q.size * mean:.4g}",
                "± of the trace": f"{q.size * error:.2g}" if np.isfinite(error) else "one probe",
                "products": q.products,
            }
        )
    if result.diagonal is not None:
        d = np.asarray(result.diagonal.value)
        rows.append(
            {"spectrum": DIAGONAL, "parameters": len(d), "largest": f"{d.max():.4g}", "smallest": f"{d.min():.4g}",
             "trace": f"{d.sum():.4g}", "± of the trace": "–", "products": result.diagonal.products}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _stems(panels):
    import pandas as pd

    parts = []
    for name, one in panels.items():
        x, w = figures.stems_of(one)
        parts.append(pd.DataFrame({"spectrum": name, "eigenvalue": x, "weight": w}))
    return pd.concat(parts)
