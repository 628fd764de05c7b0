"""Examples of the page "Loss landscape", one click away: each sets the widgets, so that its link is a link like any other."""

from pages.ui.checkpoint_source import FIRST
from pages.ui.landscape_surface_job import Walks
from pages.ui.tabbed import example_buttons

__all__ = ["EXAMPLES", "FIRST_RUN", "RUN_TAB", "examples"]

FIRST_RUN = "digits-mlp"
RUN_TAB = "Along a run"
DEFAULTS = {
    "landscape_from": "shipped",
    "landscape_run": FIRST_RUN,
    "landscape_watched_from": "shipped",
    "landscape_watched_run": FIRST,
    "landscape_watched_epoch": 15,
    "hessian_data": "own",
    "normalisation": "own",
    "landscape_examples": 1000,
    "path_examples": 300,
    "landscape_part": "training and test",
    "landscape_batch_norm": "eval",
}
LINES = {
    "lines_matrix": "H",
    "lines_top": 3,
    "lines_bottom": 1,
    "lines_others": [],
    "lines_radius": 1.0,
    "lines_log": False,
}
SURFACE = {
    "surface_1": "filter",
    "surface_2": "filter",
    "surface_radius": 1.0,
    "surface_points": 31,
    "walk_methods": list(Walks().methods),
    "walk_x": Walks().start[0],
    "walk_y": Walks().start[1],
}
BETWEEN = {
    "between_mode": "line",
    "landscape_second_source": "trained again",
    "landscape_third_source": "trained again",
}
EXAMPLES = {  # tab: name: values
    "Along directions": {
        "Sharp and flat eigenvectors": LINES,
        "Gauss-Newton's eigenvectors": LINES | {"lines_matrix": "G", "lines_bottom": 0},
        "Gradient and random directions": LINES
        | {"lines_top": 1, "lines_bottom": 0, "lines_others": ["gradient", "filter", "layer", "none"]},
        "So far out that it overflows": LINES
        | {"lines_top": 0, "lines_bottom": 0, "lines_others": ["filter"], "lines_radius": 1e13, "lines_log": True},
    },
    "Surface": {
        "Random directions, filter-normalised": SURFACE,
        "The two sharpest eigenvectors": SURFACE | {"surface_1": "H1", "surface_2": "H2"},
        "The sharpest and the lowest": SURFACE | {"surface_1": "H1", "surface_2": "H-1"},
        "VGG with batch norm, recomputed": SURFACE
        | {
            "landscape_run": "digits-vgg-bn",
            "landscape_batch_norm": "recomputed",
            "landscape_examples": 200,
            "walk_methods": [],
        },
    },
    "Between checkpoints": {
        "Two trainings of one network": BETWEEN,
        "The plane through three": BETWEEN | {"between_mode": "plane"},
        "VGG without and with batch norm": BETWEEN
        | {
            "between_mode": "beside",
            "landscape_run": "digits-vgg",
            "landscape_second_source": "another",
            "landscape_second_from": "shipped",
            "landscape_second_run": "digits-vgg-bn",
            "between_points": 13,
            "landscape_examples": 200,
        },
    },
    RUN_TAB: {
        "LeNet on MNIST": {},
        "The same by test examples": {"landscape_part": "test"},
    },
}


def examples(tab: str) -> None:
    """A button for each example of a tab."""
    example_buttons(EXAMPLES[tab], DEFAULTS)
