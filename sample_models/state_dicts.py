"""Where in a loaded file the weights are: state dicts under any key, copies by averaging, prefixes of wrappers."""

import re

import torch

__all__ = ["choices_in", "natural_order", "plain_data", "prefer", "without_wrappers"]

# keys that the field saves weights under, most usual first
_KEYS = (
    *("state_dict", "model_state_dict", "model_state", "model_states", "model", "net", "network", "module", "params"),
    *("weights", "model_weights", "state", "net_state_dict", "model_dict", "generator", "backbone", "encoder"),
)
_BESIDE = re.compile(
    r"optim|sched|scaler|rng|callback|loops|hyper_param|hparams|criterion|loss_fn|metrics?$|^loss", re.I
)
_AVERAGE = re.compile(
    r"(?<![^._ ])(ema|swa|avg|averaged?|shadow|teacher|polyak|momentum|target)(?![^._ ])", re.IGNORECASE
)
_WRAPPERS = ("module", "model", "net", "_orig_mod", "network")
_INNER = re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_PLACES = (
    r"wte|tok|word|embed|encoder(\.|$)",
    r"wpe|pos",
    r"stem|(conv|bn|norm|patch_embed)_?[01]?$(?<!bn)(?<!norm)",
    r"$^",
    r"(ln_f|bn|norm|final_\w*norm)$",
    r"lm_head|head|classifier|decoder(\.|$)|fc\d*$|linear\d*$|out",
)
_LEAVES = ("weight_ih", "weight_hh", "weight", "bias_ih", "bias_hh", "bias", "running_mean", "running_var")
_DEEPEST, _MOST = 6, 50_000


def choices_in(tree):
    """State dicts of a loaded object by their path: ``{"state_dict": {name: tensor}, "ema": {...}}``, in file order.

    A state dict is a mapping of names to tensors; a mapping of few tensors beside a larger one (the mean and standard
    deviation of the data, say) is not counted.
    """
    found, seen, queue = {}, set(), [("", tree, 0)]
    while queue and len(seen) < _MOST:
        path, node, depth = queue.pop(0)
        if id(node) in seen or depth > _DEEPEST:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            pairs = [(key, value) for key, value in dict.items(node) if isinstance(key, (str, int))]
        elif isinstance(node, (list, tuple)):
            pairs = list(enumerate(node))
        else:
            continue
        tensors = {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, torch.Tensor)}
        if any(value.is_floating_point() for value in tensors.values()):
            found[path] = tensors
        below = [
            (f"{path}.{key}".lstrip("."), value, depth + 1) for key, value in pairs if not _BESIDE.search(str(key))
        ]
        queue.extend(item for item in below if isinstance(item[1], (dict, list, tuple)))
    counts = {path: sum(value.numel() for value in tensors.values()) for path, tensors in found.items()}
    large = {path: tensors for path, tensors in found.items() if 100 * counts[path] >= max(counts.values())}
    return {label: part for path, tensors in large.items() for label, part in _copies(path, tensors).items()}


def _copies(path, tensors):
    """One state dict, or two where an average of all its tensors is kept beside them (``model.``, ``ema_model.``)."""
    groups = {}
    for name, value in without_wrappers(tensors)[0].items():
        first, _, rest = name.partition(".")
        groups.setdefault(first, {})[rest] = value
    label = path or "weights"
    shapes = {first: [(rest, value.shape) for rest, value in group.items()] for first, group in groups.items()}
    for first, group in groups.items():
        twins = [other for other in groups if other != first and shapes[other] == shapes[first]]
        if _AVERAGE.search(first) and twins and "" not in group:
            rest = {other: part for other, part in groups.items() if other != first}
            plain = {f"{o}.{name}".rstrip("."): value for o, part in rest.items() for name, value in part.items()}
            return {label: plain, f"{label}: {first}": group}
    return {label: tensors}


def prefer(labels):
    """The label that people mean: no average, a usual key, the first."""

    def rank(label):
        last = label.split(": ")[0].rsplit(".", 1)[-1]
        usual = _KEYS.index(last) if last in _KEYS else len(_KEYS)
        return bool(_AVERAGE.search(label)), usual

    return min(labels, key=rank)


def without_wrappers(tensors):
    """Names without ``module.``, ``model.``, ``net.``, ``_orig_mod.`` and their nests; what was taken off; what was left.

    Tensors outside of a wrapper that holds every matrix (a loss, the counter of an average) are left out.

    Returns
    -------
    tensors : dict
    prefixes : tuple of str
    others : tuple of str
        Names of the tensors left out.
    """
    prefixes, others = [], []
    shorter = {_INNER.sub("", name): value for name, value in tensors.items()}
    if len(shorter) == len(tensors) and list(shorter) != list(tensors):
        prefixes.append("_orig_mod.")
        tensors = shorter
    while True:
        heads = {name.partition(".")[0] for name, value in tensors.items() if value.ndim >= 2}
        head = next(iter(heads)) if len(heads) == 1 else ""
        inside = {name[len(head) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{head}.")}
        if head not in _WRAPPERS:
            return tensors, tuple(dict.fromkeys(prefixes)), tuple(others)
        others += [name for name in tensors if not name.startswith(f"{head}.")]
        prefixes.append(f"{head}.")
        tensors = inside


def natural_order(names):
    """Names in the usual order of modules, for files that keep none.

    Embeddings and stem first, last norm and head last, numbers by value, weight before bias before statistics.

    >>> natural_order(["fc.weight", "10.bias", "10.weight", "2.weight", "conv1.weight"])
    ['conv1.weight', '2.weight', '10.weight', '10.bias', 'fc.weight']
    """

    def key(name):
        module, _, leaf = name.rpartition(".")
        place = next(
            (k for k, pattern in enumerate(_PLACES) if re.match(pattern, module.rpartition("transformer.")[2])), 3
        )
        parts = [part for part in re.split(r"(\d{1,9})|\.", module) if part]
        numbers = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
        layer = leaf[leaf.rfind("_l") + 2 :] if "_l" in leaf else ""  # of torch.nn.LSTM: weight_ih_l0
        kind = next((k for k, start in enumerate(_LEAVES) if leaf.startswith(start)), len(_LEAVES))
        return place, numbers, int(layer) if layer.isdecimal() else 0, kind, leaf

    return sorted(names, key=key)


def plain_data(tree):
    """Numbers and short strings in the first two levels of a file, such as ``epoch`` and ``config.heads``, by path."""
    found = {}
    queue = [("", tree)]
    for path, node in queue:
        if not isinstance(node, dict):
            continue
        for key, value in list(dict.items(node))[:200]:
            value = getattr(value, "number", value)
            label = f"{path}.{key}"[1:61] if isinstance(key, str) else ""
            if isinstance(value, torch.Tensor) and value.numel() == 1 and not path:
                value = value.item()
            if isinstance(value, dict) and not path and label:
                queue.append((f".{label}", value))
            is_plain = isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= 200)
            if label and is_plain and len(found) < 100:
                found[label] = value
    return found
