"""Examples of the page "Hessian spectra", one click away: each sets the widgets, so that its link is a link like any other."""

from pages.ui.checkpoint_source import FIRST
from pages.ui.tabbed import example_buttons

__all__ = ["EXAMPLES", "examples"]

DEFAULTS = {
    "checkpoint_from": "shipped",
    "checkpoint_run": FIRST,
    "checkpoint_epoch": 15,
    "hessian_data": "own",
    "normalisation": "own",
    "examples_size": 5000,
    "other_from": "nothing",
    "layers_quantity": "alpha",
    "unfold": "slices",
}
EXAMPLES = {  # tab: name: values
    "This checkpoint": {
        "LeNet, trained": {},
        "The same before training": {"checkpoint_epoch": 0},
        "The same on darker images": {"normalisation": "given", "norm_mean": "0", "norm_std": "3"},
        "VGG with batch norm": {"checkpoint_run": "mnist-5k-vgg-bn"},
    },
    "Weight spectra": {
        "LeNet before and after training": {"other_from": "shipped", "other_run": FIRST, "other_epoch": 0},
        "VGG without and with batch norm": {
            "checkpoint_run": "mnist-5k-vgg",
            "other_from": "shipped",
            "other_run": "mnist-5k-vgg-bn",
            "layers_quantity": "stable_rank",
        },
        "MLP: a wide first layer": {"checkpoint_run": "mnist-5k-mlp"},
    },
}


def examples(tab: str) -> None:
    """A button for each example of a tab."""
    example_buttons(EXAMPLES[tab], DEFAULTS)
