"""The loss at points of a line or plane of weight space: in blocks of points where the network is small, else one by one."""

import threading
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from spectral_core.curvature.data import apply_model, model_arguments, read_batches
from spectral_core.curvature.examination import FEW, check_repeatable, checked_loss, checked_outputs
from spectral_core.curvature.losses import CrossEntropy, as_loss
from spectral_core.curvature.model_copies import prepared_copy
from spectral_core.interruption import stop_if_asked
from spectral_core.landscapes.batch_statistics import normalisers, recompute
from spectral_core.landscapes.directions import as_directions
from spectral_core.landscapes.example_losses import example_counts, example_losses, is_decomposed, misclassified
from spectral_core.results import frozen

__all__ = ["BATCH_NORM", "LossSurface", "Values"]

BATCH_NORM = ("eval", "recomputed")
BLOCK = 64  # points at once, in networks so small that a call costs more than its arithmetic:
SMALL = {"cpu": 2**19}  # parameters by examples, below which that pays; measured
SMALL_ELSEWHERE = 2**25
BATCHED = (nn.Linear, nn.LayerNorm, _BatchNorm)  # layers that many weights at once make no slower
AGREE = 1e-3  # relative: a loss computed beside others this far off is that of another function


@dataclass(frozen=True, eq=False)
class Values:
    """At each point: mean `loss` over the examples, its standard error `loss_error`, and the share misclassified, `error`.

    Float64 arrays of one shape. Where the loss is NaN or infinite it is kept as it is, and the error is NaN; `error` is
    None for losses that are no cross-entropy, `loss_error` NaN where examples have no losses of their own.
    """

    loss: np.ndarray
    loss_error: np.ndarray
    error: np.ndarray | None

    def __post_init__(self):
        for name in ("loss", "loss_error", "error"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else frozen(value))


