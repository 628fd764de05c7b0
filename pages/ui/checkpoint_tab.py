"""The tab "This checkpoint": what a file holds, what its model reaches, and whether it looks trained."""

from dataclasses import fields

import streamlit as st

from pages.ui import runs
from pages.ui.checkpoint_job import CheckpointSettings, checkpoint_job, judged
from pages.ui.controls import escaped, verbatim
from pages.ui.data_source import OWN, WANTED, choose_data, guessed
from pages.ui.explain import CHECKPOINT
from pages.ui.hessian_notebook import checkpoint_notebook, own_model_code
from pages.ui.plots import plot
from pages.ui.take_away import take_away
from pages.ui.weights_tab import widest
from pages.ui.wording import with_error
from spectral_core import figures

__all__ = ["checkpoint_tab", "is_ready"]


def checkpoint_tab(found) -> None:
    """Data, run and picture of `found`, an Opened or None."""
    with st.sidebar:
        data = choose_data(found)
    if found is not None:
        settings = CheckpointSettings(found.choice, data)
        with _place_of(found):
            runs.show(
                "checkpoint",
                key=settings,
                job=lambda: checkpoint_job(settings),
                draw=lambda result: _draw(result, settings, found),
                title=f"Model of {verbatim(found.choice.title())}",
            )
        with st.expander("A model of your own"):
            st.markdown(
                "When the tensors are of no architecture known here, or of another model than it was taken for, put them "
                "into yours in a notebook:"
            )
            st.code(own_model_code(found, data), language="python")
    with st.expander("Explain"):
        st.markdown(CHECKPOINT)


def _place_of(found):
    """A container. Another file gets another one, and the first is emptied, so that no numbers stand under another's name.

    In the same place an `st.empty` and the container that follows may reach the browser as one, with what stood there before.
    """
    file = found.entry.run if found.entry is not None else (found.choice.digest, found.choice.name, found.choice.choose)
    before, turn = st.session_state.get("_checkpoint_shown", (file, 0))
    turn = turn if before == file else 1 - turn
    st.session_state["_checkpoint_shown"] = file, turn
    return [st.container() if place == turn else st.empty() for place in (0, 1)][turn]


def _tell(found):
    """What it is, in one sentence; what was assumed or changed; what is nearest if it is nothing."""
    if found.entry is not None:
        entry = found.entry
        st.markdown(
            f"**{entry.architecture}** with {found.parameters:,} parameters ({_config(found.recognised.config)}), trained "
            f"here on {entry.data} to epoch {entry.epoch} of {entry.epochs}, seed {entry.seed}."
        )
        return
    checkpoint, name = found.checkpoint, verbatim(found.choice.name)
    if found.recognised is not None:
        st.markdown(
            f"{name}, a {checkpoint.kind}, is a **{found.recognised.architecture}** with {found.parameters:,} parameters "
            f"({_config(found.recognised.config)}), recognised by the shapes of its {_counted(len(checkpoint.tensors))}."
        )
        notes = (*checkpoint.notes, *found.recognised.notes)
    else:
        st.markdown(
            f"{name}, a {checkpoint.kind} of {_counted(len(checkpoint.tensors))} with {found.parameters:,} numbers, was not "
            "recognised: weight spectra need no model, accuracy does."
        )
        sentence = str(found.refusal)
        st.warning(escaped(sentence[:1].upper() + sentence[1:]))
        notes = checkpoint.notes
        for miss in found.refusal.misses:
            with st.expander(f"Near miss: {miss.architecture}, {_counted(miss.wrong)} off"):
                st.caption(_config(miss.config))
                st.markdown("\n".join(f"- {escaped(difference)}" for difference in miss.differences))
                if miss.wrong > len(miss.differences):
                    st.caption(f"… and {miss.wrong - len(miss.differences)} more.")
    beside = [f"{key} = {v}" for key, v in checkpoint.metadata.items() if not key.endswith("num_batches_tracked")]
    if beside:
        st.caption(f"Beside the weights: {verbatim(', '.join(beside[:8]))}")
    if notes:
        st.caption(" ".join(escaped(note) for note in notes))


def _counted(tensors):
    return f"{tensors} tensor{'' if tensors == 1 else 's'}"


def _config(config):
    """Its fields, in words."""
    if hasattr(config, "layers") and isinstance(config.layers, tuple):
        return escaped(", ".join(f"{layer[0]} {_worded(layer[1:3])}" for layer in config.layers))
    parts = []
    for field in fields(config):
        value = getattr(config, field.name)
        if isinstance(value, bool):
            parts += [field.name.replace("_", " ")] if value else []
        elif value not in ((), None):
            parts.append(f"{field.name.replace('_', ' ')} {_worded(value)}")
    return escaped(", ".join(parts))


