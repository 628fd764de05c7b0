"""Examples of the page "Batch-size scaling", one click away: each sets the widgets, so that its link is a link like any other."""

from pages.ui.batch_spectra_tab import SIZES
from pages.ui.batch_tryout_tab import CURVES, STABLE
from pages.ui.checkpoint_source import FIRST
from pages.ui.tabbed import example_buttons

__all__ = ["EXAMPLES", "FIRST_RUN", "SPIKE_TAB", "TRAINING_TAB", "examples"]

FIRST_RUN = "digits-mlp"
SPIKE_TAB, TRAINING_TAB = "Bulk and spike", "Through training"
DEFAULTS = {
    "batch_from": "shipped",
    "batch_run": FIRST_RUN,
    "batch_watched_from": "shipped",
    "batch_watched_run": FIRST,
    "batch_watched_epoch": 15,
    "hessian_data": "own",
    "normalisation": "own",
    "batch_matrix": "HessianOperator",
    "batch_examples": 1024,
    "batch_part": "training",
}
SPIKE = {"spike_model": "wigner", "spike_noise": 8.0, "spike_strength": 1.0, "spike_size": 400}
MEASURED = {"batch_sizes": list(SIZES), "batch_draws": 10, "batch_rank": 1, "batch_aside": "Overlaps"}
RATE = {"rates_from": 64, "rates_rate": 0.1, "rates_to": 512, "rates_shown": ["sgd", "sharpness", "momentum"]}
TRAINED = {
    "tryout_what": CURVES,
    "tryout_optimiser": "sgd",
    "tryout_base": 16,
    "tryout_rate": 0.0,
    "tryout_epochs": 3,
    "tryout_rules": ["linear", "square-root", "constant"],
}
EXAMPLES = {  # tab: name: values
    SPIKE_TAB: {
        "A spike in symmetric noise": SPIKE,
        "The same in a sum of squares": SPIKE | {"spike_model": "additive"},
        "The same as a sampled population": SPIKE | {"spike_model": "multiplicative"},
        "A strong spike, never swallowed": SPIKE | {"spike_noise": 1.0, "spike_strength": 4.0},
    },
    "Batch spectra": {
        "Digits, MLP: where Wigner fails": MEASURED,
        "Digits, LeNet": MEASURED | {"batch_run": "digits-lenet", "batch_examples": 500},
        "Gauss-Newton": MEASURED | {"batch_matrix": "GGNOperator"},
        "The bulk of a mini-batch": MEASURED | {"batch_aside": "Spectra"},
    },
    "Learning rates": {
        "From 64 to 512": RATE,
        "From 8 to 64: still linear": RATE | {"rates_from": 8, "rates_to": 64, "rates_rate": 0.05},
        "Adam, both regimes": RATE | {"rates_shown": ["sgd", "adam_damped", "adam_scaling"]},
    },
    "Try it": {
        "Three rules": TRAINED,
        "The same with momentum": TRAINED | {"tryout_optimiser": "momentum"},
        "The same with Adam": TRAINED | {"tryout_optimiser": "adam", "tryout_rate": 0.003},
        "The largest stable rate": TRAINED | {"tryout_what": STABLE},
        "Largest with momentum": TRAINED | {"tryout_what": STABLE, "tryout_optimiser": "momentum"},
        "Largest with Adam": TRAINED | {"tryout_what": STABLE, "tryout_optimiser": "adam"},
    },
    TRAINING_TAB: {
        "LeNet on MNIST": {"batch_examples": 500},
        "The same on test examples": {"batch_examples": 500, "batch_part": "test"},
    },
}


def examples(tab: str) -> None:
    """A button for each example of a tab."""
    example_buttons(EXAMPLES[tab], DEFAULTS)
