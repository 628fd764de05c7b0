"""The page "Kernel log-det" without a browser: sources good and bad, both tabs, links, examples and notebooks."""

import gzip
import io
import os
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from pages.ui import uploads
from pages.ui.kernel_choice import COVARIANCES, KernelChoice, MatrixChoice, matrix_steps, threads_for
from pages.ui.kernel_examples import EXAMPLES
from pages.ui.kernel_notebook import likelihood_notebook, logdet_notebook
from pages.ui.likelihood_job import LikelihoodSettings, drawn_target_steps, likelihood_job, points_of
from pages.ui.logdet_job import LogdetSettings, logdet_job
from pages.ui.logdet_view import answer, best_of
from spectral_core.estimators.logdet import logdet_steps
from spectral_core.figures import logdet_history_table, logdet_table
from tests.ui import driving
from tests.ui.driving import finish, run_notebook, said

DIABETES = MatrixChoice("table", "diabetes", target="progression", kernel=KernelChoice())
QUICK = ("slq", "chebyshev")
CAR_SHARE = {"kernel_table": "Car sharing in Montreal"}  # small, and imports no scikit-learn


def open_page(kernel_methods="Chebyshev", **query):
    """The page at the end of its run; one method is enough for most tests, and "" for all of them."""
    return driving.open_page("kernel", **query, **({"kernel_methods": kernel_methods} if kernel_methods else {}))


def result_of(job):
    *_, last = job
    assert last.fraction == pytest.approx(1.0)
    return last.result


def uploaded(content, name):
    return uploads.keep(name, content)


def npz(matrix):
    stream = io.BytesIO()
    if sparse.issparse(matrix):
        sparse.save_npz(stream, matrix)
    else:
        np.savez(stream, matrix)
    return stream.getvalue()


def matrix_link(content, name="matrix.npz"):
    return {
        "kernel_from": "Upload a matrix",
        "kernel_matrix": uploaded(content, name),
        "kernel_matrix_name": name,
    }


def table_link(content, name="table.csv"):
    return {"kernel_from": "Upload a table", "kernel_upload": uploaded(content, name), "kernel_upload_name": name}


def spd(n=60, seed=0):
    draw = np.random.default_rng(seed)
    Q = np.linalg.qr(draw.normal(size=(n, n)))[0]
    A = Q @ np.diag(np.geomspace(0.1, 10.0, n)) @ Q.T
    return (A + A.T) / 2.0


# the first screen


def test_first_screen_is_a_finished_picture_of_real_data():
    app = open_page(kernel_methods="")
    assert app.title[0].value == "Kernel log-det"
    assert not app.error
    assert not app.warning
    assert len(app.get("plotly_chart")) == 3
    assert "−119.31459" in said(app)
    assert "**300 products**, n = 442" in said(app)  # fewer than would give the matrix itself
    table = app.dataframe[0].value
    assert table["method"].tolist()[0] == "exact"
    assert len(table) == 6
    assert table["log det"].iloc[0] == pytest.approx(-119.31459, abs=5e-6)


def test_the_best_estimate_covers_the_exact_answer():
    settings = LogdetSettings(DIABETES, ("preconditioned", "slq"), 1500)
    result = result_of(logdet_job(settings))
    best = best_of(result)
    assert best.method == "preconditioned"
    assert best.lower <= result.exact.value <= best.upper
    assert not result.failures
    assert result.running == ""
    np.testing.assert_allclose(np.log(result.eigenvalues).sum(), result.exact.value, rtol=1e-9)
    said = answer(result)
    assert "−119.31459" in said
    assert f"{best.products:,} products" in said


