"""Which parameters of a network a curvature matrix is of, and the one vector that they are flattened to."""

from dataclasses import dataclass

import torch

__all__ = ["Parameters", "select_parameters"]


@dataclass(frozen=True, eq=False)
class Parameters:
    """``w = (vec W_1, ..., vec W_L)``, each tensor row by row, in the order of ``model.named_parameters()``.

    Attributes
    ----------
    names : tuple of str
        Shared (tied) tensors appear once, under their first name.
    shapes : tuple of torch.Size
    notes : tuple of str
        What was left out and why, one sentence each.
    """

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]
    notes: tuple[str, ...] = ()

    @property
    def sizes(self):
        """Entries of each tensor."""
        return tuple(shape.numel() for shape in self.shapes)

    @property
    def size(self):
        """``P``: the length of the vector."""
        return sum(self.sizes)

    def slices(self):
        """``{name: slice}`` into the vector.

        >>> Parameters(("a", "b"), (torch.Size([2, 2]), torch.Size([3]))).slices()["b"]
        slice(4, 7, None)
        """
        start, slices = 0, {}
        for name, size in zip(self.names, self.sizes, strict=True):
            slices[name] = slice(start, start + size)
            start += size
        return slices

    def split(self, vector):
        """``(P,)`` -> tensors of the parameters' shapes; ``(k, P)`` -> tensors with a first axis of k."""
        leading = vector.shape[:-1]
        parts = vector.split(self.sizes, dim=-1)
        return tuple(part.reshape(*leading, *shape) for part, shape in zip(parts, self.shapes, strict=True))

    def flatten(self, tensors, leading=0):
        """The inverse of `split`; `leading` axes stay in front."""
        return torch.cat([tensor.flatten(leading) for tensor in tensors], dim=-1)


def select_parameters(model, parameters=None):
    """The parameters of `model` that are asked for.

    Parameters
    ----------
    model : nn.Module
    parameters : None, str, or iterable of str
        None takes every floating-point parameter that requires a gradient: frozen and integer ones are left out. A name is
        that of a parameter (``"conv1.weight"``) or of a module (``"layer1"``: all below it); what is named is taken,
        frozen or not. A tied tensor may go by any of its names.

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        No floating-point parameter, a complex one, or a name that nothing answers to.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    >>> select_parameters(model, "1").names
    ('1.weight', '1.bias')
    """
    canonical, aliases = {}, {}  # id -> first name; every name -> first name
    tensors = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        first = canonical.setdefault(id(tensor), name)
        aliases[name] = first
        tensors.setdefault(first, tensor)
    floating = {name: t for name, t in tensors.items() if t.is_floating_point()}
    if any(t.is_complex() for t in tensors.values()):
        raise ValueError("the model has complex parameters; only real ones are supported: split them into two parts.")
    if not floating:
        raise ValueError(
            "the model has no floating-point parameters, so its loss has no curvature: pass another model."
        )
    notes = []
    if len(floating) < len(tensors):
        notes.append(f"{len(tensors) - len(floating)} parameters that are no floating-point numbers are left out.")
    tied = len(aliases) - len(tensors)
    if tied:
        notes.append(f"{tied} shared parameters count once.")
    if parameters is None:
        chosen = [name for name, tensor in floating.items() if tensor.requires_grad]
        if not chosen:
            raise ValueError("every parameter is frozen: name those to take with parameters=, or unfreeze some.")
        frozen = len(floating) - len(chosen)
        if frozen:
            notes.append(f"{frozen} frozen parameters are left out; name them in parameters= to take them.")
    else:
        chosen = _named([parameters] if isinstance(parameters, str) else list(parameters), aliases, floating)
    return Parameters(tuple(chosen), tuple(floating[name].shape for name in chosen), tuple(notes))


def _named(asked, aliases, floating):
    """First names of all that `asked` names, in the model's order."""
    wanted = set()
    for name in asked:
        if not isinstance(name, str):
            raise ValueError(f"parameters= takes names such as 'conv1.weight' or 'layer1'; got {type(name).__name__}.")
        hits = {first for alias, first in aliases.items() if alias == name or alias.startswith(name + ".")}
        if not hits & floating.keys():
            some = ", ".join(list(aliases)[:4])
            raise ValueError(f"no floating-point parameter is called {name!r} or lies below it; there are {some}, ...")
        wanted |= hits
    if not wanted:
        raise ValueError("parameters= names none: leave it out to take all.")
    return [name for name in floating if name in wanted]
