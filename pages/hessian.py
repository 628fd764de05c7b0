"""Hessian spectra: the curvature of a checkpoint on data, what the file holds, and the spectra of its weights."""

from pages.ui.nav import route

route()

from pages.ui.checkpoint_source import choose_checkpoint  # noqa: E402
from pages.ui.checkpoint_tab import checkpoint_tab  # noqa: E402
from pages.ui.curvature_compared_tab import compared_tab  # noqa: E402
from pages.ui.curvature_tab import curvature_tab  # noqa: E402
from pages.ui.curvature_training_tab import training_tab  # noqa: E402
from pages.ui.hessian_examples import examples  # noqa: E402
from pages.ui.sharpness_tab import sharpness_tab  # noqa: E402
from pages.ui.tabbed import tabbed_page  # noqa: E402
from pages.ui.weights_tab import weights_tab  # noqa: E402

TABS = {  # name: (what it answers, its function of the opened checkpoint)
    "Curvature": (
        "**How sharp is this minimum, and in how many directions?** The spectrum of the Hessian of a network's loss, from "
        "products alone: outliers, bulk, zeros and negative curvature, each with its error.",
        curvature_tab,
    ),
    "Side by side": (
        "**What does an approximation see, and what changes from layer to layer?** Hessian, Gauss-Newton and its diagonal; "
        "two probes; layers; batch-norm modes; checkpoints.",
        compared_tab,
    ),
    "Along a run": (
        "**How does curvature grow while a network learns?** The spectrum of every epoch as an animation, beside loss, "
        "sharpness, traces, noise and rank degeneracy.",
        training_tab,
    ),
    "Which minimum?": (
        "**Is the flattest minimum the best one?** Several checkpoints of one network: their spectra at one width, and a table "
        "of loss, accuracy and sharpness that sorts by any column.",
        sharpness_tab,
    ),
    "This checkpoint": (
        "**What is in a checkpoint, and does it work?** Take a model that was trained here, or drop in a file: it is opened "
        "without running anything in it, matched to an architecture by the shapes of its tensors, and tried on data.",
        checkpoint_tab,
    ),
    "Weight spectra": (
        "**What do the weights alone say about training?** Each layer's matrix $W$ against what noise would give: the grey "
        "eigenvalues of $W^\\top W$, the bulk that random weights would have, the outliers beyond it, and the exponent of the "
        "tail. No data and no architecture are needed.",
        weights_tab,
    ),
}

tabbed_page(
    "Hessian spectra",
    TABS,
    key="hessian_tab",
    examples=examples,
    choose=lambda tab: choose_checkpoint("checkpoint", "Checkpoint", ("shipped", "upload")),
    awaiting="No checkpoint is open: choose or upload one in the sidebar.",
)
