"""One example after the other: how far its product or its gradient lies from the mean's, by many at once where possible."""

from dataclasses import replace

import numpy as np
import torch
from torch.func import grad, vmap
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from spectral_core.curvature.curvature_operator import PIECE, gradients
from spectral_core.curvature.data import apply_model
from spectral_core.interruption import stop_if_asked

__all__ = ["OVER", "GradientDistances", "ProductDistances", "visits"]

OVER = ("examples", "mini-batches")
AT_ONCE, VECTORS = 256, 8  # examples and vectors, at most
CACHE = 4 * 2**20  # bytes of products at once: on a CPU, more leave the caches and are several times slower
AGREE = 1e-3  # relative: a distance computed beside others this far off is that of another function


class Distances:
    """``||x_i - c||^2`` over examples or mini-batches i, for the columns c of `centre`, (k, P); a subclass says what x_i is."""

    def __init__(self, H, centre):
        self.H, self.centre, self.columns = H, centre, len(centre)
        self._parts = H.parameters.split(centre)
        self._together = None  # whether examples go side by side; not known before the first
        on_cpu, vector = H.device.type == "cpu", H.shape[0] * centre.element_size()
        graph = max(size.bytes / batch.examples for size, batch in zip(H._sizes, H.batches, strict=True))
        at_once = min(PIECE if on_cpu else H.memory, H.memory / 6) / (graph + 4 * vector)
        at_once = max(int(min(at_once, CACHE / vector) if on_cpu else at_once), 1)
        self.block = min(at_once, self.columns, VECTORS)
        self.chunk = min(max(at_once // self.block, 1), AT_ONCE)

    def _mean(self, batch):
        """``x`` of a mini-batch, (k, P)."""
        raise NotImplementedError

    def _side_by_side(self, part, tensors):
        """(m, k) distances by one call on ``(m, 1, ...)`` tensors."""
        raise NotImplementedError

    def of_mini_batch(self, pieces):
        """(k,) distances of the mean over the pieces of one mini-batch, by their shares."""
        total = sum(piece.share for piece in pieces)
        mean = sum(self._mean(piece) * (piece.share / total) for piece in pieces)
        return (mean - self.centre).square().sum(1, dtype=torch.float64).cpu().numpy()

    def of_examples(self, part):
        """(m, k) distances of the examples of a mini-batch, each as a mini-batch of its own."""
        alike = all(torch.is_tensor(leaf) and leaf.dim() and len(leaf) == part.examples for leaf in _leaves(part))
        if alike and self._together is not False:
            try:
                with self.H._lock:
                    tensors = [tensor.unsqueeze(1) for tensor in part.tensors()]
                    found = self._side_by_side(part, tensors).cpu().numpy()
                    if self._together is None:
                        first = self._one_by_one(part.part(0, 1))[0]
                        self._together = bool(np.allclose(found[0], first, rtol=AGREE, atol=AGREE * first.max()))
                if self._together:
                    return found
            except torch.OutOfMemoryError:
                raise
            except Exception:  # torch's own, of any type, for what can not be computed side by side
                self._together = False
        return self._one_by_one(part)

    def _one_by_one(self, part):
        rows = []
        for index in range(part.examples):
            stop_if_asked()
            rows.append(self.of_mini_batch([replace(part.part(index, index + 1), share=1.0)]))
        return np.stack(rows)

    def _squares(self, parts, columns=slice(None)):
        """Squared distances of parameter-shaped tensors with a first axis of k from the centre, (k,)."""
        pairs = zip(parts, self._parts, strict=True)
        return sum((part - mean[columns]).flatten(1).square().sum(1, dtype=torch.float64) for part, mean in pairs)


class ProductDistances(Distances):
    """``||B_i v - c||^2`` for rows v of `rows`, (k, P); without weight decay."""

    def __init__(self, H, rows, centre):
        super().__init__(H, centre)
        self.rows = rows

    def _blocks(self):
        for start in range(0, self.columns, self.block):
            columns = slice(start, start + self.block)
            yield columns, self.H.parameters.split(self.rows[columns])

    def _mean(self, batch):
        apply = self.H._graph(batch)
        return torch.cat([self.H.parameters.flatten(apply(v, True), leading=1) for _, v in self._blocks()])

    def _side_by_side(self, part, tensors):
        H, trace = self.H, self.H._trace(part.part(0, 1))
        given = [*(weight.detach() for weight in H._weights), *H._fixed.values()]

        def one(*tensors):
            _, kept = trace.constants([*given, *tensors])
            return torch.cat([self._squares(trace.block_product(kept, v), columns) for columns, v in self._blocks()])

        return vmap(one)(*tensors)


class GradientDistances(Distances):
    """``||dl_i/dw - c||^2``, without weight decay."""

    def _mean(self, batch):
        with torch.enable_grad(), self.H._kernels:
            value = self.H.loss(apply_model(self.H._model, batch.inputs), batch.targets)
            return self.H.parameters.flatten(gradients(value, self.H._weights, retain_graph=False))[None]

    def _side_by_side(self, part, tensors):
        H = self.H
        _, structure = tree_flatten((part.inputs, part.targets, part.extra))
        weights = tuple(weight.detach() for weight in H._weights)

        def one(*tensors):
            inputs, targets, _ = tree_unflatten(tensors, structure)

            slopes = grad(lambda weights: H.loss(H._moved(weights, inputs), targets))(weights)
            return self._squares([slope[None] for slope in slopes])

        with H._kernels:
            return vmap(one)(*tensors)


def visits(distances, *, over, examples, generator):
    """Yield ``(rows, weights, population)`` chunk by chunk: (m, k) distances of the examples, drawn without replacement,
    and what each weighs in the mean."""
    H = distances.H
    if over not in OVER:
        raise ValueError(f"the mean is over {' or '.join(OVER)}; got {over!r}.")
    if over == "examples" and not H.separable:
        raise ValueError(
            "an example has no loss of its own here (batch norm in train mode, or a loss that is no mean over examples): "
            'take over="mini-batches".'
        )
    groups = {}
    for batch in H.batches:
        groups.setdefault(batch.where, []).append(batch)
    groups, ends = list(groups.values()), np.cumsum([batch.examples for batch in H.batches])
    population = int(ends[-1]) if over == "examples" else len(groups)
    count = population if examples is None else min(int(examples), population)
    if count < 1:
        raise ValueError(f"at least one of the {over} is needed; got {examples}.")
    if count < population and generator is None:
        raise ValueError(f"{count} of {population} {over} are drawn at random: pass generator=, or take all.")
    order = np.arange(population) if generator is None else torch.randperm(population, generator=generator).numpy()
    if over == "mini-batches":
        for index in order[:count]:
            stop_if_asked()
            pieces = groups[index]
            yield distances.of_mini_batch(pieces)[None], np.array([sum(piece.share for piece in pieces)]), population
        return
    for start in range(0, count, distances.chunk):
        stop_if_asked()
        rows, weights = [], []
        for part in _merged(_chosen(H.batches, ends, np.sort(order[start : start + distances.chunk][: count - start]))):
            weight = _counts(H.loss, part)
            row = np.zeros((part.examples, distances.columns))
            if weight.any():  # where every label is ignored there is no loss
                row[weight > 0] = distances.of_examples(part.taken(torch.as_tensor(weight > 0, device=H.device)))
            rows.append(row)
            weights.append(weight)
        yield np.concatenate(rows), np.concatenate(weights), population


def _chosen(batches, ends, indices):
    """The parts of the mini-batches that hold these examples of the data."""
    places = np.searchsorted(ends, indices, side="right")
    for place in np.unique(places):
        batch = batches[place]
        inside = indices[places == place] - (ends[place] - batch.examples)
        yield batch.taken(torch.as_tensor(inside, device=batch.tensors()[0].device))


def _leaves(part):
    return tree_leaves((part.inputs, part.targets, part.extra))


def _merged(parts):
    """Parts of equal shapes joined to one."""
    alike = {}
    for part in parts:
        leaves, structure = tree_flatten((part.inputs, part.targets, part.extra))
        shapes = [
            (leaf.shape[1:], leaf.dtype)
            if torch.is_tensor(leaf) and leaf.dim() and len(leaf) == part.examples
            else id(leaf)
            for leaf in leaves
        ]
        alike.setdefault((str(structure), str(shapes)), []).append(part)
    for same in alike.values():
        trees = [(part.inputs, part.targets, part.extra) for part in same]
        join = lambda *leaves: torch.cat(leaves) if len(leaves) > 1 and torch.is_tensor(leaves[0]) else leaves[0]  # noqa: E731
        inputs, targets, extra = tree_map(join, *trees)
        yield replace(same[0], inputs=inputs, targets=targets, extra=extra)


def _counts(loss, part):
    """What each example weighs in the mean, (m,)."""
    each = (part.part(index, index + 1) for index in range(part.examples))
    return np.array([float(loss.count(one.inputs, one.targets)) for one in each])
