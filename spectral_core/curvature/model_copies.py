"""The module that a curvature operator works on: a copy of its own, with fixed behaviour, and notes of what changed."""

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from spectral_core.curvature.examination import first_line
from spectral_core.curvature.parameters import select_parameters

__all__ = ["BATCH_NORM", "prepared_copy"]

BATCH_NORM = ("eval", "train")
DTYPES = (torch.float32, torch.float64)
WRAPPERS = {"_orig_mod": "torch.compile", "module": "a parallel wrapper"}


def prepared_copy(model, parameters=None, *, batch_norm="eval", dtype=None, device=None):
    """A deep copy of `model` that is a fixed, twice differentiable function of its parameters.

    Dropout off. Batch norm by the stored statistics ("eval") or by those of each mini-batch ("train"), whose buffers are
    then never written. Only the chosen parameters require a gradient. The caller's model stays as it is.

    Parameters
    ----------
    model : nn.Module
    parameters : as in `select_parameters`
    batch_norm : {"eval", "train"}
    dtype : torch.float32 or torch.float64, optional
        Default: that of the parameters; half precisions become float32.
    device : optional
        Default: that of the first parameter chosen.

    Returns
    -------
    copy : nn.Module
    parameters : Parameters
    notes : tuple of str

    Raises
    ------
    ValueError
        No module, no float parameters, another mode of batch norm, or a module that can not be copied.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"the model must be a torch.nn.Module; got {type(model).__name__}: wrap the function in one.")
    if batch_norm not in BATCH_NORM:
        raise ValueError(f'batch_norm is "eval" or "train"; got {batch_norm!r}.')
    notes = []
    for attribute, wrapper in WRAPPERS.items():
        inside = model._modules.get(attribute)
        wraps = attribute == "_orig_mod" or isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel)
        if inside is not None and wraps:
            model = inside
            notes.append(f"The model was taken out of {wrapper}.")
    chosen = select_parameters(model, parameters)
    notes.extend(chosen.notes)
    try:
        duplicate = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"the model can not be copied, and a run needs a copy of its own: {first_line(error)}"
        ) from error
    tensors = dict(duplicate.named_parameters())
    first = tensors[chosen.names[0]]
    if dtype is None:
        dtype = torch.promote_types(first.dtype, torch.float32)
        if dtype != first.dtype:
            notes.append(f"The model is in {_plain(first.dtype)} and is computed with in {_plain(dtype)}.")
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be float32 or float64; got {dtype}.")
    duplicate.to(dtype=dtype, device=device or first.device).eval()
    notes.extend(_fix_modules(duplicate, batch_norm))
    for name, tensor in duplicate.named_parameters():
        tensor.requires_grad_(name in chosen.names)
        tensor.grad = None
    return duplicate, chosen, tuple(notes)


def _fix_modules(model, batch_norm):
    notes, normalised, dropped = [], 0, 0
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            normalised += 1
            if batch_norm == "train":  # without running statistics it takes the batch's, and writes nothing
                module.running_mean = module.running_var = module.num_batches_tracked = None
                module.track_running_stats = False
        elif isinstance(module, nn.modules.dropout._DropoutNd):
            dropped += module.p > 0
        elif isinstance(module, nn.RNNBase):
            module.__class__ = _with_own_weights(type(module))
        if getattr(module, "inplace", False) is True:
            module.inplace = False
    if dropped:
        notes.append(f"Dropout is off in {dropped} modules.")
    if normalised:
        by = "stored statistics" if batch_norm == "eval" else "statistics of each mini-batch"
        notes.append(f"Batch norm in {normalised} modules normalises by the {by}.")
    return notes


def _with_own_weights(kind):
    """A recurrent layer whose list of weights is read from its parameters, so that `functional_call` may replace them."""
    return type(
        kind.__name__,
        (kind,),
        {
            "_flat_weights": property(
                lambda self: [getattr(self, name) for name in self._flat_weights_names], lambda *_: None
            )
        },
    )


def _plain(dtype):
    return str(dtype).removeprefix("torch.")
