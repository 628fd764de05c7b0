"""The tab "Table 2.1": what the thesis printed, beside every method run here, row by row."""

import numpy as np
import streamlit as st

from pages.ui import runs
from pages.ui.controls import bound, escaped
from pages.ui.kernel_entropy_notebook import table_notebook
from pages.ui.kernel_explain import TABLE
from pages.ui.kernel_table_job import METHODS, TableSettings, table_job
from pages.ui.plots import plot
from pages.ui.published import TABLE_2_1
from pages.ui.take_away import take_away
from spectral_core import figures

__all__ = ["table_tab"]

BUDGETS = (300, 500, 750, 1000, 1500, 2000, 3000)
HEADINGS = {
    "preconditioned": "preconditioned",
    "slq": "SLQ",
    "chebyshev": "Chebyshev",
    "meme": "MEMe",
    "meme 1e-5": "MEMe, floor 1e-5",
    "meme 1e-10": "MEMe, floor 1e-10",
}


def table_tab(choice) -> None:
    """Controls, run and table; it brings its own matrices, so `choice` is not needed."""
    columns = st.columns(3)
    with columns[0]:
        n = bound(st.slider, "Points n", 200, 1000, 400, 100, key="kernel_table_n")
    with columns[1]:
        products = bound(
            st.select_slider, "Products a method", BUDGETS, 300, key="kernel_table_products", format_func=str
        )
    with columns[2]:
        seed = bound(st.number_input, "Seed of points and probes", 0, 10**9, 0, key="kernel_table_seed")
    settings = TableSettings(n, products, seed)
    runs.show(
        "kernel-table",
        key=settings,
        job=lambda: table_job(settings),
        draw=lambda rows: _draw(rows, settings),
        title="Table 2.1",
        threads=1,
    )
    with st.expander("Explain"):
        st.markdown(TABLE)


def _draw(rows, settings) -> None:
    st.markdown(_answer(rows, settings))
    st.dataframe(_shown(rows), hide_index=True, height="content")
    st.caption(
        "Relative errors |estimate / exact − 1|, a dash where there is none yet; below each, ± the standard error that the "
        "method reports, relative too; κ is the condition number. Exact: all eigenvalues by a dense solver. "
        f"{settings.caption()}."
    )
    for row in rows:
        for method, why in row.failures.items():
            st.warning(f"ℓ = {row.lengthscale:g}, {HEADINGS[method]}: {escaped(why)}")
    plot(figures.length_scale_error_figure(rows, TABLE_2_1), "relative error against the length scale")
    take_away("table-2.1", {"Data": lambda: figures.length_scale_error_table(rows)}, lambda: table_notebook(settings))


def _shown(rows):
    """What was printed and what is found here, a column a length scale; a dash is under way or refused."""
    import pandas as pd

    by_scale, table = {row.lengthscale: row for row in rows}, {}
    for published in TABLE_2_1:
        row = by_scale.get(published.lengthscale)
        cells = {
            "κ printed": f"{published.condition:.1e}",
            "κ here": f"{row.condition:.1e}" if row else "–",
            "printed: MEMe": f"{published.meme:.2g}",
            "printed: Chebyshev": f"{published.chebyshev:.2g}",
            "printed: Lanczos": f"{published.lanczos:.2g}",
            "exact log det": f"{row.truth:,.6g}".replace("-", "−") if row else "–",
        }
        for method in METHODS:
            answer = row.answers.get(method) if row else None
            error, bar = ("–", "–") if answer is None else _relative(answer, row.truth)
            cells |= {HEADINGS[method]: error, f"± {HEADINGS[method]}": bar}
        table[f"ℓ = {published.lengthscale:g}"] = cells
    return pd.DataFrame(table).rename_axis("relative error").reset_index()


def _relative(answer, truth):
    """Error and bar, a dash for what is not there."""
    numbers = (abs(answer.value / truth - 1.0), answer.standard_error / abs(truth))
    return tuple(f"{one:.{2 - place}g}" if np.isfinite(one) else "–" for place, one in enumerate(numbers))


def _answer(rows, settings):
    whole = [row for row in rows if len(row.answers) + len(row.failures) == len(METHODS)]
    said = [f"**{len(whole)} of {len(TABLE_2_1)} rows.**"]
    if settings.n < 1000:
        said.append("A small one: the thesis's n = 1000 with 1,500 products is an example in the sidebar.")
    found = [row for row in whole if "preconditioned" in row.answers]
    if found:
        errors = [abs(row.answers["preconditioned"].value / row.truth - 1.0) for row in found]
        worst = found[int(np.argmax(errors))]
        said.append(
            f"Preconditioned Lanczos quadrature is off by at most **{max(errors):.2g}** (ℓ = {worst.lengthscale:g}), with the "
            "same products as all the others."
        )
    apart = [
        abs(row.answers["meme 1e-5"].value - row.answers["meme 1e-10"].value) / abs(row.truth)
        for row in whole
        if {"meme 1e-5", "meme 1e-10"} <= row.answers.keys()
    ]
    if apart:
        said.append(
            f"MEMe as described moves by up to **{max(apart):.2g}** of the answer when the floor of its grid does, from 1e-5 to "
            "1e-10: the thesis does not say which it had."
        )
    said.append(
        "The printed columns can not be reproduced as they stand: the thesis does not say the scale of its points, and no one "
        "scale gives all its condition numbers. Here each row's points have the scale that does"
        + (", at n = 1000; with fewer points κ is smaller." if settings.n < 1000 else ".")
    )
    return " ".join(said)
