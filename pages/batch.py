"""Batch-size scaling: what mini-batches do to the curvature, and what follows for learning rates and damping."""

from pages.ui.nav import route

route()

from pages.ui.batch_examples import FIRST_RUN, SPIKE_TAB, TRAINING_TAB, examples  # noqa: E402
from pages.ui.batch_rates_tab import rates_tab  # noqa: E402
from pages.ui.batch_spectra_tab import spectra_tab  # noqa: E402
from pages.ui.batch_spike_tab import spike_tab  # noqa: E402
from pages.ui.batch_training_tab import through_training_tab  # noqa: E402
from pages.ui.batch_tryout_tab import tryout_tab  # noqa: E402
from pages.ui.checkpoint_source import FIRST, choose_checkpoint  # noqa: E402
from pages.ui.tabbed import tabbed_page  # noqa: E402

TABS = {  # name: (what it answers, its function of the opened checkpoint)
    SPIKE_TAB: (
        "**Why do small batches look sharper than all data are?** Their noise is a bulk that swallows the sharp directions, one "
        "by one, as the batch shrinks.",
        spike_tab,
    ),
    "Batch spectra": (
        "**How much sharper is a mini-batch of a real network, and which theory knows it?** The largest eigenvalues measured "
        "over batch sizes, beside every model of the noise.",
        spectra_tab,
    ),
    "Learning rates": (
        "**How far may the learning rate grow with the batch size?** Linearly at first, then hardly: where it turns, from the "
        "curvature and its noise at this checkpoint.",
        rates_tab,
    ),
    "Try it": (
        "**Is it so?** The network trains at several batch sizes, and the largest rate that does not diverge stands beside the "
        "predicted one.",
        tryout_tab,
    ),
    TRAINING_TAB: (
        "**How does the noise grow while a network learns?** Variance and rank degeneracy of every epoch of a run.",
        through_training_tab,
    ),
}


def choose(tab):
    """The checkpoint of a tab: the first has none, a run's tab its own."""
    if tab == SPIKE_TAB:
        return SPIKE_TAB
    key, first = ("batch_watched", FIRST) if tab == TRAINING_TAB else ("batch", FIRST_RUN)
    return choose_checkpoint(key, "Checkpoint", ("shipped", "upload"), first=first)


tabbed_page(
    "Batch-size scaling",
    TABS,
    key="batch_tab",
    examples=examples,
    choose=choose,
    awaiting="No checkpoint is open: choose or upload one in the sidebar.",
)
