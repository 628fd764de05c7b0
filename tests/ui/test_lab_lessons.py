"""The lessons of the page "Estimator lab": each opens, and its number and notebook agree with others."""

import functools

import numpy as np
import pytest
import torch
from scipy import special

from pages.ui.lessons import lesson_job, lesson_notebook
from pages.ui.lessons_matrices import MATRICES, known_matrix
from pages.ui.lessons_tab import LESSONS
from tests.ui.driving import open_page, run_notebook, said

pytestmark = pytest.mark.usefixtures("one_thread")
WHAT = {  # lesson: its number, as the page has it
    "Semicircle": "150 times nearer",
    "Stems": "15 products",
    "Power iteration": "13 products",
    "Two myths": "found nothing",
    "The diagonal": "of the eigenvalues' variance",
    "Smoothing": "times itself",
    "Infinite KL": "is infinite",
    "One probe": "misses the trace",
    "A die": "0.3475",
}


def settings_of(name, **fields):
    return next(used for used in LESSONS[name].uses if used.__name__.endswith("Settings"))(**fields)


@functools.cache
def result_of(name, **fields):
    steps = list(lesson_job(LESSONS[name], settings_of(name, **fields)))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert (fractions[-1], len(fractions) > 1) == (1.0, True)
    return steps[-1].result


def sentence(name, result, **fields):
    return LESSONS[name].answer(result, settings_of(name, **fields))


def krylov(A, v, steps):
    """An orthonormal basis of ``span(v, A v, ...)``, by QR of one vector after another."""
    Q = (v / np.linalg.norm(v))[:, None]
    for _ in range(steps - 1):
        w = A @ Q[:, -1]
        for _ in range(2):
            w = w - Q @ (Q.T @ w)
        Q = np.column_stack([Q, w / np.linalg.norm(w)])
    return Q


@pytest.mark.parametrize("name", LESSONS)
def test_it_opens_with_its_figure_and_its_number(name):
    app = open_page("lab", lab_tab="Lessons", lesson=name)
    assert not app.error
    assert not app.warning
    assert len(app.get("plotly_chart")) == len(LESSONS[name].pictures(result_of(name), settings_of(name)))
    assert WHAT[name] in said(app)


@pytest.mark.parametrize("name", LESSONS)
def test_its_notebook_says_the_same(name, capsys):
    result = result_of(name)
    made = run_notebook(lesson_notebook(LESSONS[name], settings_of(name)))
    assert capsys.readouterr().out.strip() == sentence(name, result)
    assert made["table"].equals(LESSONS[name].table(result))


@pytest.mark.parametrize("name", LESSONS)
def test_its_figures_name_what_they_show(name):
    for figure in LESSONS[name].pictures(result_of(name), settings_of(name)).values():
        assert figure.layout.title.text
        assert figure.layout.xaxis.title.text or figure.layout.xaxis.type == "category"
        assert figure.layout.yaxis.title.text
        for trace in figure.data:
            assert trace.name
            assert np.isfinite(np.asarray(trace.y, dtype=float)).all()


def test_a_control_in_the_link():
    app = open_page(
        "lab", lab_tab="Lessons", lesson="Two myths", lesson_myth="m steps give the top m", lesson_myth_steps="10"
    )
    assert "of the 10 Ritz values lie below" in said(app)
    assert not app.warning


def test_a_lesson_that_there_is_not():
    app = open_page("lab", lab_tab="Lessons", lesson="Nonsense")
    assert "lesson = Nonsense" in app.warning[0].value
    assert WHAT["Semicircle"] in said(app)


def test_semicircle_divergence_is_a_difference_of_entropies():
    result = result_of("Semicircle")
    for m, fit in result.fits.items():
        assert result.divergence[m] == pytest.approx(fit.entropy + 0.5 - np.log(0.5 * np.pi), abs=1e-6)  # midpoint rule
    assert result.divergence[5] == pytest.approx(result.divergence[4], rel=1e-6)


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_have_the_eigenvalues_that_they_say(name):
    A, values = known_matrix(name, 200, 3)
    np.testing.assert_allclose(np.linalg.eigvalsh(A.numpy()), values, atol=1e-11 * np.abs(values).max())
    zeros = {"network": 100, "singular": 100}.get(name, 0)
    assert (np.abs(values) < 1e-10).sum() == zeros


def test_stems_distance_is_the_area_between_the_distribution_functions():
    result = result_of("Stems")
    q = result.quadratures[14]
    x = np.sort(np.r_[result.eigenvalues, q.nodes[0]])
    F = np.searchsorted(result.eigenvalues, x[:-1], side="right") / 1000
    G = np.r_[0.0, np.cumsum(q.weights[0])][np.searchsorted(q.nodes[0], x[:-1], side="right")]
    area = (np.abs(F - G) * np.diff(x)).sum()
    assert f"**{area / np.ptp(result.eigenvalues):.2%}**" in sentence("Stems", result)


