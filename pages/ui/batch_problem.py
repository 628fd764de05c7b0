"""Which network and which examples the tabs of "Batch-size scaling" are about, and what is known of all its data."""

from collections.abc import Iterator
from functools import partial

import streamlit as st
import torch

from pages.ui.checkpoint_tab import is_ready
from pages.ui.controls import bound
from pages.ui.curvature_problem import CurvatureProblem, operator, problem_steps
from pages.ui.data_source import choose_data
from pages.ui.jobs import Step
from pages.ui.shelf import Shelf
from pages.ui.spectrum_tab import choose_device
from spectral_core import batch_scaling

__all__ = ["OUTLIERS", "choose_problem", "choose_sizes", "full_batch", "runs_here", "sizes_within", "tell_left_out"]

MATRICES = {"HessianOperator": "Hessian", "GGNOperator": "Gauss-Newton"}
EXAMPLES = 1024  # of each part, unless more are asked for: a batch size too
OUTLIERS = 3
KNOWN = Shelf(4)  # FullBatch by problem and seed: the tabs share it
LADDER = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


def choose_problem(found, *, matrices=True) -> CurvatureProblem | None:
    """The widgets, in the place where they are called; None without a model or data. Without `matrices`: the Hessian."""
    data = choose_data(found, key_of_size="batch_examples", several=EXAMPLES)
    matrix = "HessianOperator"
    if matrices:
        matrix = bound(
            st.segmented_control,
            "Matrix",
            list(MATRICES),
            key="batch_matrix",
            default=matrix,
            required=True,
            format_func=MATRICES.get,
        )
    with st.expander("Examples and model"):
        part = bound(
            st.segmented_control,
            "Examples",
            ("training", "test"),
            key="batch_part",
            default="training",
            required=True,
            help="“All data” are these.",
        )
        decay = bound(st.number_input, "Weight decay γ, adds γI", 0.0, 10.0, 0.0, format="%.4g", key="batch_decay")
        seed = bound(st.number_input, "Seed", 0, 10**9, 0, key="batch_seed")
        dtype, device = choose_device("batch_dtype", "float32")
    if found is None or found.recognised is None or data is None:
        return None
    return CurvatureProblem(
        found.choice, data, part, matrix, weight_decay=decay, seed=int(seed), dtype=dtype, device=device
    )


runs_here = partial(is_ready, needs="Mini-batches need", missing="curvature")


def choose_sizes(key, chosen):
    """Batch sizes, ascending."""
    sizes = bound(st.multiselect, "Batch sizes", LADDER, list(chosen), key=key)
    return tuple(sorted(sizes))


def sizes_within(sizes, H):
    """Those that the data of the operator allow; ValueError where none is left."""
    N = sum(batch.examples for batch in H.batches)
    kept = [B for B in sizes if B <= N]
    if not kept:
        raise ValueError(f"There are {N:,} examples: choose a batch size up to that.")
    return kept


def tell_left_out(asked, kept) -> None:
    """Say which batch sizes there are too few examples for."""
    if left := [f"{B:,}" for B in asked if B not in kept]:
        st.caption(f"Left out, as there are fewer examples: B = {', '.join(left)}.")


def full_batch(problem: CurvatureProblem, *, share=1.0) -> Iterator[Step]:
    """Steps up to fraction `share`, whose return value is ``(operator, FullBatch)``: computed, or as another tab left it."""
    for fraction in problem_steps(problem):
        yield Step(0.0, note=f"fetching the data, {fraction:.0%}")
    yield Step(0.0, note="looking at model, data and loss")
    H, known = operator(problem), KNOWN.get(problem)
    if known is None:
        generator = torch.Generator().manual_seed(problem.seed)
        for fraction, note, known in batch_scaling.full_batch_steps(H, outliers=OUTLIERS, generator=generator):
            yield Step(share * fraction, note=note)
        KNOWN.put(problem, known)
    return H, known
