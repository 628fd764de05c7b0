"""Examples of the Estimator lab, one click away: each sets the widgets, so that its link is a link like any other."""

from pages.ui.tabbed import example_buttons

__all__ = ["EXAMPLES", "lab_examples"]

DEFAULTS = {
    "lab_from": "lattice",
    "lab_n": 1000,
    "lab_error_n": 400,
    "lab_ratio": 0.5,
    "lab_spikes": 3,
    "lab_strength": 3.0,
    "lab_draw": 0,
    "lab_dimensions": 3,
    "lab_error_dimensions": 2,
    "lab_lattice_2": 24,
    "lab_lattice_3": 13,
    "lab_poisson_2": 100,
    "lab_poisson_3": 20,
    "lab_error_lattice_2": 20,
    "lab_error_lattice_3": 8,
    "lab_error_poisson_2": 20,
    "lab_error_poisson_3": 8,
    "lab_products": 2000,
    "lab_finest": 0.01,
    "lab_seed": 0,
    "lab_bands": True,
    "lab_lower": 0,
    "lab_upper": 25,
    "lab_seeds": 5,
    "lab_reach": "usual",
}
FLAT = {"lab_from": "poisson", "lab_dimensions": 2}
EXAMPLES = {  # tab: name: values
    "Compare": {
        "A lattice, n = 2,197": {},
        "The poster's problem, 20 columns": {"lab_lattice_3": 10, "lab_products": 20_000, "lab_finest": 0.0025},
        "A network's spectrum": {"lab_from": "network", "lab_products": 2000, "lab_finest": 0.025},
        "Wigner with spikes, n = 200": {"lab_from": "spiked", "lab_n": 200, "lab_products": 2000},
        "Poisson, n = 10,000": FLAT | {"lab_products": 500, "lab_finest": 0.05},
        "Poisson, n = 1,000,000 (some minutes)": FLAT
        | {"lab_poisson_2": 1000, "lab_products": 200, "lab_finest": 0.05},
    },
    "Errors": {
        "A lattice, n = 400": {},
        "A network's spectrum, n = 400": {"lab_from": "network"},
        "Marchenko–Pastur, n = 400": {"lab_from": "covariance"},
        "Wigner, more products": {"lab_from": "wigner", "lab_reach": "more", "lab_seeds": 3},
    },
}


def lab_examples(tab: str) -> None:
    """A button for each example of a tab."""
    if tab in EXAMPLES:
        example_buttons(EXAMPLES[tab], DEFAULTS)
