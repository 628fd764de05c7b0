"""The Estimator lab's tabs "Compare" and "Errors" without a browser: splits, errors, counts, links, uploads, notebooks."""

import io

import numpy as np
import pytest
import torch

import spectral_core as sc
from pages.ui import finished, uploads
from pages.ui.lab_compare_tab import threads_of
from pages.ui.lab_compare_table import estimator_rows
from pages.ui.lab_compare_view import COUNTERS, LabView, _answer, _count
from pages.ui.lab_errors_job import ErrorSettings, errors_job
from pages.ui.lab_errors_tab import errors_words
from pages.ui.lab_estimates import ESTIMATORS, SKETCHED, curve, lanczos_runs, points, split_of, truth
from pages.ui.lab_examples import DEFAULTS, EXAMPLES
from pages.ui.lab_job import LabSettings, lab_job
from pages.ui.lab_matrix import SOURCES, LabChoice, lab_matrix_steps
from pages.ui.lab_notebook import compare_notebook, errors_notebook
from tests.ui.driving import finish, open_page, run_notebook, said

pytestmark = pytest.mark.usefixtures("one_thread_in_module")

LATTICE = LabChoice(points=12, dimensions=2)
SETTINGS = LabSettings(LATTICE, 500, 0.05)
LINK = {
    "lab_dimensions": "2-D",
    "lab_lattice_2": "12",
    "lab_products": "500",
    "lab_finest": "0.05",
}


@pytest.fixture(scope="module")
def result():
    *_, last = lab_job(SETTINGS)
    assert last.fraction == 1.0
    return last.result


def matrix_of(choice):
    return list(lab_matrix_steps(choice))[-1][1]


def test_a_split_resolves_sigma_and_spends_what_it_is_given():
    for products, sigma, n in ((500, 0.1, 1000), (20_000, 0.02, 1000), (40, 0.1, 1000), (10_000, 0.2, 50)):
        split = split_of(products, sigma, n)
        for name in ESTIMATORS:
            assert 0 < split.spent(name) <= max(products, 2 * split.degree)
        assert max(split.columns, split.lanczos_probes, split.probes) <= n
        if split.degree * 2 < products:
            assert split.unit_sigma <= sigma
            assert 2 * split.steps - 1 >= split.degree or split.steps == n  # Gauss: exact for the kernel's polynomial
    assert split_of(40, 0.01, 1000).unit_sigma > 0.01  # too few products: a wider sigma, not fewer than two columns


def test_a_job_pays_for_everything_once(result):
    measured, split = result.measured, result.split
    assert measured.sketch.products == split.spent("xnystrom")
    assert measured.moments.products == split.spent("kpm")
    assert measured.quadrature.products == split.spent("lanczos")
    assert set(result.ladders) == set(ESTIMATORS)
    assert not result.refused
    width = 2 * measured.half
    for name, ladder in result.ladders.items():
        assert np.all(np.diff(ladder.sigmas) > 0)
        assert ladder.sigmas[-1] == pytest.approx(0.25 * width)
        assert all(len(row) == len(ladder.x) for row in ladder.y)
        if name in SKETCHED and name != "hutchinson":
            assert ladder.sigmas[0] >= measured.sketch.smallest_sigma() * (1 - 1e-9)


def test_a_ladders_rungs_are_the_curves(result):
    ladder = result.ladders["hutchinson"]
    found = curve(result.measured, "hutchinson", ladder.sigmas[4])
    inside = (ladder.x > found.x[0]) & (ladder.x < found.x[-1])
    peak = found.y.max()
    np.testing.assert_allclose(np.interp(found.x, ladder.x[inside], ladder.y[4][inside]), found.y, atol=0.02 * peak)


def test_errors_are_within_what_their_bars_allow(result):
    """The L1 error of an unbiased estimate has about the area under its standard error; four times that is generous."""
    measured, sigma = result.measured, 0.1 * 2 * result.measured.half
    for name in ("hutchinson", "nystrom++", "lanczos"):
        found = curve(measured, name, sigma)
        claimed = found.error.sum() * (found.x[1] - found.x[0])
        assert 0 < measured.missed(found, sigma) < 4 * claimed


def test_the_table_says_who_is_chosen_and_what_one_probe_is_worth(result):
    rows, missing = estimator_rows(result, 0.1 * 2 * result.measured.half)
    assert not missing
    assert [row["estimator"] for row in rows] == list(ESTIMATORS.values())
    assert {row["products"] for row in rows[:4]} == {result.split.spent("xnystrom")}
    for row in rows:
        if row["estimator"] in ("Lanczos quadrature", "KPM–Jackson"):  # means of densities: the triangle inequality
            assert row["L1 error"] < row["L1 error of one probe"]
    assert result.automatic is None  # 500 products are more than 144 rows: all eigenvalues instead


