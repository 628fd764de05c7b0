"""Kernels without the derivatives that curvature needs, replaced call by call by ones that have them."""

import inspect
import threading
from contextlib import contextmanager

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["DIFFERENTIATION", "DifferentiableKernels"]

# Forward-mode levels, tracing and the switches of torch.backends belong to the process, not to a thread.
DIFFERENTIATION = threading.RLock()

DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)
MULTI_HEAD = inspect.signature(F.multi_head_attention_forward)
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}


class DifferentiableKernels(TorchFunctionMode):
    """Inside, every operation has a second derivative, by backward and by forward mode.

    Of this thread only: nothing global is switched but mkldnn and cuDNN around a recurrent layer, under one lock.

    - fused attention becomes ``softmax(Q K.T / sqrt(d) + mask) V``, `torch.nn.MultiheadAttention` included;
    - fused recurrent layers become their steps;
    - the mean squared error is written out (torch's own breaks forward mode);
    - dropout that the model asks for in evaluation too is left out.

    Attributes
    ----------
    replaced : dict of str
        What has been replaced so far, one sentence each (a dict as an ordered set).

    Examples
    --------
    >>> q = torch.ones(1, 2, 4)
    >>> with DifferentiableKernels() as kernels:
    ...     attended = F.scaled_dot_product_attention(q, q, q)
    >>> list(kernels.replaced)
    ['Fused attention was replaced by its formula, which has a second derivative.']
    """

    def __init__(self):
        super().__init__()
        self.replaced = {}

    def _note(self, sentence):
        self.replaced[sentence] = None

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is F.scaled_dot_product_attention:
            self._note("Fused attention was replaced by its formula, which has a second derivative.")
            return _attention(*args, **kwargs)
        if function is F.multi_head_attention_forward:
            self._note("Fused attention was replaced by its formula, which has a second derivative.")
            call = MULTI_HEAD.bind(*args, **kwargs)
            asked = call.arguments.get("need_weights", True)
            call.arguments["need_weights"] = True  # then it multiplies matrices, as the formula says
            attended, weights = function(*call.args, **call.kwargs)
            return attended, weights if asked else None
        if function is F.mse_loss:
            return _squared_error(*args, **kwargs)
        if function in DROPOUTS and kwargs.get("training", args[2] if len(args) > 2 else True):
            self._note("Dropout that is on in evaluation too was left out.")
            return args[0] if args else kwargs["input"]
        if getattr(function, "__name__", "") in RECURRENT:
            self._note("Fused recurrent layers were replaced by their steps, which have a second derivative.")
            with DIFFERENTIATION, _no_fused_recurrence():
                return function(*args, **kwargs)
        return function(*args, **kwargs)


@contextmanager
def _no_fused_recurrence():
    """mkldnn's and cuDNN's recurrent kernels off; both switches are the process's."""
    before = [backend.enabled for backend in (torch.backends.mkldnn, torch.backends.cudnn)]
    try:
        torch.backends.mkldnn.enabled = torch.backends.cudnn.enabled = False
        yield
    finally:
        torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled = before


def _attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """``softmax(Q K.T scale + mask) V`` without dropout; a boolean mask is True where attention may go."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=query.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return scores.softmax(-1) @ value


def _squared_error(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    squares = (input - target) ** 2
    if weight is not None:
        squares = squares * weight
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}[reduction](squares)
