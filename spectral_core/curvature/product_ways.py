"""How products are computed: which of three ways costs least for so many products within so much memory."""

from dataclasses import dataclass

__all__ = ["WAYS", "GraphSize", "Plan", "choose", "tracing_seconds"]

WAYS = ("recomputed", "retained", "linearised")

# One product with a mini-batch in gradients: recomputed by autograd; retained; linearised; recomputed by its trace. Medians over
# convolutional networks on one core. They decide between ways to one result, so rough ones do.
COSTS = {"hessian": (3.5, 2.1, 1.6, 3.0), "gauss-newton": (2.1, 2.0, 1.2, 2.4)}
AUTOGRAD_WORKING = 1.5  # bytes taken while a graph is differentiated, of what it holds
SECONDS_PER_NODE = 2e-5  # of the autograd graph, in one gradient
SECONDS_PER_BYTE = 1.5e-9  # that the graph retains, in one gradient
TRACE_PER_NODE = {"hessian": 8e-3, "gauss-newton": 4e-3}  # seconds to trace, per node of the autograd graph


@dataclass(frozen=True)
class GraphSize:
    """What a mini-batch's autograd graph takes: bytes retained, and number of nodes."""

    bytes: int
    nodes: int

    @property
    def seconds(self):
        """About the time of one gradient."""
        return self.nodes * SECONDS_PER_NODE + self.bytes * SECONDS_PER_BYTE


@dataclass(frozen=True)
class Plan:
    """The way that products are computed, and why.

    Attributes
    ----------
    way : {"recomputed", "retained", "linearised"}
        The derivatives' graph anew for each product; kept; or reduced to what depends on the vector.
    kept : int
        Mini-batches whose graph or linearisation is kept; the others are recomputed.
    memory : int
        Bytes at most, held between products and taken by one, beyond the data's: counted operation by operation where
        `traced`, else a bound.
    traced : bool
        Whether what is recomputed or kept is a trace; else autograd's graph.
    reason : str
        One sentence.
    gradients : float
        About what one product costs, in gradients over the data.
    """

    way: str
    kept: int
    memory: int
    traced: bool
    reason: str
    gradients: float


def choose(sizes, kind, products, memory, *, traces=None, way=None):
    """The cheapest way for so many products.

    Parameters
    ----------
    sizes : list of GraphSize
        One a mini-batch.
    kind : {"hessian", "gauss-newton"}
    products : int
        Expected.
    memory : int
        Bytes that may be taken.
    traces : list of (int, int), optional
        Bytes that each mini-batch's linearisation holds, and takes while it works, once they are known; [] where no trace is
        possible.
    way : str, optional
        Take this one of `WAYS`, if anything of it fits.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        Not even one mini-batch fits; a way that there is not.
    """
    if way is not None and way not in WAYS:
        raise ValueError(f"products go one of the ways {', '.join(WAYS)}; got {way!r}.")
    largest = max(size.bytes for size in sizes)
    working = int(AUTOGRAD_WORKING * largest)
    if largest + working > memory:
        raise ValueError(
            f"one mini-batch takes {_mebibytes(largest + working)} to differentiate twice and {_mebibytes(memory)} are allowed: "
            "pass smaller mini-batches, or raise memory=."
        )
    anew, retained, linearised, retraced = COSTS[kind]
    gradients = sum(size.seconds for size in sizes)
    plans = []

    def consider(name, holding, working, cost, other, set_up):
        kept, taken = 0, 0
        for need in holding:
            beside = largest if kept + 1 < len(sizes) else 0  # what is not kept is recomputed beside what is
            if taken + need + beside + working > memory:
                break
            kept, taken = kept + 1, taken + need
        inside = sum(size.seconds for size in sizes[:kept])
        seconds = products * (cost * inside + other * (gradients - inside)) + set_up + (other - cost) * inside
        beside = largest if kept < len(sizes) else 0
        mean = (cost * inside + other * (gradients - inside)) / gradients
        plans.append((seconds, name, kept, int(taken + beside + working), mean))

    consider("recomputed", [], working, anew, anew, 0.0)
    consider("retained", [size.bytes for size in sizes], working, retained, anew, 0.0)
    traces = [(size.bytes, working) for size in sizes] if traces is None else traces
    if traces:
        holding, working = [held for held, _ in traces], max(work for _, work in traces)
        largest = max(holding)
        consider("linearised", holding, working, linearised, retraced, tracing_seconds(sizes, kind))
    asked = [plan for plan in plans if plan[1] == way]
    _, name, kept, taken, mean = min(asked or plans, key=lambda plan: plan[0])
    return Plan(
        name if kept else "recomputed",
        kept,
        taken,
        name == "linearised",
        f"{kept} of {len(sizes)} mini-batches are kept within {_mebibytes(memory)}; {products} products are expected.",
        mean,
    )


def tracing_seconds(sizes, kind):
    """About the time that tracing a product takes, once."""
    return TRACE_PER_NODE[kind] * max(size.nodes for size in sizes)


def _mebibytes(count):
    return f"{count / 2**20:.0f} MiB"
