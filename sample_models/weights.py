"""From a state dict to tensors to compute with: wrappers taken off, widened, finite, ties found."""

import torch

from sample_models.file_kinds import DATA, SAVE, Refused, listed, shortened
from sample_models.state_dicts import without_wrappers

__all__ = ["prepared"]


def prepared(tensors, notes):
    """Floating tensors in float32 or float64, named without wrappers, finite; and the pairs of names that are tied."""
    tensors, prefixes, others = without_wrappers(tensors)
    if prefixes:
        notes.append(f"Taken off the names: {' '.join(prefixes)}")
    if others:
        notes.append(f"Left out, beside the model: {listed(others)}.")
    _refuse_data(tensors)
    tensors = dict(tensors)
    found, first_with, tied, widened, integers, masks = {}, {}, [], set(), [], []
    for name in list(tensors):
        tensor = tensors.pop(name).detach()
        if name.endswith("num_batches_tracked"):
            continue
        if not tensor.is_floating_point():
            integers.append(name)
            continue
        place = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        if tensor.numel() > 1 and (first := first_with.get(place)) in found:
            tied.append((first, name))
            found[name] = found[first]
            continue
        first_with[place] = name
        if _is_finite(name, tensor, masks):
            if tensor.dtype not in (torch.float32, torch.float64):
                widened.add(str(tensor.dtype).removeprefix("torch."))
                tensor = tensor.to(torch.float32)
            found[name] = tensor
    if widened:
        notes.append(f"Converted from {' and '.join(sorted(widened))} to float32.")
    if integers:
        notes.append(f"Left out, not of floating point: {listed(integers)}.")
    if masks:
        notes.append(f"Left out as masks, their numbers being 0 and minus infinity: {listed(masks)}.")
    for first, second in tied:
        notes.append(f"{shortened(second)} is tied to {shortened(first)}: one tensor under two names.")
    if not found:
        raise Refused(f"holds no tensors of floating point: {SAVE}")
    return found, tuple(tied)


def _is_finite(name, tensor, masks):
    """False for an additive mask (0 and minus infinity), which is a buffer; NaN and infinity elsewhere are refused."""
    if tensor.numel() == 0:
        return True
    low, high = torch.aminmax(tensor.float() if tensor.element_size() < 4 else tensor)
    if torch.isfinite(low) and torch.isfinite(high):
        return True
    if low == -torch.inf and high == 0 and bool(((tensor == 0) | torch.isinf(tensor)).all()):
        masks.append(name)
        return False
    what = "NaN" if torch.isnan(low) else "infinite numbers"
    raise Refused(
        f"holds {what} in {shortened(name)}, as after a training run that diverged: choose the checkpoint of an earlier epoch"
    )


def _refuse_data(tensors):
    """One label an example: integers as many as another tensor has rows, and no name that weights have."""
    labels = {len(value) for value in tensors.values() if value.ndim == 1 and not value.is_floating_point()}
    rows = {len(value) for value in tensors.values() if value.ndim >= 2}
    if labels & rows - {0} and not any(name.endswith(("weight", "bias", "kernel")) for name in tensors):
        raise Refused(f"is a data set and not weights (it holds {listed(tensors)}): {DATA}")
