"""The activations a Config may name."""

from torch import nn

__all__ = ["ACTIVATIONS", "activation", "check_positive"]

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}


def activation(name):
    """A new module of the activation `name`, out of place.

    Raises ValueError for a name that is not in `ACTIVATIONS`.

    >>> activation("tanh")
    Tanh()
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"there is no activation {name!r}: choose one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]()


def check_positive(**sizes):
    """ValueError unless each size, or each entry of a tuple of sizes, is a whole number of at least 1."""
    for name, value in sizes.items():
        entries = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(entry, int) and not isinstance(entry, bool) and entry >= 1 for entry in entries):
            raise ValueError(f"{name} must be of whole numbers from 1 on; got {value!r}.")