def test_a_tolerance_instead_of_a_budget_and_methods_by_choice():
    settings = LogdetSettings(DIABETES, methods=("slq",), tolerance=0.1, exact=False)
    result = result_of(logdet_job(settings))
    assert set(result.answers) == {"slq"}
    assert result.eigenvalues is None
    assert "switched off" in result.exact_note
    asked = {"kernel_cap": "300", "kernel_stop": "An error", "kernel_tolerance": "0.1"}
    app = open_page(kernel_methods="Lanczos quadrature", **asked, **CAR_SHARE)
    assert app.dataframe[0].value["method"].tolist() == ["exact", "Lanczos quadrature"]
    assert "relative error 0.1" in " ".join(caption.value for caption in app.caption)


def refusing(name, how):
    """`logdet_steps`, but that one method refuses after its first step."""

    def steps(A, *, method, **options):
        for one in logdet_steps(A, method=method, **options):
            if method == name and how == "raised":
                raise ValueError("it needs more *products* than that.")
            if method == name:
                yield replace(one, value=np.nan, standard_error=np.inf, stopped="it needs more *products* than that.")
                return
            yield one

    return steps


@pytest.mark.parametrize("how", ["raised", "returned"])
def test_a_method_that_refuses_has_a_row_of_dashes_and_its_sentence(how, monkeypatch):
    monkeypatch.setattr("pages.ui.logdet_job.logdet_steps", refusing("preconditioned", how))
    app = open_page(["Lanczos quadrature", "Preconditioned Lanczos"], **CAR_SHARE, kernel_seed=str(len(how)))
    assert not app.error
    assert "by Lanczos quadrature with" in said(app)
    assert "**Preconditioned Lanczos gave no answer**" in said(app)
    row = app.dataframe[0].value.set_index("method").loc["preconditioned Lanczos"]
    assert row.isna().all()  # shown as dashes
    assert "**it needs more \\*products\\* than that.**" in " ".join(caption.value for caption in app.caption)


def test_no_cell_of_a_partial_result_is_infinite():
    for step in logdet_job(LogdetSettings(replace(DIABETES, key="carshare", target="car_hours"), ("slq", "bmxnt"))):
        if step.result is not None:
            for table in (logdet_table(step.result.answers), logdet_history_table(step.result.answers)):
                assert not np.isinf(table.select_dtypes("number").to_numpy(dtype=float)).any()


def test_small_kernels_have_one_thread():
    assert threads_for(DIABETES) == 1
    assert threads_for(replace(DIABETES, source="gaussian", rows=5000)) is None
    assert threads_for(MatrixChoice("weights", "rook", rho=0.5, sides=(9, 9))) is None


def test_stop_acts_within_half_a_second():
    settings = LogdetSettings(MatrixChoice("weights", "rook", rho=0.9, sides=(30, 30)), ("preconditioned", "slq"), 500)
    longest, last = 0.0, time.process_time()  # of this process: others may hold the cores
    for _ in logdet_job(settings):
        longest, last = max(longest, time.process_time() - last), time.process_time()
    assert longest < 0.5 * os.cpu_count()


# sources


@pytest.mark.parametrize("name", COVARIANCES)
def test_every_covariance_function(name):
    choice = replace(DIABETES, key="carshare", target="car_hours", kernel=KernelChoice(name, 0.7, 1.3, 0.05, 0.5, 3.0))
    *_, (_, problem) = matrix_steps(choice)
    assert problem.n == 249
    assert problem.operator.interval[0] == 0.05
    result = result_of(logdet_job(LogdetSettings(choice, methods=QUICK, products=60)))
    assert np.isfinite(result.exact.value)


def test_columns_and_rows_of_a_table():
    app = open_page(kernel_table="Wine", kernel_without=["alcohol", "ash"], kernel_rows="100")
    assert not app.error
    [without] = [one for one in app.multiselect if one.key == "kernel_without"]
    assert without.value == ["alcohol", "ash"]
    assert "100 of 178 rows were drawn at random" in said(app)
    points = points_of(MatrixChoice("table", "wine", without=("alcohol", "ash"), target="grower", rows=100))
    assert points.X.shape == (100, 11)
    [table] = [one for one in app.selectbox if one.key == "kernel_table"]
    finish(table.set_value("carshare").run())  # the columns of the other table are forgotten
    assert not app.error
    [without] = [one for one in app.multiselect if one.key == "kernel_without"]
    assert without.value == []


