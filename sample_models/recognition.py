"""Which model the tensors of a checkpoint belong to: by shapes and order, whatever the names."""

from dataclasses import dataclass, fields, replace

import torch

from sample_models import from_shapes, registry
from sample_models.matching import matched
from sample_models.near_misses import Miss, nearest_misses
from sample_models.state_dicts import natural_order
from sample_models.wording import described, unequal, worded

__all__ = ["Miss", "NotRecognised", "Recognised", "recognise"]

_UNSEEN = ("activation", "pooling", "heads", "pooled_after", "padded")  # fields of a Config that no shape tells
_HEADS = ("n_head", "num_heads", "heads", "nhead", "num_attention_heads")


@dataclass(frozen=True, eq=False)
class Recognised:
    """A model with the weights of a checkpoint in place, in evaluation mode.

    Attributes
    ----------
    model : torch.nn.Module
    architecture : str
        A key of `registry.ARCHITECTURES`, or "from shapes".
    config : Config of the architecture
    names : dict of str to str
        Tensor of the model -> tensor of the checkpoint.
    notes : tuple of str
        What was assumed, a sentence each.
    alternatives : tuple of (str, Config)
        What else the tensors fit.
    """

    model: torch.nn.Module
    architecture: str
    config: object
    names: dict
    notes: tuple
    alternatives: tuple

    @property
    def readings(self):
        """What the tensors can be read as: words -> the arguments of `recognise` that say so (heads aside)."""
        found, configs = {}, {}
        for name, config in ((self.architecture, self.config), *self.alternatives):
            configs.setdefault(name, []).append(config)
        for name, (first, *others) in configs.items():
            vary = dict.fromkeys(option for other in others for option in unequal(other, first) if option != "heads")
            for config in (first, *others):
                words = described(name, config, [option for option in vary if option in unequal(config, first)])
                found.setdefault(words, {"architecture": name} | {option: getattr(config, option) for option in vary})
        return found


class NotRecognised(ValueError):
    """No architecture has these tensors; `misses` are the nearest, the nearest first."""

    def __init__(self, sentence, misses=()):
        super().__init__(sentence)
        self.misses = tuple(misses)


def recognise(checkpoint, *, architecture=None, image=None, **hints):
    """Find the architecture whose tensors have the shapes of a checkpoint's, in their order, and put the weights in.

    Tried in turn: an architecture of `registry.ARCHITECTURES` with the same shapes in the same order; with the
    same shapes in another order, each weight, bias and statistic matched to its kind (files that sort their names);
    a row of layers built from the shapes alone (`from_shapes`). Names decide only between equals.

    Parameters
    ----------
    checkpoint : Checkpoint or dict of str to torch.Tensor
    architecture : str, optional
        Accept this one only; "from shapes" for a row of layers.
    image : int, optional
        Side of the images, where convolutions are flattened; by default 28 for one channel, else 32.
    **hints
        Fields of a Config that shapes do not tell, such as ``activation="tanh"``, ``pooling="average"``, ``heads=6``, or
        that choose between models of the same shapes, such as ``preactivation=True``.

    Raises
    ------
    NotRecognised
        A ValueError that names the nearest miss and its first difference; all are in its `misses`.
    ValueError
        A hint that no architecture which fits has, or with which none fits.

    Examples
    --------
    >>> import torch
    >>> found = recognise({"fc1.weight": torch.ones(3, 4), "fc2.weight": torch.ones(2, 3)}, activation="tanh")
    >>> found.architecture, found.config.widths, found.config.activation
    ('mlp', (4, 3, 2), 'tanh')
    """
    tensors, metadata, tied = _parts(checkpoint)
    notes = _without_masks(tensors)
    if not tensors:
        raise NotRecognised("there is nothing to recognise: the checkpoint has no tensors but masks.")
    if architecture not in (None, "from shapes", *registry.ARCHITECTURES):
        known = ", ".join((*registry.ARCHITECTURES, "from shapes"))
        raise ValueError(f"there is no architecture {architecture!r}: choose one of {known}.")
    beside = [value for key, value in metadata.items() if key.split(".")[-1] in _HEADS]
    heads = next((value for value in beside if type(value) is int and value > 0), None)
    matches = _all_matches(tensors, tied, architecture, image, heads)
    suited = [match for match in matches if all(_has(match[2], hint) for hint in hints)]
    if matches and not suited:
        known = sorted({field.name for match in matches for field in fields(match[2])})
        raise ValueError(
            f"no model with these tensors has an option {next(iter(hints))!r}: there are {', '.join(known)}."
        )
    chosen = {option: value for option, value in hints.items() if option not in _UNSEEN}
    fitting = [m for m in suited if all(getattr(m[2], option) == value for option, value in chosen.items())]
    if suited and not fitting:
        asked = ", ".join(f"{option} = {value!r}" for option, value in chosen.items())
        raise ValueError(f"these tensors fit {suited[0][1]}, but not with {asked}.")
    if fitting:
        suited = sorted(fitting, key=lambda match: image is not None and getattr(match[2], "image", image) != image)
        _, name, config, order = suited[0]
        config = replace(config, **hints)
        if heads is not None and _has(config, "heads") and "heads" not in hints and config.width % heads == 0:
            config, hints = replace(config, heads=heads), {**hints, "heads": heads}
        model = _filled(name, config, order, tensors)
        others = tuple((other, c) for _, other, c, _ in suited[1:] if name == "from shapes" or other != "from shapes")
        notes += _assumptions(name, config, order, tensors, hints, others)
        return Recognised(model, name, config, order, tuple(notes), others)
    misses = nearest_misses(tensors, architecture)
    raise NotRecognised(_sentence(misses), misses)


