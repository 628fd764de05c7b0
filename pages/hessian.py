"""Hessian spectra: from a checkpoint to a model that runs on data, and the spectra of its weights."""

from pages.ui.nav import route

route()

import streamlit as st  # noqa: E402

from pages.ui.checkpoint_source import choose_checkpoint  # noqa: E402
from pages.ui.checkpoint_tab import checkpoint_tab  # noqa: E402
from pages.ui.controls import tell_misread  # noqa: E402
from pages.ui.hessian_examples import examples  # noqa: E402
from pages.ui.weights_tab import weights_tab  # noqa: E402

TABS = {  # name: (what it answers, its function of the opened checkpoint)
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

st.title("Hessian spectra")
notice = st.container()
tabs = dict(zip(TABS, st.tabs(list(TABS), key="hessian_tab", bind="query-params"), strict=True))
name = next(name for name, tab in tabs.items() if tab.open)
question, show = TABS[name]
with st.sidebar:
    examples(name)
    checkpoint = choose_checkpoint("checkpoint", "Checkpoint", ("shipped", "upload"))
with tabs[name]:
    st.markdown(question)
    if checkpoint is None:
        st.info("There is no checkpoint yet: choose or upload one in the sidebar.")
    show(checkpoint)
with notice:
    tell_misread()  # at the end, when every widget has seen its part of the link