def _worded(value):
    return "-".join(_worded(part) for part in value) if isinstance(value, tuple) else str(value)


def _draw(result, settings, found):
    _tell(found)
    parts = [(name, part.evaluation) for name, part in (("test", result.test), ("training", result.train)) if part]
    if parts:
        _accuracy(parts, settings, found)
    elif found.recognised is not None and settings.data is None and not result.refusal:
        _ask_for_data(found)
    if result.refusal:
        st.warning(escaped(result.refusal))
    if verdict := judged(result):
        st.warning(escaped(verdict))
    if result.spectra is not None and result.spectra.layers:
        _widest_layer(widest(result.spectra))
    elif result.no_spectra:
        st.info(escaped(result.no_spectra))
    if result.data:
        st.caption(f"{escaped(result.data)}. ± is one standard error over the examples.")
    if result.layers:
        _take_away(result, settings, found)


def _widest_layer(layer):
    if layer.bulk is None:
        st.markdown(
            f"The widest layer, {verbatim(layer.name)}, has no bulk of noise that its eigenvalues could be held against."
        )
    else:
        st.markdown(
            f"**The widest layer, {verbatim(layer.name)}: {len(layer.outliers)} of its {len(layer.eigenvalues)} eigenvalues of "
            "$W^\\top W$ lie beyond the bulk of noise.** Weights that were never trained have none."
        )
    plot(figures.layer_figure(layer), "spectrum of the widest layer")


def _take_away(result, settings, found):
    """The table of layers, and what can be downloaded."""
    import pandas as pd

    table = pd.DataFrame(list(result.layers)).drop(columns="beyond")
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "numbers": st.column_config.NumberColumn(format="localized"),
            **{name: st.column_config.NumberColumn(format="%.4g") for name in ("norm", "largest", "mean", "deviation")},
        },
    )
    take_away(
        f"checkpoint {found.choice.name}",
        {"Layers": lambda: table},
        lambda: checkpoint_notebook(settings, found),
        [escaped(note) for note in result.notes],
    )


def _accuracy(parts, settings, found):
    """What the model reaches, on what, and what was assumed."""
    with st.container(horizontal=True):
        for name, one in parts:
            error = f" ± {one.standard_error:.1%}" if one.standard_error else ""  # none where all are right
            st.metric(f"Accuracy, {one.examples:,} {name} examples", f"{one.accuracy:.1%}{error}")
    losses = ", ".join(f"{with_error(one.loss, one.loss_error)} on {name} examples" for name, one in parts)
    said = f"Loss, in nats: {losses}."
    if found.entry is None:
        guess = guessed(found) if st.session_state["hessian_data"] == OWN else None
        if guess is not None:
            said += f" The data are **guessed** from {guess.reason}: {guess.entry.title}."
        if settings.data.name == "mnist-5k":
            said += " They come from MNIST's training half, which a model of MNIST has seen."
        if settings.data.mean is None:
            said += (
                " The inputs are normalised by the mean and deviation of these examples. That is **assumed**: the file "
                "does not say what its model expects. Another choice, in the sidebar, may well score higher."
            )
    st.markdown(said)


def is_ready(found, problem, *, needs, where="the page “Hessian spectra”, tab “This checkpoint”,", missing="accuracy"):
    """Whether a model is open and a problem chosen; if not, say what to do.

    Parameters
    ----------
    found : Opened or None
    problem : object or None
        None while there are no data.
    needs, where, missing : str
        What can not be without a model, where help with one is, and what can not be without data.
    """
    if found is None:
        return False
    if found.recognised is None:
        st.warning(escaped(str(found.refusal)))
        st.info(f"{needs} a model: {where} shows near misses, and how to use your own in a notebook.")
        return False
    if problem is None:
        _ask_for_data(found, missing)
        return False
    return True


def _ask_for_data(found, missing="accuracy"):
    guess = guessed(found) if st.session_state["hessian_data"] == OWN else None
    if guess is None or guess.is_here:
        st.info(f"There is no {missing} without data: choose some in the sidebar, or upload your own.")
        return
    title, size = guess.entry.title, f"{guess.entry.bytes / 1e6:.0f} MB"
    st.info(
        f"Guessed from {guess.reason}: this model is for {title}, which is not on this server yet. Fetch it once, or choose "
        "or upload other data in the sidebar."
    )
    if st.button(f"Fetch {title} ({size})", key="fetch_guessed"):
        st.session_state[WANTED] = guess.entry.key
        st.rerun()
