"""Notebooks of the page "Batch-size scaling": the numbers of each tab from `spectral_core` alone."""

from pages.ui.batch_problem import OUTLIERS
from pages.ui.batch_rates_job import DRAWS
from pages.ui.batch_spectra_job import RESAMPLES, STEPS
from pages.ui.batch_training_job import HALVES
from pages.ui.batch_tryout_job import LOOKS, STABLE_STEPS
from pages.ui.checkpoint_source import opened
from pages.ui.curvature_problem import _loss
from pages.ui.hessian_notebook import opening
from pages.ui.notebook import _as_json, _code, _markdown

__all__ = [
    "rates_notebook",
    "spectra_notebook",
    "spike_notebook",
    "stable_notebook",
    "through_notebook",
    "training_notebook",
]

SEEDED = "generator=torch.Generator().manual_seed({})".format


def spike_notebook(settings) -> str:
    """The notebook of laws and samples, as JSON; a SpikeSettings."""
    cells = [
        *opening("Bulk and spike"),
        _markdown(f"{settings.caption()}."),
        _code(settings.code()),
        _code(
            "import pandas as pd\n\n"
            "table = pd.DataFrame(figures.bulk_and_spike_table(picture, batch_sizes, samples))\ntable"
        ),
        _code("figures.bulk_and_spike_figure(picture, batch_sizes, samples)"),
        _code("figures.spike_path_figure(picture, batch_sizes, samples)"),
    ]
    return _as_json(cells)


def spectra_notebook(settings) -> str:
    """The notebook of measured mini-batches, as JSON; a SpectraSettings."""
    seed = settings.problem.seed
    cells = [
        *_network("Mini-batch spectra", settings),
        _code(
            f"sizes = [B for B in {list(settings.batch_sizes)} if B <= known.examples]\n"
            f"steps = sc.batch_scaling.outlier_steps(A, sizes, draws={settings.draws}, known=known, resamples={RESAMPLES}, "
            f"{SEEDED(seed + 1)})\n"
            "_, _, found = last(steps)\nfound.measured, found.standard_error, found.refined, found.wigner"
        ),
        _code("figures.batch_outlier_figure(found)"),
        _code("figures.overlap_figure(found)"),
        _code(
            f"generator, spectra = torch.Generator().manual_seed({seed + 2}), {{}}\n"
            "for B in sizes:\n"
            "    batch = sc.batch_scaling.mini_batch(A, B, generator=generator)\n"
            f"    spectra[B] = sc.lanczos_quadrature(batch, steps=min({STEPS}, A.shape[0]), probes=1, generator=generator)\n"
            "figures.stem_panels_figure({'all data': known.quadrature, 'mini-batch': spectra[sizes[0]]}, "
            "threshold=5 / known.size)"
        ),
    ]
    return _as_json(cells)


def rates_notebook(settings, advice) -> str:
    """The notebook of learning rates and damping, as JSON; a RatesSettings and the Advice asked for."""
    seed = settings.problem.seed
    cells = [
        *_network("Learning rates over batch sizes", settings),
        _code(
            "N = known.examples\nsizes = np.unique(np.r_[2 ** np.arange(int(np.log2(N)) + 1), N])\n"
            f"rates = sc.batch_scaling.learning_rates(known, sizes, momentum={settings.momentum!r}, "
            f"epsilon={settings.epsilon!r}, draws={DRAWS}, seed={seed})\n"
            "rates.sgd, rates.linear_until, rates.saturated_from"
        ),
        _code("figures.learning_rate_figure(rates)"),
        _code(
            f"critical = known.critical_batch_size(draws={DRAWS}, seed={seed})\n"
            f"damping = sc.batch_scaling.least_damping(known, sizes, {settings.step!r}, seed={seed})\n"
            "print(critical)\ndamping.local, damping.ratio"
        ),
        _markdown("From a batch size and a learning rate that works there, to another batch size."),
        _code(
            "advice = sc.batch_scaling.recommendation(\n    known, "
            f"min({advice.batch_size}, known.examples), {advice.learning_rate!r}, min({advice.new}, known.examples), "
            f"seed={seed})\nprint(advice.sentence)"
        ),
    ]
    return _as_json(cells)