def _parts(checkpoint):
    if isinstance(checkpoint, dict):
        return {name: value for name, value in checkpoint.items() if value.is_floating_point()}, {}, ()
    return dict(checkpoint.tensors), checkpoint.metadata, checkpoint.tied


def _without_masks(tensors):
    """Take out scalars and causal masks (buffers of attention, ones below the diagonal), in place; a note on them."""
    masks = [
        name
        for name, value in tensors.items()
        if value.ndim == 4 and value.shape[:2] == (1, 1) and value.shape[2] == value.shape[3] > 3
        if torch.equal(value, torch.ones_like(value).tril())
    ]
    for name in [*masks, *(name for name, value in tensors.items() if value.ndim == 0)]:
        del tensors[name]
    return [f"Left out: {len(masks)} causal masks, which are no weights."] if masks else []


def _all_matches(tensors, tied, architecture, image, heads):
    """``(rank, architecture, Config, order)`` of all that fit, the likeliest first: named ones, then rows of layers.

    Tried in turn until something fits: the order of the file, the usual order of modules, both again matched loosely.
    """
    usual = {name: tensors[name] for name in natural_order(tensors)}
    attempts = [(each, loosely) for loosely in (False, True) for each in (tensors, usual)]
    matches = []
    if architecture != "from shapes":
        for each, loosely in attempts:
            matches = matches or _matches(_named_guesses(each, architecture, heads), each, tied, image, loosely)
    if architecture == "from shapes" or (architecture is None and all(rank[0] for rank, *_ in matches)):
        rows = []
        for each, loosely in attempts:
            configs = () if rows else from_shapes.candidates({name: v.shape for name, v in each.items()}, image=image)
            rows = rows or _matches([("from shapes", config) for config in configs], each, tied, image, loosely)
        matches = sorted(matches + rows, key=lambda match: match[0])
    return matches


def _named_guesses(tensors, architecture, heads):
    """Pairs (architecture, Config) that the shapes suggest, with the number of heads where it is known."""
    found = {}
    for name, config in registry.candidates([tuple(value.shape) for value in tensors.values()]):
        if architecture in (None, name):
            found[name, config] = None
            if heads and _has(config, "heads") and config.width % heads == 0:
                found[name, replace(config, heads=heads)] = None
    return list(found)


def _matches(guesses, tensors, tied, image, loosely):
    matches = []
    for name, config in guesses:
        order = matched(_expected(name, config), tensors, tied, loosely)
        if order is not None:
            matches.append((_rank(name, config, order, image), name, config, order))
    return sorted(matches, key=lambda match: match[0])


def _build(name, config):
    if name == "from shapes":
        return from_shapes.build(config)
    return registry.ARCHITECTURES[name].build(config)


def _expected(name, config):
    """Shapes of the model's tensors by name, in order, without scalars, of a tied pair the first."""
    with registry.Undrawn(), torch.device("meta"):
        model = _build(name, config)
    state, seen, expected = model.state_dict(keep_vars=True), set(), {}
    for key, value in state.items():
        if value.ndim and id(value) not in seen:
            expected[key] = tuple(value.shape)
        seen.add(id(value))
    return expected


def _rank(name, config, order, image):
    """Unlikely poolings last; then rows of layers; then the fewer names agree; then the order of the registry."""
    side = image or (28 if getattr(config, "channels", 3) == 1 else 32)
    unlikely = name == "vgg" and config.pooled > 1 and side // 2 ** len(config.stages) != config.pooled
    agree = sum(key.split(".")[-2:] == other.split(".")[-2:] for key, other in order.items())
    whole = sum(key == other for key, other in order.items())
    return unlikely, name == "from shapes", -whole, -agree


def _has(config, option):
    return any(field.name == option for field in fields(config))


def _filled(name, config, order, tensors):
    """The model with the tensors in place, in evaluation mode; float64 where they all are."""
    with registry.Undrawn():
        model = _build(name, config)
    if all(tensors[other].dtype == torch.float64 for other in order.values()):
        model = model.double()
    state = model.state_dict()
    with torch.no_grad():
        for key, other in order.items():
            state[key].copy_(tensors[other])
    return model.eval()


def _assumptions(name, config, order, tensors, hints, others):
    """A sentence on each thing that shapes do not tell."""
    notes = []
    if name == "from shapes":
        notes.append(
            "Built from the shapes alone, as layers in a row: compare the accuracy to see whether that is right."
        )
    assumed = [field.name for field in fields(config) if field.name in _UNSEEN and field.name not in hints]
    if name == "from shapes" and not config.image:
        assumed = [option for option in assumed if option == "activation"]
    if assumed:
        listed = ", ".join(f"{option.replace('_', ' ')} {worded(getattr(config, option))}" for option in assumed)
        notes.append(f"Assumed, for no shape tells it: {listed}.")
    if list(order.values()) != [other for other in tensors if other in set(order.values())]:
        notes.append(
            "The tensors are not in the model's order in the file: equal shapes were matched by their names' order."
        )
    if others:
        other, other_config = others[0]
        options = unequal(other_config, config) if other == name else ()
        notes.append(f"The shapes fit {described(other, other_config, options)} as well.")
    return notes


def _sentence(misses):
    if not misses:
        return (
            "these tensors are of no architecture known here, nor layers in a row: build the model and load it there."
        )
    nearest = misses[0]
    more = f" (and {nearest.wrong - 1} more tensors)" if nearest.wrong > 1 else ""
    what = f"nearest is {nearest.architecture}, but {nearest.differences[0]}{more}"
    return f"these tensors are of no architecture known here: {what}."
