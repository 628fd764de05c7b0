"""What a pickle would build, read opcode by opcode without building it: nothing is imported and nothing is called."""

import pickletools
from dataclasses import dataclass

__all__ = ["Call", "Outline", "Storage", "outline"]

MOST_OPERATIONS = 300_000  # some 10 000 tensors; a list of that many numbers is no checkpoint

# Python 2 names, which protocol 2 writes
_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_MARK = object()


class Name(str):
    """The name ``module.attribute`` of something that unpickling would import."""

    __slots__ = ()


@dataclass(eq=False, slots=True)
class Call:
    """A call that unpickling would make: `name` on `args`, then `state` set and `entries` and `elements` added.

    `creates` is true where only ``cls.__new__`` is called, as for every plain Python object.
    """

    name: str
    args: object
    creates: bool = False
    state: object = None
    entries: dict | None = None
    elements: list | None = None


@dataclass(eq=False, slots=True)
class Storage:
    """A persistent reference: to a storage, or (`identity` begins with ``"module"``) to a class with its source."""

    identity: object


@dataclass(eq=False)
class Outline:
    """`root` in plain lists, dicts, `Call` and `Storage`; the names it would import, all its calls and storages."""

    root: object
    names: tuple
    calls: list
    storages: list
    protocol: int


def outline(file):
    """Read one pickle of an open binary `file` up to its STOP.

    Raises
    ------
    ValueError
        Cut off, not a pickle, or longer than ``MOST_OPERATIONS``.

    Examples
    --------
    >>> import io
    >>> outline(io.BytesIO(b"cos\\nsystem\\n(S'echo'\\ntR.")).names
    ('os.system',)
    """
    stack, memo, names, calls, storages, protocol = [], {}, {}, [], [], 0

    def since_mark():
        for k in range(len(stack) - 1, -1, -1):
            if stack[k] is _MARK:
                items = stack[k + 1 :]
                del stack[k:]
                return items
        raise ValueError("no mark")

    def imported(module, name):
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("no name")
        name = Name(f"{_RENAMED.get(module, module)}.{name}")
        names[name] = None
        return name

    def called(function, args, creates=False):
        name = str(function) if isinstance(function, Name) else "a function that it computes"
        calls.append(Call(name, args, creates))
        return calls[-1]

    def stored(identity):
        storages.append(Storage(identity))
        return storages[-1]

    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if count > MOST_OPERATIONS:
                break
            match opcode.name:
                case "PROTO":
                    protocol = argument
                case "FRAME":
                    pass
                case "STOP":
                    return Outline(stack.pop(), tuple(map(str, names)), calls, storages, protocol)
                case "MARK":
                    stack.append(_MARK)
                case "POP":
                    stack.pop()
                case "POP_MARK":
                    since_mark()
                case "DUP":
                    stack.append(stack[-1])
                case "PUT" | "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "GET" | "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "NONE":
                    stack.append(None)
                case "NEWTRUE" | "NEWFALSE":
                    stack.append(opcode.name == "NEWTRUE")
                case "EMPTY_TUPLE":
                    stack.append(())
                case "EMPTY_LIST":
                    stack.append([])
                case "EMPTY_DICT":
                    stack.append({})
                case "EMPTY_SET":
                    stack.append(called(Name("builtins.set"), ()))
                case "TUPLE":
                    stack.append(tuple(since_mark()))
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    size = int(opcode.name[-1])
                    items = tuple(_popped(stack) for _ in range(size))[::-1]
                    stack.append(items)
                case "LIST":
                    stack.append(since_mark())
                case "DICT":
                    stack.append(_pairs(since_mark()))
                case "FROZENSET":
                    stack.append(called(Name("builtins.frozenset"), tuple(since_mark())))
                case "APPEND":
                    item = _popped(stack)
                    _elements(stack[-1]).append(item)
                case "APPENDS" | "ADDITEMS":
                    items = since_mark()
                    _elements(stack[-1]).extend(items)
                case "SETITEM":
                    value, key = _popped(stack), _popped(stack)
                    _entries(stack[-1]).update(_pairs([key, value]))
                case "SETITEMS":
                    items = since_mark()
                    _entries(stack[-1]).update(_pairs(items))
                case "GLOBAL":
                    stack.append(imported(*argument.split(" ", 1)))
                case "STACK_GLOBAL":
                    name, module = _popped(stack), _popped(stack)
                    stack.append(imported(module, name))
                case "REDUCE" | "NEWOBJ":
                    args, function = _popped(stack), _popped(stack)
                    stack.append(called(function, args, creates=opcode.name == "NEWOBJ"))
                case "NEWOBJ_EX":
                    keywords, args, function = (_popped(stack) for _ in range(3))
                    stack.append(called(function, (*args, keywords), creates=True))
                case "INST":
                    stack.append(called(imported(*argument.split(" ", 1)), tuple(since_mark())))
                case "OBJ":
                    function, *args = since_mark()
                    stack.append(called(function, tuple(args)))
                case "BUILD":
                    state = _popped(stack)
                    if not isinstance(stack[-1], Call):
                        raise ValueError("state of something plain")
                    stack[-1].state = state
                case "BINPERSID":
                    stack.append(stored(_popped(stack)))
                case "PERSID":
                    stack.append(stored(argument))
                case "EXT1" | "EXT2" | "EXT4":
                    stack.append(imported("copyreg", f"extension {argument}"))
                case _ if argument is not None:  # a number, string or bytes
                    stack.append(argument)
                case _:
                    raise ValueError(opcode.name)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError("it is no complete pickle") from error
    raise ValueError(f"it is too long: more than {MOST_OPERATIONS} operations")


def _popped(stack):
    if stack[-1] is _MARK:
        raise ValueError("a mark where a value is due")
    return stack.pop()


def _pairs(items):
    if len(items) % 2 or not all(_is_plain(key) for key in items[::2]):
        raise ValueError("no pairs")
    return dict(zip(items[::2], items[1::2], strict=True))


def _is_plain(key):
    """Neither integers beyond any count (they collide in a dict on purpose only) nor tuples of tuples (slow to hash)."""
    if isinstance(key, tuple):
        return all(_is_plain(part) and not isinstance(part, tuple) for part in key)
    return not isinstance(key, int) or abs(key) < 2**53


def _elements(target):
    if not isinstance(target, Call):
        return target
    if target.elements is None:
        target.elements = []
    return target.elements


def _entries(target):
    if not isinstance(target, Call):
        return target
    if target.entries is None:
        target.entries = {}
    return target.entries
