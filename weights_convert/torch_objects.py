"""Descriptions of tensors in PyTorch's pickles, read without running anything.

A ``.pth`` file is a pickle, thus a program, beside raw numbers. Of all that it may ask
for, this reader answers to the names in ``_STORAGES`` and ``_CALLS`` with stand-ins
that only take notes; every other name ends the reading. The stand-ins hold no state
that a pickle could change for the next one, and arrays are made once the notes have
been checked against the size of the raw numbers.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from weights_convert import restricted_pickle as pickles
from weights_convert.restricted_pickle import UnsafePickle

#: Names of PyTorch's classes of storages, and the kind of number in each.
_STORAGES = {
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
#: Under these keys a training script keeps the weights, beside its own state.
_WRAPPERS = (
    *("state_dict", "model_state_dict", "params_ema", "params", "model", "net"),
    *("network", "weights"),
)
#: How many wrappers are taken off, one in another.
_DEEPEST = 8
#: Packages of which a training script keeps settings, times and figures beside the
#: weights. None of it is built: what is asked of them is left out.
_LEFT_OUT = frozenset(
    "numpy _codecs argparse collections pathlib datetime types omegaconf easydict "
    "addict yacs mmengine mmcv enum uuid decimal fractions".split()
)
#: Of Python's own names, those of its plain types alone.
_PLAIN = frozenset(
    "list dict set frozenset tuple int float complex str bool bytes range slice".split()
)
#: A tensor may repeat the numbers of its storage (a stride of 0) up to this many.
_MOST_REPEATED = 1 << 24


class _Sealed:
    """A pickle may call it or pass it on, but not write on it."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise UnsafePickle(f"it modifies a {type(self).__name__.strip('_').lower()}")


class Kind(_Sealed):
    """A class of storages."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """Of numbers of the kind ``name``."""
        self.name = name


class Storage(_Sealed):
    """A run of numbers in the file: ``count`` from ``start`` on of those at ``key``."""

    __slots__ = ("count", "key", "kind", "start", "whole")

    def __init__(self, kind: Any, key: Any, whole: Any, view: Any = None) -> None:
        """Note what a pickle says.

        Args:
            kind: of the numbers.
            key: their name in the file.
            whole: how many they are.
            view: name, start and count of the part that is meant.
        """
        start, count = (0, whole) if view is None else view[1:]
        plain = all(type(n) is int and n >= 0 for n in (whole, start, count))
        if not (isinstance(kind, Kind) and isinstance(key, str) and plain):
            raise UnsafePickle("a storage needs a plain kind, name and length")
        if start + count > whole:
            raise UnsafePickle(
                f"a view of {start}..{start + count} into {whole} numbers"
            )
        self.kind, self.key, self.whole = kind.name, key, whole
        self.start, self.count = start, count


class Tensor(_Sealed):
    """A tensor as strides over a storage."""

    __slots__ = ("offset", "shape", "storage", "strides")

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any) -> None:
        """Check that it lies inside its storage."""
        if not (
            isinstance(storage, Storage)
            and isinstance(shape, tuple)
            and isinstance(strides, tuple)
            and len(shape) == len(strides) <= 32
            and all(type(n) is int and n >= 0 for n in (offset, *shape, *strides))
        ):
            raise UnsafePickle(
                "a tensor needs a plain storage, offset, shape and strides"
            )
        size = math.prod(shape)
        last = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if size and offset + last >= storage.count:
            raise UnsafePickle(
                f"a tensor of shape {shape}, strides {strides} and offset {offset} in "
                f"a storage of {storage.count} numbers"
            )
        if size > max(storage.count, _MOST_REPEATED):
            raise UnsafePickle(
                f"a tensor of shape {shape} over {storage.count} numbers"
            )
        self.storage, self.offset = storage, offset
        self.shape, self.strides = shape, strides

    def array(self, flat: np.ndarray) -> np.ndarray:
        """The array, in new memory.

        Args:
            flat: all numbers at the key of its storage.
        """
        flat = flat[self.storage.start :][: self.storage.count]
        if not math.prod(self.shape):
            return np.zeros(self.shape, flat.dtype)
        strides = [step * flat.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(
            flat[self.offset :], self.shape, strides, writeable=False
        ).copy()


class _Ordered(dict):
    """An ordered dictionary; the attributes of a state dictionary are ignored."""

    def __setstate__(self, state: Any) -> None:
        pass


class _LeftOutObject(dict):
    """Whatever a pickle makes of a class in ``_LEFT_OUT``: nothing."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __call__(self, *_: Any) -> _LeftOutObject:
        return _LeftOutObject()

    def append(self, value: Any) -> None:
        """Take an item of what would have been a list."""

    def extend(self, values: Any) -> None:
        """Take items of what would have been a list."""

    def add(self, value: Any) -> None:
        """Take an item of what would have been a set."""


