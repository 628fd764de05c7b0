"""Kernel log-det: the log-determinant of a matrix too large to factorise, with error bars, and what it is needed for."""

from pages.ui.nav import route

route()

from pages.ui.kernel_entropy_tab import entropy_tab  # noqa: E402
from pages.ui.kernel_examples import examples  # noqa: E402
from pages.ui.kernel_source import choose_matrix  # noqa: E402
from pages.ui.kernel_table_tab import table_tab  # noqa: E402
from pages.ui.likelihood_tab import likelihood_tab  # noqa: E402
from pages.ui.logdet_tab import logdet_tab  # noqa: E402
from pages.ui.tabbed import tabbed_page  # noqa: E402

TABS = {  # name: (what it answers, its function of the chosen matrix)
    "Log-determinant": (
        "**How can one believe a log-determinant that nobody can compute exactly?** A few hundred products of the matrix with "
        "random vectors estimate it; each method below has an error bar, some have bounds beside it, and where the exact "
        "answer is affordable it is there to compare with.",
        logdet_tab,
    ),
    "Marginal likelihood": (
        "**What is a log-determinant needed for?** To choose the length scale of a Gaussian process: the likelihood of the data "
        "trades fit against complexity, and the price of complexity is a log-determinant, asked for at every length scale.",
        likelihood_tab,
    ),
    "Entropy and moments": (
        "**Do more moments help?** A density of maximum entropy must lose entropy with every moment that it has to meet, and "
        "come nearer to the spectrum. The classical algorithm gains entropy, which says that it never reached the maximum.",
        entropy_tab,
    ),
    "Table 2.1": (
        "**What did the thesis print, and what is found here?** Nine kernels from easy to hopeless, the same number of products "
        "for every method, the exact answer beside them.",
        table_tab,
    ),
}

tabbed_page(
    "Kernel log-det",
    TABS,
    key="kernel_tab",
    examples=examples,
    choose=lambda tab: None if tab == "Table 2.1" else choose_matrix(process=tab == "Marginal likelihood"),
)
