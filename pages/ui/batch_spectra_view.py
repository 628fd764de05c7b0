"""What the tab "Batch spectra" shows of a result."""

import numpy as np
import streamlit as st
from scipy import stats

from pages.ui.batch_notebook import spectra_notebook
from pages.ui.batch_problem import tell_left_out
from pages.ui.controls import bound, escaped
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["draw_spectra", "off", "wigner_sentence"]

ASIDES = ("Overlaps", "Spectra", "Numbers")
LEVEL, FAR = 0.95, 0.1  # of the interval, and share of the measurement, outside of which a prediction fails
PAIRED = {"refined": "refined_same"}  # predictions of the very mini-batches that were measured: chance cancels


def draw_spectra(result, settings) -> None:
    """Sentence, numbers, figures, table and take-away of a `SpectraResult`."""
    found = result.outliers
    st.markdown(wigner_sentence(found))
    _numbers(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ranks = list(range(1, found.full_batch.outliers + 1))
        rank = bound(st.segmented_control, "Eigenvalue", ranks, key="batch_rank", default=1, required=True) - 1
        models = bound(
            st.multiselect,
            "Predictions",
            list(figures.BATCH_PREDICTIONS),
            list(figures.BATCH_PREDICTIONS),
            key="batch_models",
            format_func=lambda name: name.replace("_", " "),
        )
    plot(figures.batch_outlier_figure(found, outlier=rank, models=models), "eigenvalue against batch size")
    aside = bound(st.segmented_control, "Beside it", ASIDES, key="batch_aside", default="Overlaps", required=True)
    if aside == "Overlaps":
        plot(figures.overlap_figure(found, outlier=rank), "overlaps")
        st.caption(
            "Theorem 17 with the noise of random directions (Wigner) and with that at the eigenvector (local); 1: the "
            "mini-batch's eigenvector is that of all data."
        )
    elif aside == "Spectra":
        _spectra(result)
    else:
        st.dataframe(_table(found, rank), hide_index=True)
    tell_left_out(settings.batch_sizes, found.batch_sizes)
    st.caption(f"{escaped(settings.caption())}. {_costs(found)}")
    for note in found.notes:
        st.caption(escaped(note))
    take_away(
        f"mini-batches of {settings.problem.checkpoint.name}",
        {"Eigenvalues": lambda: _all_rows(found), "Stems": lambda: _stems(result)},
        lambda: spectra_notebook(settings),
    )


def off(found, model, rank=0):
    """``(batch sizes, ratio, standard errors)`` of a model where it misses the measured mean by both margins, and the batch
    sizes where it is far off, but too few mini-batches were measured to tell."""
    predicted, measured = getattr(found, PAIRED.get(model, model))[:, rank], found.measured[:, rank]
    ratio, apart = predicted / measured, np.abs(predicted - measured) / found.standard_error[:, rank]
    margin = stats.t.ppf((1 + LEVEL) / 2, np.maximum(found.draws - 1, 1))
    far, told = np.abs(ratio - 1) > FAR, apart > margin  # both False where nothing is measured
    return found.batch_sizes[far & told], ratio[far & told], apart[far & told], found.batch_sizes[far & ~told]


def wigner_sentence(found) -> str:
    """Whether the Wigner model predicts the mean of lambda_1, and which models do."""
    if not np.isfinite(found.standard_error[:, 0]).any():
        return "Measuring the first mini-batches."
    sizes, ratio, apart, open_sizes = off(found, "wigner")
    known = found.full_batch
    if not len(sizes):
        said = (
            "**No failure of the Wigner model shows here:** it is within 10 % of the measured λ₁, or its 95 % interval."
        )
    else:
        worst = int(np.argmin(ratio)) if ratio.min() < 1 else int(np.argmax(ratio))
        place = int(np.flatnonzero(found.batch_sizes == sizes[worst])[0])
        noise, random = float(known.projections.noise[0][0]), known.noise.value
        why = (
            f" The noise at the sharpest eigenvector, s²(u₁) = {noise:.3g}, is {_count(noise / random)} times the {random:.3g} "
            "of random directions, and the model knows only the latter."
            if random > 0
            else ""
        )
        said = (
            f"**The Wigner model fails here at B = {_listed(sizes)}.** At B = {sizes[worst]} it says λ₁ = "
            f"{found.wigner[place, 0]:.3g}; measured: {found.measured[place, 0]:.3g} ± {found.standard_error[place, 0]:.2g} "
            f"({apart[worst]:.1f} standard errors away; all data have {found.full[0]:.3g}).{why}"
        )
    if len(open_sizes):
        said += (
            f" At B = {_listed(open_sizes)} it is more than 10 % off, but too few mini-batches are measured to tell."
        )
    rows = []
    for model, label in (("refined", "refined"), ("local", "local")):
        missed, *_ = off(found, model)
        rows.append(f"the {label} one holds" if not len(missed) else f"the {label} one misses at B = {_listed(missed)}")
    return f"{said} By the same measure {' and '.join(rows)}."


def _listed(sizes):
    words = [str(B) for B in sizes]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _numbers(found):
    known, critical = found.full_batch, found.critical_batch_size
    s2, error = (each[0] for each in known.projections.noise)
    with st.container(horizontal=True):
        st.metric("λ₁ of all data", f"{found.full[0]:.4g}", help=f"Residual {known.residuals[0]:.1g}.")
        st.metric(
            "Critical batch size",
            f"{critical.value:.0f}",
            help="Where mini-batches double λ₁: below it the learning rate grows with B, above it hardly. By the plain formula "
            f"s²(u₁)/λ₁²: {critical.second_order:.0f} ± {critical.second_order_error:.0f}.",
        )
        st.metric(
            "Its interval",
            f"{critical.lower:.0f} – {critical.upper:.0f}",
            help="Two standard errors of the curve: of drawing mini-batches, and of the noise as a mean over these examples.",
        )
        st.metric(
            "Noise at u₁, s²(u₁)", f"{s2:.3g}", help=f"± {error:.2g}, as a mean over examples; in squared eigenvalues."
        )
        st.metric(
            "Noise of random directions, s²",
            f"{known.noise.value:.3g}",
            help=f"± {known.noise.standard_error:.2g} (Algorithm 8, corrected): what the Wigner model knows.",
        )
        st.metric(
            "Gradient noise scale",
            _count(known.simple_noise_scale),
            help="tr C / ‖g‖², in examples: where the gradient's noise is as long as the gradient.",
        )


def _count(value):
    """Three digits, or all of a large number."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _costs(found):
    known = found.full_batch
    return (
        f"All data: {known.products} products (noise scale: 1.5 a probe) and a pass over the examples; with the "
        f"{int(found.draws.sum())} mini-batches so far {found.products:.0f}, theirs counted by their share of the data. "
        "Predictions cost none."
    )


def _spectra(result):
    if not result.spectra:
        st.info("The spectra come once the mini-batches are through.")
        return
    sizes = list(result.spectra)
    B = bound(st.select_slider, "Mini-batch of", sizes, sizes[min(1, len(sizes) - 1)], key="batch_shown")
    whole = result.outliers.full_batch.quadrature
    names = {
        f"all {result.outliers.full_batch.examples:,} examples": whole,
        f"one mini-batch of {B}": result.spectra[B],
    }
    plot(
        figures.stem_panels_figure(names, threshold=5.0 / whole.size, title="Spectrum of all data and of a mini-batch"),
        "spectra of all data and of a mini-batch",
    )
    st.caption(
        f"Weights are logarithmic; the dashed line is 5 of {whole.size:,} eigenvalues. The mini-batch broadens the bulk; "
        "its outliers lie further out on average, and scatter."
    )


def _table(found, rank):
    import pandas as pd

    table = pd.DataFrame(figures.batch_outlier_table(found, outlier=rank))
    return table.style.format(precision=3, na_rep="")


def _all_rows(found):
    import pandas as pd

    rows = []
    for place, B in enumerate(found.batch_sizes):
        for rank in range(found.full_batch.outliers):
            row = {
                "batch size": int(B),
                "eigenvalue": rank + 1,
                "mini-batches": int(found.draws[place]),
                "measured": found.measured[place, rank],
                "standard error": found.standard_error[place, rank],
                "all data": found.full[rank],
                "overlap": found.overlap[place, rank],
                "its error": found.overlap_error[place, rank],
            }
            row |= {model: getattr(found, model)[place, rank] for model in figures.BATCH_PREDICTIONS}
            row |= {
                f"{model} overlap": getattr(found, f"{model}_overlap")[place, rank]
                for model in ("wigner", "local", "refined")
            }
            rows.append(row)
    return pd.DataFrame(rows)


def _stems(result):
    import pandas as pd

    parts = {"all": result.outliers.full_batch.quadrature} | result.spectra
    return pd.concat(
        pd.DataFrame(dict(zip(("eigenvalue", "weight"), q.stems(), strict=True))).assign(batch=name)
        for name, q in parts.items()
    )
