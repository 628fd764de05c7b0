"""How the tab "Curvature" draws a result: the spectrum on logarithmic axes, the numbers, and what stands beside them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st
import torch

import spectral_core as sc
from pages.ui.controls import bound, escaped, verbatim
from pages.ui.curvature_notebook import curvature_notebook
from pages.ui.plots import plot
from pages.ui.sigma import set_sigma, sigma_view
from pages.ui.take_away import take_away
from spectral_core import curvature, figures

__all__ = ["CurvatureView", "draw_curvature", "tell_preflight"]

ASIDES = ("Numbers", "Stems", "Where the sharp directions live", "Resampled data", "Certificate")
SIGMA = 0.01  # of the range
STEM_BINS = 400
ERRORS = {"standard error": "standard error", "bound": "certain bound", "exact": "exact"}


@dataclass(frozen=True)
class CurvatureView:
    """What is shown of a result; changing any of it needs no product."""

    sigma: float
    shown: int
    kappa: float
    damping: float


@lru_cache(maxsize=32)
def _fit(quadrature, degree, interval):
    return sc.maxent(quadrature.moments(degree, interval=interval))


def draw_curvature(result, settings) -> None:
    """Everything below the progress bar."""
    tell_preflight(result.preflight)
    if result.quadrature is None:
        return
    picture, headline = st.container(), st.container()
    view, fit, interval = _knobs(result, settings, picture)
    with headline:
        _headline(result, settings)
    rows = _statistics(result, settings, view)
    st.caption(
        f"{settings.caption()}. ± is one standard error or a bound, as the table says; bands are two standard errors."
    )
    aside = bound(st.segmented_control, "Beside it", ASIDES, key="curvature_aside", default=ASIDES[0], required=True)
    if aside == "Numbers":
        _table(rows, result)
    elif aside == "Stems":
        plot(figures.stem_figure(result.quadrature, bins=STEM_BINS), "Ritz values and their weights")
    elif aside == "Where the sharp directions live":
        _directions(result)
    elif aside == "Resampled data":
        _resampled(result, view, interval)
    else:
        _certificate(result)
    _take_away(result, settings, view, rows, fit, interval)


def tell_preflight(ahead) -> None:
    """What was switched or left out, and what the run takes, from before it began."""
    kept = f"{ahead.plan.way}, {ahead.memory / 2**20:,.0f} MiB"
    with st.expander(
        f"Before the run: {ahead.parameters:,} parameters, {ahead.examples:,} examples in {ahead.batches} mini-batches; "
        f"{ahead.products:,} products {kept}, about {_seconds(ahead.seconds)}"
    ):
        notes = list(ahead.notes) or ["Nothing of the model was switched or left out."]
        notes.append(f"Loss {ahead.loss_value:.4g}; norm of the gradient {ahead.gradient_norm:.3g}.")
        notes.append(
            f"One gradient took {1e3 * ahead.gradient_seconds:.3g} ms; a product costs about {ahead.plan.gradients:.2g} of them. "
            f"{ahead.plan.reason} The products take at most {ahead.memory / 2**20:,.0f} MiB beyond data and weights."
        )
        st.markdown("\n".join(f"- {escaped(note)}" for note in notes))


def _seconds(seconds):
    return f"{seconds:.1g} s" if seconds < 1 else f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _range(quadrature):
    """The interval that is drawn: of all stems and atoms, with a margin."""
    x, _ = quadrature.stems()
    low, high = float(min(x.min(), quadrature.ends[0])), float(max(x.max(), quadrature.ends[1]))
    margin = 0.02 * (high - low) or 0.02 * abs(high) or 1.0
    return low - margin, high + margin


def _knobs(result, settings, picture):
    """Draw the picture with its knobs; the view, the maximum-entropy fit and the interval."""
    q = result.quadrature
    interval = _range(q)
    width = interval[1] - interval[0]
    most = 2 * q.steps - 1
    knobs = st.columns(3)
    with knobs[0]:
        shown = bound(
            st.slider,
            "Moments of the maximum-entropy fit",
            2,
            200,
            30,
            key="curvature_m",
            help="Of the stems: no product.",
        )
    with knobs[1]:
        kappa = bound(
            st.number_input,
            "Threshold κ, in eigenvalues",
            0.1,
            1000.0,
            5.0,
            key="curvature_kappa",
            help="The line lies at κ / P: stems below it stand for fewer than κ eigenvalues (Figure 6.1).",
        )
    with knobs[2]:
        damping = bound(
            st.number_input,
            "Damping δ",
            1e-9,
            1e9,
            0.1,
            format="%.4g",
            key="curvature_damping",
            help="Of effective dimension and R_est-curv, in the units of the eigenvalues: no product.",
        )
    shown = min(shown, most)
    fit = _fit(q, shown, interval) if q.probes > 1 and q.steps > 1 else None
    curves = []
    if fit is not None:
        x = figures.grid(interval, densities=[fit])
        curves.append({"name": f"maximum entropy, m = {shown}", "x": x, "y": fit.pdf(x), "se": fit.standard_error(x),
                       "role": "maxent"})  # fmt: skip
    bars = None
    if result.eigenvalues is not None:
        found = figures.histogram(result.eigenvalues, interval=interval, bins=200, atoms=q.atoms)
        bars = {"edges": found.edges, "density": found.density}
    nodes, weights = q.stems()
    stems = figures.merged_stems(q, interval=interval, bins=STEM_BINS)
    before = st.session_state.get("_curvature_width")
    if before is not None and abs(before - width) > 0.2 * width:
        set_sigma("curvature_view", SIGMA * width)
    st.session_state["_curvature_width"] = width
    with picture:
        sigma = sigma_view(
            key="curvature_view",
            interval=interval,
            nodes=nodes,
            weights=weights,
            stems=(stems.positions, stems.weights),
            atoms=q.atoms,
            curves=curves,
            histogram=bars,
            sigma=SIGMA * width,
            sigma_range=(2e-4 * width, 0.1 * width),
            x_label="eigenvalue λ of the " + settings.problem.matrix_name(),
            log=True,
            threshold=(kappa / q.size, f"{kappa:g} of {q.size:,} eigenvalues"),
        )
    return CurvatureView(sigma, shown, kappa, damping), fit, interval


def _headline(result, settings):
    q, said = result.quadrature, []
    name = settings.problem.matrix_name()
    if result.top is not None and len(result.top.values):
        value, residual = result.top.values[0], result.top.residuals[0]
        known = "" if result.top.converged[0] else " so far"
        said.append(f"**The sharpest direction has λ₁ = {value:.4g}**{known} (residual {residual:.1g}).")
    masses = curvature.spectral_masses(q)
    said.append(
        f"**{_share(masses.near)}** of the {q.size:,} eigenvalues of the {name} lie within {masses.reach:.2g} of zero, a "
        f"hundredth of the norm, {_share(masses.negative)} below and {_share(masses.positive)} above."
    )
    if result.eigenvalues is not None:
        values = result.eigenvalues
        counts = (abs(values) <= masses.reach).mean(), (values < -masses.reach).mean(), (values > masses.reach).mean()
        said.append("Exactly: {:.1%}, {:.1%} and {:.1%}.".format(*counts))
    if result.gradient is not None:
        k = len(result.gradient.cosines)
        said.append(
            f"The gradient lies to {result.gradient.share:.1%} in the {k} sharpest directions; a random vector would to "
            f"{result.gradient.expected_share:.2g}."
        )
    if (rest := result.certificate) is not None and not rest.passed:
        failed = ", ".join(check.name for check in rest.checks if not check.passed)
        st.warning(f"The certificate failed on {failed}: see it below.")
    st.markdown(" ".join(said))


def _share(mass):
    """A share with its bounds and a standard error."""
    if not np.isfinite(mass.error):
        return f"{mass.lower:.0%} to {mass.upper:.0%} (one probe)"
    low, high = max(mass.value - mass.error, 0.0), min(mass.value + mass.error, 1.0)
    digits = 1 if high - low > 0.01 else 2
    ends = f"{low:.{digits}%}", f"{high:.{digits}%}"
    return " to ".join(dict.fromkeys(ends))


def _statistics(result, settings, view):
    return curvature.statistics(
        result.quadrature,
        top=result.top,
        bottom=result.bottom,
        overlap=result.gradient,
        noise=result.variance,
        damping=view.damping,
        dtype=getattr(torch, settings.problem.dtype),
    )


def _frame(rows, ahead):
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "quantity": row.quantity,
                "value": row.value,
                "±": row.error if row.bar != "exact" else 0.0,
                "± is a": ERRORS[row.bar],
                "products": row.products,
                "cost in gradients": row.products * ahead.plan.gradients or 1.0,
                "note": row.note,
            }
            for row in rows
        ]
    )


def _table(rows, result):
    table = _frame(rows, result.preflight)
    shown = table.assign(value=[_plain(row.value) for row in rows], **{"±": [_error(row) for row in rows]}).drop(
        columns="± is a"
    )
    st.dataframe(
        shown,
        hide_index=True,
        height=38 + 35 * len(rows),
        column_config={
            "quantity": st.column_config.TextColumn("Quantity", width="medium"),
            "value": st.column_config.TextColumn("Value", width="small"),
            "±": st.column_config.TextColumn(
                "Error",
                width="small",
                help="±: one standard error over probes and examples. ≤: a bound that holds for certain.",
            ),
            "products": st.column_config.NumberColumn("Products", width="small"),
            "cost in gradients": st.column_config.NumberColumn("In gradients", format="%.0f", width="small"),
            "note": st.column_config.TextColumn("Note", width="large"),
        },
    )
    if result.eigenvalues is not None:
        values = result.eigenvalues
        st.caption(
            f"Exactly, by all {len(values):,} columns: λ1 = {values[-1]:.6g}, λP = {values[0]:.6g}, trace {values.sum():.6g}, "
            f"Frobenius norm {np.sqrt((values**2).sum()):.6g}."
        )


def _error(row):
    if row.bar == "exact" or not np.isfinite(row.error):
        return "–"
    return f"{'≤' if row.bar == 'bound' else '±'} {row.error:.2g}"


def _plain(value, digits=5):
    return f"{value:.{digits}g}" if np.isfinite(value) else "–"


def _directions(result):
    if result.top is None or not len(result.top.values):
        st.caption("The eigenvectors come after the stems.")
        return
    plot(figures.eigenvector_figure(result.top, result.shapes), "share of each layer in the sharpest directions")


def _resampled(result, view, interval):
    finished = result.resampled
    if len(finished) < 2:
        st.caption("Resamples of the examples come last; there is no band from fewer than two.")
        return
    plot(
        figures.resampled_figure(result.quadrature, finished, sigma=view.sigma, interval=interval),
        "spectra of resampled data",
    )
    tops = [q.ends[1] for q in finished]
    st.caption(
        f"{len(finished)} bootstrap resamples of the examples, one Lanczos run each from one start vector: λ₁ from "
        f"{min(tops):.4g} to {max(tops):.4g}. A resample repeats examples, so its extremes lie farther out: read widths, not "
        "places."
    )


def _certificate(result):
    if result.certificate is None:
        st.caption("The certificate comes after the eigenpairs.")
        return
    import pandas as pd

    rows = [
        {"check": c.name, "measured": _plain(c.value, 2), "rounding allows": _plain(c.tolerance, 2),
         "verdict": "passed" if c.passed else "FAILED", "what it means": c.meaning}
        for c in result.certificate.checks
    ]  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(f"{result.certificate.products} products, beside a Lanczos run that was made to be looked at.")


def _take_away(result, settings, view, rows, fit, interval):
    import pandas as pd

    densities = {"smoothed": result.quadrature.density(view.sigma)}
    if fit is not None:
        densities["maximum entropy"] = fit
    ahead = result.preflight
    tables = {
        "Statistics": lambda: _frame(rows, ahead),
        "Curves": lambda: figures.curve_table(
            interval=interval, stems=result.quadrature, densities=densities, eigenvalues=result.eigenvalues
        ),
        "Stems": lambda: pd.DataFrame(dict(zip(("eigenvalue", "weight"), result.quadrature.stems(), strict=True))),
    }
    name = f"curvature {settings.problem.checkpoint.name}"
    take_away(name, tables, lambda: curvature_notebook(settings, view), [escaped(note) for note in ahead.notes])
    if result.top is not None and len(result.top.values):
        st.download_button(
            f"Eigenvectors of {verbatim(settings.problem.checkpoint.name)} (safetensors)",
            lambda: _eigenvectors(result),
            f"{name.replace(' ', '-')}-eigenvectors.safetensors",
            "application/octet-stream",
            on_click="ignore",
            key="curvature_vectors",
        )


def _eigenvectors(result):
    """Each pair's vector in pieces of the parameters' shapes; eigenvalues and residuals as metadata."""
    from safetensors.torch import save

    tensors, metadata = {}, {}
    for end, pairs in (("top", result.top), ("bottom", result.bottom)):
        for place in range(0 if pairs is None else len(pairs.values)):
            metadata[f"{end}.{place + 1}"] = f"{pairs.values[place]!r} +- {pairs.residuals[place]!r}"
            vector = torch.tensor(pairs.vectors[:, place], dtype=torch.float32)
            for piece, (name, shape) in zip(
                vector.split([s.numel() for s in result.shapes.values()]), result.shapes.items(), strict=True
            ):
                tensors[f"{end}.{place + 1}.{name}"] = piece.reshape(shape).clone()
    return save(tensors, metadata)
