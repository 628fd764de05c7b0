"""Graphs by name: what a list of graphs holds, a link carries and a person may type."""

import inspect
import json
import re

from pages.ui.graph_source import FUNCTIONS, MODELS, GraphChoice
from spectral_core import graphs

__all__ = ["choice_of", "name_of"]

UPLOAD = re.compile(r"(?P<name>.+) @(?P<digest>[0-9a-f]{16})(?P<directed> reciprocal)?(?P<loops> loops)?")
EXAMPLES = (
    "Choose one of the list, or write a random one such as “er n=1000 p=0.01 seed=1”, “ws n=1000 k=10 p=0.1” or "
    "“ba n=1000 m=5”."
)
NUMBER = re.compile(r"[-+.\deE]+|\[[\[\],.\-+\deE]*\]|\"(er|ws|ba|mixed)\"")


def name_of(choice: GraphChoice) -> str:
    """The name of a choice, which `choice_of` reads.

    >>> name_of(GraphChoice("random", "er", (("n", 500), ("p", 0.01)), 3))
    'er n=500 p=0.01 seed=3'
    """
    if choice.source == "catalogue":
        return choice.key
    if choice.source == "random":
        parts = [f"{name}={json.dumps(value, separators=(',', ':'))}" for name, value in choice.parameters]
        return " ".join([choice.key, *parts, f"seed={choice.seed}"])
    options = dict(choice.parameters)
    marks = (" reciprocal" if options["directed"] == "reciprocal" else "") + (
        " loops" if options["self_loops"] == "keep" else ""
    )
    return f"{choice.key} @{choice.digest}{marks}"


def choice_of(name: str) -> GraphChoice:
    """The graph of a name: a key of the catalogue, a random model with its parameters, or an upload.

    Raises ValueError with what a name looks like.

    >>> choice_of("ba n=1000 m=3").code()
    'graph = sc.graphs.barabasi_albert(n=1000, m=3, generator=torch.Generator().manual_seed(0))'
    """
    if any(entry.key == name for entry in graphs.catalogue()):
        return GraphChoice("catalogue", name)
    if found := UPLOAD.fullmatch(name):
        directed = "reciprocal" if found["directed"] else "union"
        loops = "keep" if found["loops"] else "drop"
        return GraphChoice(
            "upload", found["name"], (("directed", directed), ("self_loops", loops)), digest=found["digest"]
        )
    model, *parts = name.split() or [""]
    pairs = [part.partition("=") for part in parts]
    if model in MODELS and model in FUNCTIONS and pairs and all(NUMBER.fullmatch(value) for _, _, value in pairs):
        try:
            options = {key: _tuples(json.loads(value)) for key, _, value in pairs}
        except json.JSONDecodeError:
            options = {}
        seed = options.pop("seed", 0)
        try:
            inspect.signature(getattr(graphs, FUNCTIONS[model])).bind(**options, generator=None)
        except TypeError as error:
            raise ValueError(f"it can not be drawn: {error}. {EXAMPLES}") from None
        if isinstance(seed, int):
            return GraphChoice("random", model, tuple(options.items()), seed)
    raise ValueError(f"it names no graph. {EXAMPLES}")


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
