"""Graph explorer: what the spectrum of a graph says, seen while it is being computed."""

from pages.ui.nav import route

route()

from pages.ui.clusters_tab import clusters_tab  # noqa: E402
from pages.ui.compare_tab import compare_tab  # noqa: E402
from pages.ui.graph_source import choose_graph  # noqa: E402
from pages.ui.influence_tab import influence_tab  # noqa: E402
from pages.ui.model_tab import model_tab  # noqa: E402
from pages.ui.presets import examples  # noqa: E402
from pages.ui.spectrum_tab import spectrum_tab  # noqa: E402
from pages.ui.tabbed import tabbed_page  # noqa: E402

TABS = {  # name: (what it answers, its function of the chosen graph)
    "Spectrum": (
        "**What does a graph's spectrum look like, when the matrix is too large to diagonalise?** A few hundred products of "
        "the matrix with random vectors draw it, with error bars: purple **stems**, a blue density of **maximum entropy**, "
        "and the usual orange **smoothing**, whose width σ you can drag. Grey is the truth, where it is affordable. "
        "Eigenvalues near 0 are groups of nodes that hardly touch, mass near 1 is randomness, and mass near 2 is two sides "
        "that avoid themselves.",
        spectrum_tab,
    ),
    "Clusters": (
        "**How many clusters does a graph have?** As many as its normalised Laplacian has eigenvalues below a gap near 0. They "
        "are counted without computing one of them, with an error bar; connected components are told apart from clusters that a "
        "few edges hold together, and where there is no gap the page says so.",
        clusters_tab,
    ),
    "Compare": (
        "**How alike are graphs, whatever their sizes?** Each is measured once, by a few hundred products, and fitted with a "
        "density of maximum entropy; the divergence between two densities says how far apart the graphs are, with an error bar.",
        compare_tab,
    ),
    "Which model?": (
        "**Which random graph is this graph most like, and with what parameter?** Graphs of three models are drawn, parameter by "
        "parameter; the curves say how far their spectrum is from this graph's, and the lowest point which model explains it "
        "best, or that none can be told from another.",
        model_tab,
    ),
    "Influence of an edge": (
        "**When one edge joins two separate clusters, how far does the second zero eigenvalue move?** The truth is grey, and "
        "every bound on it has its own line: the thesis's Theorem 3 as printed and as its proof has it, its corollary, Weyl's, "
        "and a Rayleigh quotient. Slide the number of edges.",
        influence_tab,
    ),
}

tabbed_page("Graph explorer", TABS, key="tab", examples=examples, choose=lambda tab: choose_graph())