class LossSurface:
    """``L(a) = (1/n) sum_i l(f(x_i, w + sum_j a_j d_j), y_i)``, on one or several data sets at the same points.

    Parameters
    ----------
    model : nn.Module
        Is copied; ``w`` are its parameters.
    loss : str, function or module
        A mean over the mini-batch, as in `curvature.as_loss`.
    data : re-iterable of (inputs, targets), or dict of str to such
        One unnamed data set, or several by name.
    directions : sequence of `Direction` or (P,) tensors
    parameters : str or iterable of str, optional
        That the directions are of, as in `curvature.select_parameters`.
    batch_norm : {"eval", "recomputed"}
        By stored statistics, or by those of the first data set at each point: a forward pass more.
    dtype, device : optional
        To compute in and on; by default the parameters' own.

    Attributes
    ----------
    names : tuple of str
        Of the data sets; ("data",) for a single one.
    passes : int
        Forward passes over a data set so far.
    notes : tuple of str

    Raises
    ------
    ValueError
        One sentence for everything in model, loss, data and directions that does not fit together.
    """

    def __init__(
        self, model, loss, data, directions, *, parameters=None, batch_norm="eval", dtype=None, device=None
    ):  # fmt: skip
        if batch_norm not in BATCH_NORM:
            raise ValueError(f'batch_norm is "eval" or "recomputed"; got {batch_norm!r}.')
        self._model, self.parameters, notes = prepared_copy(model, parameters, dtype=dtype, device=device)
        self._model.requires_grad_(False)
        tensors = dict(self._model.named_parameters())
        self._weights = [tensors[name] for name in self.parameters.names]
        self.dtype, self.device = self._weights[0].dtype, self._weights[0].device
        self.loss, self._lock, self.passes = as_loss(loss), threading.RLock(), 0
        self.directions = as_directions(directions, self.parameters)
        self.point = self.parameters.flatten(self._weights).clone()
        self._D = torch.stack([torch.from_numpy(d.vector.copy()) for d in self.directions]).to(self.point)
        self._moved_buffers = self._buffer_directions()
        named = data if isinstance(data, dict) else {"data": data}
        if not named:
            raise ValueError("data names no data set: pass one at least.")
        self.names = tuple(named)
        self._sets = [read_batches(each, self.loss, dtype=self.dtype, device=self.device) for each in named.values()]
        self._normalisers = normalisers(self._model) if batch_norm == "recomputed" else []
        self.batch_norm = batch_norm
        self.separable = self._examine()
        self._counts = [self._weigh(batches) for batches in self._sets]
        self.block, self._compared = self._block_size(), False
        self.notes = (*self._notes(notes), *(note for d in self.directions for note in d.notes))

    def _examine(self):
        with torch.no_grad():
            for batches in self._sets:
                for batch in batches:
                    few = batch.part(0, FEW)
                    checked_loss(self.loss, checked_outputs(self._model, few), few)
            first = self._sets[0][0]
            return check_repeatable(self._model, self.loss, first) and is_decomposed(
                self._model, self.loss, first.part(0, FEW)
            )

    def _weigh(self, batches):
        """``c_i`` of the examples of a data set, or of its mini-batches where examples have no losses of their own."""
        if not self.separable:
            return torch.tensor([batch.count for batch in batches], dtype=torch.float64)
        return torch.cat([example_counts(self.loss, batch) for batch in batches]).cpu()

    def _buffer_directions(self):
        """(buffer, its value at the centre, its change along each direction) of those that directions move."""
        buffers, moved = dict(self._model.named_buffers()), []
        for name in dict.fromkeys(name for d in self.directions for name in d.buffers):
            buffer = buffers[name]
            changes = [
                torch.as_tensor(np.array(d.buffers.get(name, np.zeros(buffer.shape)))).to(buffer)
                for d in self.directions
            ]
            moved.append((buffer, buffer.clone(), torch.stack(changes)))
        return moved

    def _block_size(self):
        own = [module for module in self._model.modules() if next(module.parameters(recurse=False), None) is not None]
        examples = max(batch.examples for batches in self._sets for batch in batches)
        small = len(self.point) * examples <= SMALL.get(self.device.type, SMALL_ELSEWHERE)
        plain = all(isinstance(module, BATCHED) for module in own) and not self._moved_buffers
        return BLOCK if small and plain and self.separable and not self._normalisers else 1

    def _notes(self, notes):
        if self._normalisers:
            notes = [note for note in notes if not note.startswith("Batch norm in ")]
            notes.append(
                f"Batch norm in {len(self._normalisers)} modules normalises by statistics recomputed at each point: those of "
                f"the mini-batches of the {self.names[0]} set, averaged."
            )
        if self._moved_buffers:
            notes = [*notes, "Batch-norm statistics go linearly from one checkpoint's to the other's."]
        if not self.separable:
            notes = [*notes, "Examples have no losses of their own: there is no standard error."]
        return notes

    def at(self, coordinates):
        """``{name: Values}`` at the rows of `coordinates`, (k, directions); one forward pass a row and data set."""
        rows = {name: [] for name in self.names}
        for losses in self.example_losses(coordinates):
            for name, (sums, wrong, predictions), counts in zip(self.names, losses, self._counts, strict=True):
                rows[name].append(self._summary(sums, counts, wrong, predictions))
        values = {}
        for name, found in rows.items():
            loss, loss_error, error = np.array(found, dtype=np.float64).reshape(-1, 3).T
            values[name] = Values(loss, loss_error, error if self.classifies else None)
        return values

    def _summary(self, sums, counts, wrong, predictions):
        """``L = S/C`` and ``sqrt(n/(n - 1) sum_i (s_i - L c_i)^2) / C``, the error of a ratio of means, and the error."""
        counted, total = counts > 0, counts.sum()
        n, mean = int(counted.sum()), float(sums[counted].sum() / total)
        if not np.isfinite(mean):
            return mean, np.nan, np.nan
        spread = (sums - mean * counts)[counted].square().sum()
        error = float((spread * n / (n - 1)).sqrt() / total) if n > 1 and self.separable else np.nan
        return mean, error, wrong / predictions

    def example_losses(self, coordinates):
        """At each row: for each data set ``(s, wrong, predictions)``, s float64 (examples,) on the CPU; weights in `counts`."""
        C = torch.from_numpy(np.atleast_2d(np.array(coordinates, dtype=np.float64)))
        if C.dim() != 2 or C.shape[1] != len(self._D):
            raise ValueError(
                f"a point has {len(self._D)} coordinates, one for each direction; got an array {tuple(C.shape)}."
            )
        with self._lock, torch.no_grad():
            for start in range(0, len(C), self.block):
                points = self.point + C[start : start + self.block].to(self.point) @ self._D
                if len(points) > 1:
                    together = self._together(points)
                    if together is not None:
                        yield from together
                        continue
                for row, point in enumerate(points):
                    yield self._one(point, C[start + row])

    @property
    def classifies(self):
        """Whether there is a share misclassified."""
        return isinstance(self.loss, CrossEntropy)

    @property
    def counts(self):
        """``c_i`` of the examples of each data set."""
        return dict(zip(self.names, self._counts, strict=True))

    def problem(self):
        """What decides the losses beside `point` and `directions`: pairs of what is said of it and a tensor or None."""
        yield f"{self._model} {self.batch_norm} {self.dtype}", None
        moving = {id(tensor) for tensor in self._weights} | {id(buffer) for buffer, _, _ in self._moved_buffers}
        moving |= {id(buffer) for module in self._normalisers for buffer in module.buffers()}
        for name, tensor in (*self._model.named_parameters(), *self._model.named_buffers()):
            if id(tensor) not in moving:
                yield name, tensor
        for buffer, base, changes in self._moved_buffers:
            yield "moved", base
            yield "by", changes
        function = getattr(self.loss, "function", None)
        yield f"{type(self.loss).__qualname__} {getattr(function, '__qualname__', function)}", None
        if isinstance(function, nn.Module):
            yield from function.state_dict().items()
        for name, value in vars(self.loss).items():
            if name != "function":
                yield (name, value) if torch.is_tensor(value) else (f"{name} {value}", None)
        for name, batches in zip(self.names, self._sets, strict=True):
            for batch in batches:
                yield from ((name, tensor) for tensor in batch.tensors())

    def _one(self, point, coordinates):
        for weight, value in zip(self._weights, self.parameters.split(point), strict=True):
            weight.copy_(value)
        for buffer, base, changes in self._moved_buffers:
            buffer.copy_(base + torch.tensordot(coordinates.to(changes), changes, 1))
        if self._normalisers:
            self.passes += 1
            recompute(self._model, self._normalisers, self._sets[0])
        return [self._pass(batches, lambda batch: apply_model(self._model, batch.inputs)) for batches in self._sets]

    def _pass(self, batches, run):
        self.passes += 1
        sums, wrong = [], []
        for batch in batches:
            stop_if_asked()
            outputs = run(batch)
            if self.separable:
                sums.append(example_losses(self.loss, outputs, batch.targets).double())
            else:
                sums.append((self.loss(outputs, batch.targets).double() * batch.count).reshape(1))
            wrong.append(misclassified(self.loss, outputs, batch.targets))
        return torch.cat(sums).cpu(), float(sum(wrong)), self._predictions(batches)

    def _predictions(self, batches):
        if not self.classifies:
            return 1
        return sum(_predictions(self.loss, batch.targets) for batch in batches)

    def _together(self, points):
        """All rows at once by vmap over the weights; None where torch can not, or finds other losses."""
        names = self.parameters.names

        def run(weights, batch):
            arguments, named = model_arguments(batch.inputs)
            outputs = functional_call(self._model, dict(zip(names, weights, strict=True)), arguments, named)
            return (
                example_losses(self.loss, outputs, batch.targets),
                misclassified(self.loss, outputs, batch.targets),
            )

        try:
            results = []
            for batches in self._sets:
                sums, wrong = [], []
                for batch in batches:
                    stop_if_asked()
                    s, w = vmap(lambda *weights, batch=batch: run(weights, batch))(*self.parameters.split(points))
                    sums.append(s.double())
                    wrong.append(w.double())
                sums, wrong = torch.cat(sums, 1).cpu(), sum(wrong).tolist()
                results.append((sums, wrong, self._predictions(batches)))
        except (RuntimeError, ValueError, NotImplementedError):
            self.block = 1
            return None
        if not self._compared:
            alone, beside = self._one(points[0], None)[0][0], results[0][0][0]
            self.passes -= len(self._sets)
            if torch.isfinite(alone).all():  # what overflows says nothing
                if not torch.allclose(beside, alone, rtol=AGREE, atol=AGREE * float(alone.mean())):
                    self.block = 1
                    return None
                self._compared = True
        self.passes += len(points) * len(self._sets)
        return [[(sums[k], wrong[k], count) for sums, wrong, count in results] for k in range(len(points))]


def _predictions(loss, targets):
    if targets.is_floating_point():
        return targets.numel() // targets.shape[1]
    return int((targets != loss.ignore_index).sum())
