"""Examples of the page "Kernel log-det", one click away: each sets the widgets, so that its link is a link like any other."""

from pages.ui.tabbed import example_buttons

__all__ = ["EXAMPLES", "examples"]

ESTIMATES = ["preconditioned", "slq", "chebyshev", "meme", "bmxnt"]
DEFAULTS = {
    "kernel_from": "table",
    "kernel_table": "diabetes",
    "kernel_target": "progression",
    "kernel_without": [],
    "kernel_standardise": True,
    "kernel_rows": 5000,
    "kernel_draw": 0,
    "kernel_covariance": "rbf",
    "kernel_lengthscale": 1.0,
    "kernel_outputscale": 1.0,
    "kernel_noise": 0.01,
    "kernel_process_noise": 0.5,
    "kernel_rho": 0.9,
    "kernel_methods": ESTIMATES,
    "kernel_stop": "products",
    "kernel_products": 300,
    "kernel_cap": 3000,
    "kernel_lowest": 0.3,
    "kernel_highest": 30.0,
    "kernel_points": 15,
    "kernel_curve_products": 500,
    "kernel_seed": 0,
    "kernel_exact": True,
    "kernel_axis": "automatic",
    "kernel_bins": 60,
    "dtype": "float64",
    "kernel_entropy_of": "thesis",
    "kernel_entropy_row": 0.15,
    "kernel_entropy_moments": 30,
    "kernel_entropy_measure": "flat",
    "kernel_entropy_floor": 1e-10,
    "kernel_entropy_rounds": 1000,
    "kernel_table_n": 400,
    "kernel_table_products": 300,
    "kernel_table_seed": 0,
}
GAUSSIAN = {"kernel_from": "gaussian", "kernel_n": 1000, "kernel_scale": 0.28}
EXAMPLES = {  # tab: name: values
    "Log-determinant": {
        "Diabetes, RBF": {},
        "Diabetes, 1,500 products": {"kernel_products": 1500},
        "Diabetes, ℓ = 10, noise 1e-4": {"kernel_lengthscale": 10.0, "kernel_noise": 1e-4},
        "Table 2.1, ℓ = 0.45, noise 1e-8": GAUSSIAN
        | {"kernel_lengthscale": 0.45, "kernel_noise": 1e-8, "kernel_products": 750},
        "Digits: 1,797 images": {
            "kernel_table": "digits",
            "kernel_target": "digit",
            "kernel_lengthscale": 5.0,
            "kernel_covariance": "matern32",
        },
        "Spatial weights: a grid of 50 × 50": {
            "kernel_from": "weights",
            "kernel_weights": "rook",
            "kernel_grid_rows": 50,
            "kernel_grid_columns": 50,
        },
        "Spatial weights: zones of Montreal": {"kernel_from": "weights", "kernel_weights": "montreal"},
        "To an error of 1 %": {"kernel_stop": "tolerance", "kernel_tolerance": 0.01},
    },
    "Marginal likelihood": {
        "Diabetes": {},
        "Fuel use of cars": {"kernel_table": "auto-mpg", "kernel_target": "mpg", "kernel_process_noise": 0.1},
        "A target drawn at ℓ = 0.5": GAUSSIAN
        | {"kernel_lengthscale": 0.5, "kernel_process_noise": 0.01, "kernel_scale": 1.0},
    },
    "Entropy and moments": {
        "Figure 2.1 on a kernel, ℓ = 0.15": {},
        "ℓ = 0.45: the floor decides": {"kernel_entropy_row": 0.45},
        "Spatial weights: a grid of 50 × 50": {
            "kernel_entropy_of": "sidebar",
            "kernel_from": "weights",
            "kernel_weights": "rook",
            "kernel_grid_rows": 50,
            "kernel_grid_columns": 50,
        },
        "Diabetes, RBF": {"kernel_entropy_of": "sidebar"},
    },
    "Table 2.1": {
        "Small: n = 400, 300 products": {},
        "As in the thesis: n = 1000": {"kernel_table_n": 1000, "kernel_table_products": 1500},
    },
}


def examples(tab: str) -> None:
    """A button for each example of a tab."""
    if tab in EXAMPLES:
        example_buttons(EXAMPLES[tab], DEFAULTS)