def test_products_that_power_iteration_and_lanczos_need():
    result = result_of("Power iteration")
    values = np.r_[1.21, 1.1, np.linspace(1.0, 0.0, 498)]
    v = torch.randn(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()[:, 0]
    needed = result.first["Lanczos, λ₁"]
    error = {}
    for m in (needed - 1, needed):
        Q = krylov(np.diag(values), v, m)
        error[m] = 1.0 - np.linalg.eigvalsh(Q.T @ (values[:, None] * Q))[-1] / 1.21
    assert error[needed] <= 1e-6 < error[needed - 1]
    needed = result.first["power iteration, λ₁"]
    for m in (needed - 1, needed):
        x = (values / 1.21) ** (m - 1) * v
        error[m] = 1.0 - (values * x**2).sum() / (x**2).sum() / 1.21
    assert error[needed] <= 1e-6 < error[needed - 1]
    assert f"**{needed}**" in sentence("Power iteration", result)


def test_momentum_beyond_the_first_eigenvalue_never_arrives():
    result = result_of("Power iteration", momentum=1.3)  # 1.3 lambda_2^2 > lambda_1^2
    assert result.first["power with momentum, λ₁"] is None
    assert "with momentum more than 200" in sentence("Power iteration", result, momentum=1.3)


def test_shifting_finds_nothing_and_ritz_values_are_not_the_top():
    result = result_of("Two myths")
    A, values = known_matrix("network", 1000, 0)
    v = torch.randn(1000, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64).numpy()[:, 0]
    Q = krylov(A.numpy(), v, 30)
    ritz = np.linalg.eigvalsh(Q.T @ A.numpy() @ Q)
    np.testing.assert_allclose(result.plain[29].nodes[0], ritz, atol=1e-10)
    np.testing.assert_allclose(result.shift - result.turned[29].nodes[0][::-1], ritz, atol=1e-10)
    below = (ritz < np.sort(values)[-30]).sum()
    assert f"**{below} of the 30 Ritz values" in sentence("Two myths", result, myth="top")


@pytest.mark.parametrize("name", MATRICES)
def test_what_the_diagonal_holds_of_the_frobenius_norm(name):
    result = result_of("The diagonal", matrix=name)
    A = known_matrix(name, 1000, 0)[0].numpy()
    centred = A - np.eye(1000) * np.trace(A) / 1000
    share = (np.diag(centred) ** 2).sum() / (centred**2).sum()
    assert f"**{share:.2%}**" in sentence("The diagonal", result, matrix=name)
    assert result.distances[0] > 5.0 * result.distances[1]


@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_smoothing_bias_against_the_moments_of_the_curve(sigma):
    result = result_of("Smoothing")
    true = result.moments.raw(10)[0]
    curve = result.quadrature.density(sigma)
    assert curve.moment(2) - true[2] == pytest.approx(sigma**2, rel=1e-9)
    assert f"**{curve.moment(10) / true[10] - 1.0:.2g} times itself**" in sentence("Smoothing", result, sigma=sigma)
    assert result.fit.converged
    assert result.fit.moment(10) == pytest.approx(true[10], rel=1e-7)


def test_distances_against_quadrature():
    result = result_of("Infinite KL")
    table = LESSONS["Infinite KL"].table(result).set_index("against")
    np.testing.assert_allclose(table["Jensen-Shannon of stems"], np.log(2.0), rtol=1e-12)
    p, q = result.fits["The graph"], result.fits["Another kind of graph"]
    x, mass = p.rule()
    y, other = q.rule()
    value = 0.5 * float(mass @ (p.log_pdf(x) - q.log_pdf(x)) + other @ (q.log_pdf(y) - p.log_pdf(y)))
    assert table["symmetric KL"]["Another kind of graph"] == pytest.approx(value, rel=1e-5)
    # one spectrum seen by other probes is no further than its own noise; another kind of graph is
    for case in ("Other probes", "One edge less"):
        assert table["symmetric KL"][case] < 4.0 * table["its standard error"][case]
    assert table["symmetric KL"]["Another kind of graph"] > 10.0 * table["its standard error"]["Another kind of graph"]


@pytest.mark.parametrize("matrix", ["covariance", "decaying", "rank one"])
@pytest.mark.parametrize("kind", ["rademacher", "gaussian", "sphere"])
def test_error_of_one_probe_is_that_of_the_theory(matrix, kind):
    sizes = (16, 64, 256)
    result = result_of("One probe", matrix=matrix, kind=kind, sizes=sizes, trials=2000)
    assert (np.abs(result.measured - result.exact) < 4.5 * result.standard_error).all()
    if kind == "gaussian":
        assert (result.exact <= result.bound * (1.0 + 1e-9) * (1.3 if matrix == "covariance" else 1.0)).all()
    slope = np.polyfit(np.log(sizes), np.log(result.exact), 1)[0]
    assert slope == pytest.approx(-0.5 if matrix == "covariance" else 0.0, abs=0.1)


@pytest.mark.parametrize("prior", ["flat", "rising", "falling", "even"])
def test_the_die_and_bayes(prior):
    result = result_of("A die", prior=prior)
    p = result.found.probabilities
    assert p @ np.arange(1, 7) == pytest.approx(4.5, rel=1e-10)
    assert result.joint.probabilities.reshape(2, 6).sum(axis=1) == pytest.approx(result.bayes, rel=1e-12)
    assert result.bayes[1] == pytest.approx(p[5] / (p[5] + 1.0 / 6.0), rel=1e-12)
    assert result.found.divergence == pytest.approx(special.rel_entr(p, result.found.prior).sum())