def test_a_narrower_sigma_says_how_many_products_it_needs(result):
    measured = result.measured
    sigma = 0.3 * measured.sketch.smallest_sigma()
    rows, missing = estimator_rows(result, sigma)
    assert set(missing) >= {"xnystrom", "nystrom++", "nystrom", "lanczos", "kpm"}
    assert missing["xnystrom"] == measured.sketch.products_for(sigma)
    for name, more in missing.items():
        with pytest.raises(ValueError, match=f"{more:,} more products"):
            curve(measured, name, sigma)
    assert [row["estimator"] for row in rows] == [label for name, label in ESTIMATORS.items() if name not in missing]


def test_one_curve_alone_is_not_nearest(result):
    sigma = 0.3 * result.measured.sketch.smallest_sigma()
    words = _answer(result, SETTINGS, estimator_rows(result, sigma)[0], sigma)
    assert "**Maximum entropy** alone has a curve" in words
    assert "nearest" not in words


@pytest.mark.parametrize("share", [0.25, 0.05, 0.005])
def test_the_points_hold_the_whole_mass(share):
    x = points((0.0, 2.0), 2.0 * share)
    assert abs(truth(np.array([0.0, 0.3, 2.0]), 2.0 * share, x).sum() * (x[1] - x[0]) - 1.0) < 1e-5


def test_small_files_take_one_thread():
    small, large = (
        LabChoice("upload", 0, key="a.npy", digest=uploads.keep("a.npy", bytes(size))) for size in (100, 1 << 23)
    )
    assert threads_of(small) == 1
    assert threads_of(large) is None
    assert threads_of(LabChoice(points=20)) is None


def test_the_exact_density_of_many_eigenvalues_is_binned_without_loss():
    values = np.sort(np.random.default_rng(0).normal(size=20_000))
    x = points((-4.0, 4.0), 0.1)
    binned = truth(values, 0.1, x)
    direct = sc.smoothed_spectrum(values, x, 0.1)
    # bins of sigma / 20 about their means: the relative error is (1/2) (1/12) (1/20)^2 |g''| sigma^2, below 2e-4 of the peak
    np.testing.assert_allclose(binned, direct, atol=2e-4 * direct.max())


@pytest.mark.parametrize("steps", [12, 120])
def test_lanczos_runs_are_those_of_the_library(steps):
    A = matrix_of(LabChoice(points=14, dimensions=2)).operator
    *_, mine = lanczos_runs(A, steps, 3, 5)
    generator = torch.Generator().manual_seed(5)
    theirs = sc.lanczos_quadrature(A, steps=steps, probes=3, generator=generator, reorthogonalise=steps <= 100)
    assert mine.products == theirs.products
    np.testing.assert_allclose(mine.nodes, theirs.nodes, atol=1e-8 * abs(theirs.nodes).max())
    np.testing.assert_allclose(mine.weights, theirs.weights, atol=1e-8)


@pytest.mark.parametrize("source", [name for name in SOURCES if name not in ("upload", "finished")])
def test_every_matrix_has_its_eigenvalues_and_its_code(source):
    choice = LabChoice(source, 100, spikes=(3.0, 1.5), points=6, dimensions=2, seed=1)
    made = matrix_of(choice)
    np.testing.assert_allclose(made.eigenvalues, np.linalg.eigvalsh(sc.materialise(made.operator)), atol=1e-8)
    names = {}
    exec(f"import numpy as np, torch\nimport spectral_core as sc\n{choice.code()}", names)
    np.testing.assert_allclose(names["eigenvalues"], made.eigenvalues, atol=1e-8)
    assert choice.title()


def test_an_upload_and_one_that_is_gone():
    matrix = np.diag(np.linspace(-1.0, 2.0, 60))
    stream = io.BytesIO()
    np.save(stream, matrix)
    choice = LabChoice("upload", 0, key="m.npy", digest=uploads.keep("m.npy", stream.getvalue()))
    np.testing.assert_allclose(matrix_of(choice).eigenvalues, np.diag(matrix), atol=1e-12)
    with pytest.raises(ValueError, match="upload it again"):
        matrix_of(LabChoice("upload", 0, key="gone.npy", digest="0" * 16))
    multiple = io.BytesIO()
    np.save(multiple, 2.0 * np.eye(20))
    digest = uploads.keep("same.npy", multiple.getvalue())
    with pytest.raises(ValueError, match="one eigenvalue 2"):
        list(lab_job(LabSettings(LabChoice("upload", 0, key="same.npy", digest=digest))))


def test_the_errors_sharpen_seed_by_seed():
    settings = ErrorSettings(LATTICE, 2, 0, (200, 800), (0.1, 0.05))
    seen = [step.result for step in errors_job(settings) if step.result is not None]
    assert [one.done for one in seen] == [1, 2, 3, 4]
    assert [one.awaited for one in seen] == [(0,), (), (), ()]
    last = seen[-1]
    assert "is not measured yet" in errors_words(seen[0], settings, 0, 1)
    assert len(seen[0].complete()["kpm"]) == 1
    assert len(last.complete()["kpm"]) == 2
    for name in ("hutchinson", "lanczos"):
        few, many = np.nanmean(last.errors[name], axis=(0, 1))
        assert many < few  # four times the probes halve the error
    assert "of the mass" in errors_words(last, settings, 0, 1)
    assert all(np.isfinite(values).all() for values in last.seconds.values())