class _Call(_Sealed):
    """A function that a pickle may call."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *values: Any) -> Any:
        return self.function(*values)


_CALLS: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch._utils", "_rebuild_tensor"): Tensor,
    # Whether it is trained, its hooks and its metadata do not matter here.
    ("torch._utils", "_rebuild_tensor_v2"): lambda *values: Tensor(*values[:4]),
    ("torch._utils", "_rebuild_parameter"): lambda value, *_: value,
    ("torch._utils", "_rebuild_parameter_with_state"): lambda value, *_: value,
    ("torch", "Size"): lambda values=(): tuple(values),
    ("collections", "OrderedDict"): lambda *values: _Ordered(*values),
}


class Reader(pickle.Unpickler):
    """Builds plain containers, ``Tensor`` and ``Storage`` notes, and nothing else.

    Attributes:
        storages: every storage that was asked for, by key.
    """

    def __init__(self, file: Any) -> None:
        """Read from a binary file.

        Raises:
            UnsafePickle: see ``weights_convert.restricted_pickle.check_size``.
        """
        pickles.check_size(file)
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name, where there is one."""
        if module == "torch" and name in _STORAGES:
            return Kind(_STORAGES[name])
        if (module, name) in _CALLS:
            return _Call(_CALLS[module, name])
        plain = module in ("builtins", "__builtin__") and name in _PLAIN
        if plain or module.split(".")[0] in _LEFT_OUT:
            return _LeftOutObject
        raise UnsafePickle(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        """The note of a storage that lies outside the pickle."""
        if not (isinstance(pid, tuple) and 5 <= len(pid) <= 6 and pid[0] == "storage"):
            what = pid[0] if isinstance(pid, tuple) and pid else pid
            raise UnsafePickle(f"it asks for a stored {what!r}")
        _, kind, key, _device, whole, *view = pid
        storage = Storage(kind, key, whole, *view)
        known = self.storages.setdefault(storage.key, storage)
        if (known.kind, known.whole) != (storage.kind, storage.whole):
            raise UnsafePickle(f"it describes the storage {key!r} in two ways")
        return storage


def _is_wrapped(tree: Any, wrapper: str) -> bool:
    """Whether a dictionary has a dictionary that is not empty under this key."""
    inside = tree.get(wrapper) if isinstance(tree, dict) else None
    return isinstance(inside, dict) and len(inside) > 0


def tensors(tree: Any) -> dict[str, Tensor]:
    """The tensors of nested containers, keys joined by dots.

    Of a checkpoint (``{"state_dict": ..., "optimizer": ...}``) the weights alone, also
    where one wrapper lies in another. Numbers and text beside them (an epoch, a name)
    are left out.
    """
    # In a state dictionary itself these keys, if any, hold no dictionary.
    # A pickle can put a container into itself.
    for _ in range(_DEEPEST):
        inner = [w for w in _WRAPPERS if _is_wrapped(tree, w)]
        tree = tree[inner[0]] if inner else tree
    found: dict[str, Tensor] = {}
    pending: list[tuple[str, Any]] = [("", tree)]
    seen: set[int] = set()
    while pending:
        name, value = pending.pop()
        if isinstance(value, Tensor):
            found[name] = value
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            # A pickle can put a container into itself.
            seen.add(id(value))
            parts = value.items() if isinstance(value, dict) else enumerate(value)
            pending += [(f"{name}.{k}" if name else str(k), v) for k, v in parts]
    return dict(sorted(found.items()))