def test_a_table_that_is_opened_later_starts_from_its_own_target():
    """The first table's target is a column of the second one too, where it is an input."""
    first = {"kernel_from": "A packaged table", "kernel_table": "Wine", "kernel_target": "ash"}
    draw, name = np.random.default_rng(0).normal(size=(30, 3)), "second.csv"
    app = open_page(**first)
    [target] = [one for one in app.selectbox if one.key == "kernel_target"]
    assert target.value == "ash"  # a link's holds
    second = table_link(pd.DataFrame(draw, columns=["ash", "b", "y"]).to_csv(index=False).encode(), name)
    app.query_params["kernel_upload"], app.query_params["kernel_upload_name"] = second["kernel_upload"], name
    [source] = [one for one in app.selectbox if one.key == "kernel_from"]
    finish(source.set_value("upload").run())
    [target] = [one for one in app.selectbox if one.key == "kernel_target"]
    assert target.value == "y"


def test_tables_of_one_column_and_of_one_row():
    column = open_page(**table_link(b"height\n1.5\n2.5\n0.5\n"))
    assert not column.error
    assert "3 rows, 1 column of numbers" in " ".join(caption.value for caption in column.caption)
    row = open_page(**table_link(b"a,b\n1,2\n"))
    assert "only one row is left" in row.error[0].value
    assert "1 row, 2 columns" in " ".join(caption.value for caption in row.caption)


def test_an_uploaded_table_says_what_it_leaves_out():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(60, 3)), columns=["a", "b", "y"])
    frame["city"], frame["always"], frame.loc[3, "a"] = "x", 7.0, np.nan
    app = open_page(**table_link(gzip.compress(frame.to_csv(index=False, sep=";").encode())), kernel_target="y")
    assert not app.error
    words = (said(app) + " ".join(caption.value for caption in app.caption)).replace("\\", "")
    assert "hold text: city" in words
    assert "constant: always" in words
    assert "1 of 60 rows were dropped" in words
    assert "n = 59" in words
    assert "kernel_upload=" in "&".join(f"{key}=" for key in app.query_params)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a,b\nx,y\n", "no column holds numbers"),
        (bytes(range(256)) * 3, "binary"),
        (b"a,b\n1,2\n1,2,3\n", "columns where"),
    ],
)
def test_each_bad_table_gets_one_sentence(content, words):
    app = open_page(**table_link(content))
    [error] = app.error
    assert words in error.value.replace("\\", "")
    assert "There is no matrix yet" in said(app)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.ones((2, 3)), "must be square"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "not symmetric"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "NaN or infinite"),
        (sparse.csr_array(np.diag([1.0, 2.0, -1.0])), "not positive definite"),
        (np.zeros((3, 3)), "singular"),
    ],
)
def test_each_bad_matrix_gets_one_sentence(matrix, words):
    app = open_page(**matrix_link(npz(matrix)))
    [error] = app.error
    assert words in error.value
    if "definite" in words:
        assert "smallest Ritz value is -1" in error.value
        assert "jitter" in error.value


@pytest.mark.parametrize("make", [lambda A: A, sparse.csr_array])
def test_an_uploaded_matrix(make):
    app = open_page(**matrix_link(npz(make(spd()))))
    assert not app.error
    assert app.dataframe[0].value["log det"].iloc[0] == pytest.approx(
        np.log(np.geomspace(0.1, 10.0, 60)).sum(), abs=1e-9
    )


