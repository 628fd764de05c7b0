"""Loss landscape: the loss of a network along lines and planes of its weights."""

from pages.ui.nav import route

route()

from pages.ui.checkpoint_source import FIRST, choose_checkpoint  # noqa: E402
from pages.ui.landscape_between_tab import between_tab  # noqa: E402
from pages.ui.landscape_examples import FIRST_RUN, RUN_TAB, examples  # noqa: E402
from pages.ui.landscape_lines_tab import lines_tab  # noqa: E402
from pages.ui.landscape_run_tab import run_tab  # noqa: E402
from pages.ui.landscape_surface_tab import surface_tab  # noqa: E402
from pages.ui.tabbed import tabbed_page  # noqa: E402

TABS = {  # name: (what it answers, its function of the opened checkpoint)
    "Along directions": (
        "**What is the loss like along the sharpest and the flattest directions?** Training and test loss along eigenvectors "
        "of the Hessian, the gradient or random directions, beside the parabola that the curvature promises.",
        lines_tab,
    ),
    "Surface": (
        "**What does the loss look like around a trained network?** A plane of two directions, as contours and as a surface, "
        "with optimisers walking on it from a point of your choice.",
        surface_tab,
    ),
    "Between checkpoints": (
        "**Is there a barrier between two networks?** The straight line through two checkpoints, the plane through three, or "
        "two landscapes side by side whose views move together.",
        between_tab,
    ),
    RUN_TAB: (
        "**Which way did training go?** The checkpoints of one run on the plane that holds most of their variance.",
        run_tab,
    ),
}


def choose(tab):
    """The checkpoint of a tab: a run's tab has its own."""
    key, first = ("landscape_watched", FIRST) if tab == RUN_TAB else ("landscape", FIRST_RUN)
    return choose_checkpoint(key, "Checkpoint", ("shipped", "upload"), first=first)


tabbed_page(
    "Loss landscape",
    TABS,
    key="landscape_tab",
    examples=examples,
    choose=choose,
    awaiting="No checkpoint is open: choose or upload one in the sidebar.",
)