def training_notebook(settings, rate) -> str:
    """The notebook of training by the scaling rules, as JSON; a TrainingSettings, and the rate that they scale from."""
    problem = settings.problem
    cells = [
        *opening("Training at several batch sizes"),
        _markdown(f"{settings.caption()}."),
        _code(f"{problem.code()}\nfrom spectral_core.results import last"),
        _code(
            f"sizes = [B for B in {list(settings.batch_sizes)} if B <= sum(batch.examples for batch in A.batches)]\n"
            "_, runs = last(sc.batch_scaling.training_run_steps(\n"
            f"    model, {_loss_of(problem)}, batches, sizes, rules={settings.rules!r}, batch_size={settings.base},\n"
            f"    learning_rate={rate!r}, optimiser={settings.optimiser!r}, epochs={settings.epochs}, looks={LOOKS},\n"
            f"    {SEEDED(problem.seed + 3)}, dtype=torch.{problem.dtype}, device={problem.device!r},\n))"
        ),
        _code("figures.training_run_figure(runs)"),
    ]
    return _as_json(cells)


def stable_notebook(settings) -> str:
    """The notebook of the largest stable rates, as JSON; a StableSettings."""
    problem = settings.problem
    cells = [
        *_network("Largest stable learning rates", settings),
        _code(
            f"sizes = [B for B in {list(settings.batch_sizes)} if B <= known.examples]\n"
            f"rates = sc.batch_scaling.learning_rates(known, sizes, seed={problem.seed})\n"
            "_, found = last(sc.batch_scaling.largest_stable_rate_steps(\n"
            f"    model, {_loss_of(problem)}, batches, sizes, start=rates.first_tried({settings.optimiser!r}),\n"
            f"    optimiser={settings.optimiser!r}, steps={STABLE_STEPS}, seeds={settings.seeds},\n"
            f"    {SEEDED(problem.seed + 4)}, dtype=torch.{problem.dtype}, device={problem.device!r},\n))\n"
            f"figures.rate_table(rates, found, optimiser={settings.optimiser!r})"
        ),
        _code(f"figures.learning_rate_figure(rates, found=found, optimisers=({settings.optimiser!r},))"),
    ]
    return _as_json(cells)


def through_notebook(settings) -> str:
    """The notebook of a run's noise, as JSON; a NoiseSettings."""
    seed = settings.problem.seed
    cells = [*opening("Noise through training"), _code("import pandas as pd\n\nrows = []")]
    for epoch, problem in settings.problems().items():
        cells.append(
            _code(
                f"{problem.code()}\n"
                f"top = sc.eigenpairs(A, k=1, which='top', tolerance=1e-3, products=300, {SEEDED(seed)})\n"
                f"noise = sc.batch_scaling.noise_scale(A, probes={HALVES}, {SEEDED(seed + 1)})\n"
                f"sharp = sc.batch_scaling.noise_scale(A, probes={HALVES}, directions=torch.tensor(top.vectors[:, :1]),\n"
                f"                                     {SEEDED(seed + 2)})\n"
                f"H = sc.lanczos_quadrature(A, steps={settings.steps}, probes=1, {SEEDED(seed + 3)})\n"
                "masses = sc.curvature.rank_degeneracy(H, dtype=A.dtype)\n"
                f"rows.append(({epoch}, A.loss_value, top.values[0], noise.value, sharp.value[0], masses.pair_mass[0]))"
            )
        )
    names = ["epoch", "loss", "lambda_1", "s^2 of random directions", "s^2 at u_1", "H at zero: two nearest"]
    cells.append(_code(f"pd.DataFrame(rows, columns={names})"))
    return _as_json(cells)


def _network(title, settings):
    problem = settings.problem
    return [
        *opening(title),
        _markdown(f"{settings.caption()}."),
        _code(
            f"from spectral_core.results import last\n\n{problem.code()}\n"
            f"steps = sc.batch_scaling.full_batch_steps(A, outliers={OUTLIERS}, {SEEDED(problem.seed)})\n"
            "_, _, known = last(steps)\n"
            f"print(known.eigenvalues, known.critical_batch_size(draws={RESAMPLES}), known.simple_noise_scale)"
        ),
    ]


def _loss_of(problem):
    return repr(_loss(opened(problem.checkpoint)))