def test_uploaded_weights_are_read_as_i_minus_rho_w():
    W = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    refused = open_page(**matrix_link(npz(W)))
    assert "not symmetric" in refused.error[0].value
    app = open_page(**matrix_link(npz(W)), kernel_reading="I − ρW", kernel_rho="0.5")
    assert not app.error
    expected = np.linalg.slogdet(np.eye(3) - 0.5 * W)[1]
    assert app.dataframe[0].value["log det"].iloc[0] == pytest.approx(expected, abs=1e-12)


def test_duplicated_rows_without_noise_are_refused():
    app = open_page(**table_link(b"a,b\n1,2\n1,2\n3,5\n"), kernel_target="(none)", kernel_noise="0")
    [error] = app.error
    assert "repeat an earlier row" in error.value
    assert "noise" in error.value


def test_spatial_weights_of_a_grid_and_of_montreal():
    for query in ({"kernel_grid_rows": "8", "kernel_grid_columns": "9"}, {"kernel_weights": "Zones of Montreal"}):
        app = open_page(kernel_from="Spatial weights", kernel_rho="0.5", **query)
        assert not app.error
        assert "sparse LU" in said(app)


def test_a_large_matrix_has_no_exact_answer(monkeypatch):
    monkeypatch.setattr("pages.ui.logdet_job.EXACT_SPARSE", 50)
    matrix = MatrixChoice("weights", "rook", rho=0.9, sides=(8, 8))
    result = result_of(logdet_job(LogdetSettings(matrix, methods=("chebyshev",), products=60)))
    assert "n = 64 is above 50" in result.exact_note
    assert result.exact is None
    assert np.isfinite(result.answers["chebyshev"].value)


# the other tab


LIKELIHOOD = LikelihoodSettings(
    MatrixChoice("table", "carshare", target="car_hours", kernel=KernelChoice(noise=0.3)), 0.1, 10.0, 5, 200
)


def test_the_curve_of_the_likelihood():
    result = result_of(likelihood_job(LIKELIHOOD))
    estimate, exact = result.estimate, result.exact
    np.testing.assert_allclose(estimate.lengthscale, np.geomspace(0.1, 10.0, 5))
    assert exact.exact
    assert estimate.best == exact.best
    assert (np.abs(estimate.value - exact.value) < 4 * estimate.standard_error).all()
    assert (result.n, result.target) == (249, "car_hours")


def test_a_target_drawn_from_the_process_finds_its_length_scale():
    choice = MatrixChoice("gaussian", "gaussian", rows=200, scale=1.0, kernel=KernelChoice(lengthscale=1.5, noise=0.01))
    result = result_of(likelihood_job(LikelihoodSettings(choice, 0.3, 7.5, 5, 100)))
    assert result.truth == 1.5
    assert result.exact.best == pytest.approx(1.5)
    *_, y = drawn_target_steps(points_of(choice).X, choice.kernel, 0)
    assert 0.2 < np.mean(y**2) < 5.0  # of variance 1.01, strongly correlated
    with pytest.raises(ValueError, match="at most 3,000 points"):
        next(drawn_target_steps(np.zeros((3001, 6)), choice.kernel, 0))


def test_the_likelihood_tab_and_what_it_refuses():
    tab = {"kernel_tab": "Marginal likelihood", "kernel_points": "5"}
    app = open_page(**tab, **CAR_SHARE, kernel_process_noise="0.3")
    assert not app.error
    assert len(app.get("plotly_chart")) == 2
    assert "The likelihood is largest at ℓ = " in said(app)
    assert len(app.dataframe[0].value) == 5
    [noise] = [one for one in open_page(**tab, **CAR_SHARE).number_input if one.label == "Noise variance"]
    assert noise.value == 0.5  # where the curve has its maximum within the picture
    for query, words in (
        ({"kernel_from": "Spatial weights"}, "points and a target"),
        (CAR_SHARE | {"kernel_target": "(none)"}, "choose a target column"),
        (CAR_SHARE | {"kernel_covariance": "Linear"}, "no length scale"),
        (CAR_SHARE | {"kernel_lowest": "9", "kernel_highest": "3"}, "from a smaller to a larger"),
    ):
        refused = open_page(**tab, **query)
        assert words in " ".join(info.value for info in refused.info)
        assert not refused.get("plotly_chart")