def test_errors_need_a_known_spectrum(monkeypatch):
    monkeypatch.setattr("pages.ui.lab_matrix.EXACT_LIMIT", 50)
    with pytest.raises(ValueError, match="choose a smaller matrix"):
        list(errors_job(ErrorSettings(LabChoice("wigner", 100, seed=99))))


def test_the_notebooks_reproduce_the_numbers(result):
    sigma = 0.1 * 2 * result.measured.half
    names = run_notebook(compare_notebook(SETTINGS, LabView(sigma, -1.0, 5.0)))
    rows, _ = estimator_rows(result, sigma)
    errors = names["errors"](sigma, names["x"], names["pdfs"])
    assert errors == pytest.approx(
        {name: row["L1 error"] for name, row in zip(ESTIMATORS, rows, strict=True)}, rel=1e-6
    )
    for method in COUNTERS:
        assert names["counts"][method].value == pytest.approx(_count(result, method, -1.0, 5.0).value, rel=1e-6)
    narrow = 0.3 * result.measured.sketch.smallest_sigma()
    names = run_notebook(compare_notebook(SETTINGS, LabView(narrow, 5.0, 5.0)))  # no count, and one curve
    [row], _ = estimator_rows(result, narrow)
    assert names["errors"](narrow, names["x"], names["pdfs"]) == pytest.approx({"maxent": row["L1 error"]}, rel=1e-6)
    settings = ErrorSettings(LATTICE, 1, 3, (200, 400), (0.1,))
    *_, last = errors_job(settings)
    table = run_notebook(errors_notebook(settings))["table"]
    for name in ESTIMATORS:
        np.testing.assert_allclose(table[name], last.result.errors[name], rtol=1e-6)


def test_the_page_opens_with_a_picture_and_its_link():
    app = open_page("lab", **LINK)
    assert "is nearest" in said(app)
    assert "takes none of them but all eigenvalues" in said(app)
    assert "Before any product" in said(app)
    assert "not possible here" not in said(app)
    assert app.get("bidi_component")
    app.slider(key="lab_lower").set_value(100 - 1)
    app = finish(app.run())
    assert "Exactly" in said(app)


def test_a_refused_upload_is_named_as_it_is_and_a_size_of_another_matrix_is_no_error():
    name = "name*[x](y)$z$.npy"
    digest = uploads.keep(name, b"nothing of the kind")
    app = open_page("lab", lab_from="Upload a matrix", lab_matrix=digest, lab_matrix_name=name, lab_n="100")
    [error] = app.error
    assert r"name\*\[x\](y)\$z\$.npy" in error.value
    assert "What is shown has no use for `lab_n = 100`" in said(app)
    assert "not possible here" not in said(app)


def test_the_errors_tab_opens():
    app = open_page("lab", lab_tab="Errors", lab_error_lattice_2="10", lab_seeds="1")
    assert "misses least" in said(app)
    assert "not possible here" not in said(app)


def test_a_run_of_another_page_is_opened_here_and_a_cold_link_says_where_it_lives():
    app = open_page("lab", lab_from="A finished run", lab_run="0123456789ab")
    assert "lives in the session" in said(app)
    assert "Graph explorer" in said(app)
    matrix = torch.diag(torch.linspace(0.0, 1.0, 150, dtype=torch.float64))
    app.session_state[finished.STORE] = {
        "k": finished.Finished(
            "k", "My graph", "Graph explorer, Spectrum", "caption", lambda: sc.as_operator(matrix), str
        )
    }
    app = finish(app.run())
    assert "is nearest" in said(app)


def test_a_finished_log_determinant_offers_its_matrix():
    app = open_page("kernel", kernel_methods="Chebyshev", kernel_table="Car sharing in Montreal", kernel_rows="100")
    [kept] = app.session_state[finished.STORE].values()
    choice = LabChoice("finished", 0, key=kept.title, digest=kept.key, run=kept)
    made = matrix_of(choice)
    assert made.n == 100
    np.testing.assert_allclose(made.eigenvalues, np.linalg.eigvalsh(sc.materialise(made.operator)), atol=1e-8)
    names = {}
    exec(f"import numpy as np, torch\nimport spectral_core as sc\n{choice.code()}", names)
    np.testing.assert_allclose(names["eigenvalues"], made.eigenvalues, atol=1e-8)


def test_examples_set_widgets_that_exist():
    for examples in EXAMPLES.values():
        for values in examples.values():
            assert set(values) <= set(DEFAULTS)
