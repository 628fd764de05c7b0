"""Estimator lab: what each estimator of a spectrum can and cannot see."""

from pages.ui.nav import route

route()

from pages.ui.lab_compare_tab import compare_tab  # noqa: E402
from pages.ui.lab_errors_tab import errors_tab  # noqa: E402
from pages.ui.lab_examples import lab_examples  # noqa: E402
from pages.ui.lab_source import choose_lab_matrix  # noqa: E402
from pages.ui.lessons_tab import lessons_tab  # noqa: E402
from pages.ui.tabbed import tabbed_page  # noqa: E402

TABS = {  # name: (what it answers, its function of the source)
    "Compare": (
        "**Which curve should one believe?** Seven estimators of one spectrum, each given the same number of products with the "
        "matrix; the grey area is the exact spectrum, smoothed like they are. Drag σ.",
        compare_tab,
    ),
    "Errors": (
        "**Which estimator wins where?** Their errors over products and σ, seed by seed.",
        errors_tab,
    ),
    "Lessons": (
        "**What can a spectrum's estimators see, and what not?** Nine questions, each with the controls that answer it.",
        lessons_tab,
    ),
}

tabbed_page(
    "Estimator lab",
    TABS,
    key="lab_tab",
    examples=lab_examples,
    choose=lambda tab: None if tab == "Lessons" else choose_lab_matrix(tab),
)