# links, examples, notebooks


def test_a_link_restores_the_view_and_tells_what_it_can_not_use():
    asked = {"kernel_products": "lots", "kernel_rho": "7", "kernel_tab": "Nonsense"}  # no weights, so no rho
    app = open_page(**CAR_SHARE, kernel_covariance="Matérn 3/2", kernel_lengthscale="0.5", **asked)
    [lengthscale] = [one for one in app.number_input if one.key == "kernel_lengthscale"]
    assert lengthscale.value == 0.5
    for key, value in asked.items():
        assert f"{key} = {value}" in said(app)


@pytest.mark.parametrize("tab", ["Log-determinant", "Marginal likelihood"])
def test_examples_set_the_widgets(tab):
    app = open_page(kernel_tab=tab, **CAR_SHARE)
    for name, values in EXAMPLES[tab].items():
        [button] = [button for button in app.button if button.label == name]
        button.click().run()  # the run itself is not waited for
        assert not app.error
        for key, value in values.items():
            if key in app.session_state:
                assert app.session_state[key] == value
    for button in app.button:
        if str(button.key).startswith("stop-"):
            button.click().run()


@pytest.mark.parametrize("source", ["table", "upload", "gaussian", "weights", "montreal", "matrix", "uploaded weights"])
def test_the_notebook_of_a_log_determinant_reproduces_its_numbers(source, tmp_path, monkeypatch):
    kernel = KernelChoice("matern52", 0.8, 1.2, 0.1)
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=["a", "it's", "y"])
    content = {"upload": frame.to_csv(index=False).encode(), "matrix": npz(spd())}.get(source)
    content = content or npz(sparse.csr_array([[0.0, 1.0], [1.0, 0.0]]))
    name = f"{source} it's.dat"
    (tmp_path / name).write_bytes(content)
    choice = {
        "table": MatrixChoice("table", "carshare", target="car_hours", rows=100, seed=2, kernel=kernel),
        "upload": MatrixChoice("upload", name, uploaded(content, name), ("it's",), "y", kernel=kernel),
        "gaussian": MatrixChoice("gaussian", "gaussian", rows=90, seed=4, scale=0.5, kernel=kernel),
        "weights": MatrixChoice("weights", "queen", rho=-0.5, sides=(6, 7)),
        "montreal": MatrixChoice("weights", "montreal", rho=0.9),
        "matrix": MatrixChoice("matrix", name, uploaded(content, name)),
        "uploaded weights": MatrixChoice("matrix", name, uploaded(content, name), rho=0.3),
    }[source]
    settings = LogdetSettings(choice, QUICK, products=200, seed=5)
    result = result_of(logdet_job(settings))
    monkeypatch.chdir(tmp_path)
    names = run_notebook(logdet_notebook(settings))
    for method, one in result.answers.items():
        assert names["answers"][method].value == pytest.approx(one.value, rel=1e-12)
        assert names["answers"][method].products == one.products


@pytest.mark.parametrize("source", ["table", "gaussian"])
def test_the_notebook_of_a_likelihood_reproduces_its_numbers(source, tmp_path, monkeypatch):
    settings = replace(LIKELIHOOD, points=3)
    if source == "gaussian":
        kernel = KernelChoice(noise=0.05)
        settings = replace(settings, matrix=MatrixChoice("gaussian", "gaussian", rows=60, seed=1, kernel=kernel))
    result = result_of(likelihood_job(settings))
    monkeypatch.chdir(tmp_path)
    names = run_notebook(likelihood_notebook(settings))
    np.testing.assert_allclose(names["estimate"].value, result.estimate.value, rtol=1e-8)
    np.testing.assert_allclose(names["exact"].value, result.exact.value, rtol=1e-8)
