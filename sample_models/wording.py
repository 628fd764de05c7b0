"""What a Config says, in words."""

from dataclasses import fields

__all__ = ["described", "unequal", "worded"]


def unequal(config, other):
    """Names of the fields in which two Configs of one class differ."""
    return [field.name for field in fields(config) if getattr(config, field.name) != getattr(other, field.name)]


def described(name, config, options):
    """An architecture and some of its options, in words.

    >>> from sample_models.registry import configure
    >>> described("resnet", configure("resnet", preactivation=True), ["preactivation", "depth"])
    'resnet with preactivation, depth 20'
    """
    parts = []
    for option in options:
        words, value = option.replace("_", " "), getattr(config, option)
        parts.append(("" if value else "no ") + words if isinstance(value, bool) else f"{words} {worded(value)}")
    return f"{name} with {', '.join(parts)}" if parts else name


def worded(value):
    """The value of an option."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join("-".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in value) or "none"
    return str(value)
