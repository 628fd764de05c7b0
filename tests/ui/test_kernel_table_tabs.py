"""The tabs "Entropy and moments" and "Table 2.1" without a browser."""

import numpy as np
import pytest

from pages.ui.kernel_choice import KernelChoice, MatrixChoice
from pages.ui.kernel_entropy_job import EntropySettings, entropy_job, thesis_matrix
from pages.ui.kernel_entropy_notebook import entropy_notebook, table_notebook
from pages.ui.kernel_table_job import METHODS, TableSettings, table_job
from pages.ui.published import TABLE_2_1
from tests.ui.driving import open_page, run_notebook, said

SMALL = EntropySettings(thesis_matrix(n=100), most=10, iterations=100)


def open_tab(name, **query):
    return open_page("kernel", kernel_tab=name, **query)


def last(job):
    *_, step = job
    assert step.fraction == pytest.approx(1.0)
    return step.result


def test_entropy_of_the_first_screen():
    app = open_tab("Entropy and moments")
    assert not app.error
    assert len(app.get("plotly_chart")) == 3
    assert "MEMe's entropy never rises" in said(app)
    assert "BMxnt's rises from m = " in said(app)
    assert "**0 products**" in said(app)


def test_entropy_of_the_matrix_of_the_sidebar():
    app = open_tab(
        "Entropy and moments",
        kernel_entropy_of="The matrix of the sidebar",
        kernel_entropy_moments="8",
        kernel_entropy_rounds="100",
        kernel_table="iris",
        kernel_from="A packaged table",
    )
    assert not app.error
    assert len(app.get("plotly_chart")) == 3


def test_a_matrix_without_a_log_determinant_gets_its_sentence():
    kernel = KernelChoice("rbf", 50.0, noise=0.0)
    matrix = MatrixChoice("gaussian", "gaussian", rows=100, standardise=False, kernel=kernel)
    with pytest.raises(ValueError, match="jitter"):
        last(entropy_job(EntropySettings(matrix)))


def test_entropy_job_is_monotone_in_steps_and_right():
    steps = list(entropy_job(SMALL))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    result = steps[-1].result
    assert result.exact
    assert result.curves.rises["meme"] == 0
    assert set(result.by_floor) == {"flat", "logarithmic", "grid"}


def test_moments_of_a_matrix_too_large_for_its_eigenvalues(monkeypatch):
    monkeypatch.setattr("pages.ui.kernel_entropy_job.EXACT_LIMIT", 50)
    result = last(entropy_job(SMALL))
    exact = float(np.log(np.linalg.eigvalsh(_dense(SMALL.matrix))).sum())
    assert not result.exact
    assert 0 < result.curves.products <= 30 * 6
    assert np.isnan(result.curves.truth)
    # 30 probes and 10 moments of a spectrum of condition number 1e2
    assert result.curves.value[-1, 0] == pytest.approx(exact, rel=0.5)


def _dense(choice):
    made = {}
    exec(f"import torch, spectral_core as sc\n{choice.code()}\nK = sc.materialise(A)", made)
    return made["K"]


def test_entropy_notebook_gives_the_numbers_of_the_tab():
    curves = last(entropy_job(SMALL)).curves
    made = run_notebook(entropy_notebook(SMALL))["curves"]
    np.testing.assert_allclose(made.entropy, curves.entropy, atol=1e-8)


@pytest.fixture
def three_rows(monkeypatch):
    """The lowest, the middle and the highest length scale."""
    for place in ("kernel_table_job", "kernel_table_tab", "published"):
        monkeypatch.setattr(f"pages.ui.{place}.TABLE_2_1", TABLE_2_1[::4])


def test_table_of_small_kernels(three_rows):
    app = open_tab("Table 2.1", kernel_table_n="200", kernel_table_products="300")
    assert not app.error
    assert "3 of 3 rows" in said(app)
    assert "no one scale gives all its condition numbers" in said(app)
    shown = app.dataframe[0].value.set_index("relative error")
    assert list(shown.columns) == [f"ℓ = {row.lengthscale:g}" for row in TABLE_2_1[::4]]
    assert shown.loc["printed: MEMe", "ℓ = 0.85"] == "0.018"
    for method in ("preconditioned", "SLQ", "Chebyshev", "MEMe", "MEMe, floor 1e-10"):
        assert (shown.loc[method].astype(float) < 10).all()
        assert (shown.loc[f"± {method}"].astype(float) > 0).all()
    assert len(app.get("plotly_chart")) == 1


def test_a_method_that_refuses_is_a_dash_with_its_sentence(three_rows, monkeypatch):
    def refused(*args, **options):
        raise ValueError("no density meets these moments.")
        yield

    monkeypatch.setattr("pages.ui.kernel_table_job.meme_steps", refused)
    app = open_tab("Table 2.1", kernel_table_n="200", kernel_table_seed="3")
    shown = app.dataframe[0].value.set_index("relative error")
    assert (shown.loc[["MEMe, floor 1e-5", "± MEMe, floor 1e-5"]] == "–").all(axis=None)
    assert "no density meets these moments." in said(app)


def test_rows_fill_in_as_they_are_computed():
    seen = []
    for step in table_job(TableSettings(200, 300)):
        if step.result is not None:
            seen.append(tuple(len(row.answers) + len(row.failures) for row in step.result))
        if len(seen) > len(METHODS):
            break
    assert seen[: len(METHODS)] == [(count,) for count in range(1, len(METHODS) + 1)]


def test_table_notebook_gives_the_numbers_of_the_tab(three_rows):
    settings = TableSettings(200, 300)
    rows, made = last(table_job(settings)), run_notebook(table_notebook(settings))["errors"]
    for row in rows:
        for method in ("preconditioned", "slq", "chebyshev", "meme"):
            error = abs(row.answers[method].value / row.truth - 1.0)
            assert made[row.lengthscale][method] == pytest.approx(error, rel=1e-3, abs=1e-6)
