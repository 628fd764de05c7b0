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
CURVATURE = {
    "curvature_matrix": "HessianOperator",
    "curvature_layer": "whole network",
    "curvature_examples": 500,
    "curvature_part": "training",
    "curvature_batch": 250,
    "curvature_batch_norm": "eval",
    "curvature_decay": 0.0,
    "curvature_aside": "Numbers",
}
EXAMPLES = {  # tab: name: values
    "Curvature": {
        "LeNet, trained": CURVATURE,
        "The same before training": CURVATURE | {"checkpoint_epoch": 0},
        "Its last layer, exactly": CURVATURE | {"curvature_layer": "9"},
        "Where its sharp directions live": CURVATURE | {"curvature_aside": "Where the sharp directions live"},
        "Gauss-Newton: no negative mass": CURVATURE | {"curvature_matrix": "GGNOperator"},
        "Digits, VGG with batch norm": CURVATURE | {"checkpoint_run": "digits-vgg-bn"},
    },
    "Side by side": {
        "Hessian, GGN and diagonal": CURVATURE | {"compared_what": "matrices"},
        "Two probes": CURVATURE | {"compared_what": "probes"},
        "Layer by layer": CURVATURE | {"compared_what": "layers"},
        "Batch norm by either statistics": CURVATURE
        | {"compared_what": "batch norm", "checkpoint_run": "digits-vgg-bn"},
        "Before, while and after training": CURVATURE | {"compared_what": "checkpoints"},
    },
    "Along a run": {
        "LeNet on MNIST": CURVATURE,
        "The same on test examples": CURVATURE | {"curvature_part": "test"},
    },
    "Which minimum?": {
        "Five epochs of one run": CURVATURE | {"sharpness_matrix": "HessianOperator"},
        "The same by Gauss-Newton": CURVATURE | {"sharpness_matrix": "GGNOperator"},
        "Digits, without and with batch norm": CURVATURE | {"checkpoint_run": "digits-lenet"},
    },
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
