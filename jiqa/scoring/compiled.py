"""Programs that compute several metrics, traced once and then kept on disk.

JAX keeps what it has compiled, but only finds it again by tracing the program anew,
and for all metrics together that takes seconds for every size of image. So the traced
program is kept too, under everything that it depends on.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
from jax import export

from jiqa.core import any_size
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.metric_group import MetricGroup, divided
from jiqa.io.atomic import write_bytes
from jiqa.ops.extent import Extent
from jiqa.version import __version__


class Program:
    """``(references or None, images) -> [scores, batch]``, compiled once per shape.

    A reference without the batch's dimension is one for all images.
    """

    def __init__(
        self,
        members: Sequence[BoundMetric],
        folder: Path | None = None,
        params: Params = MappingProxyType({}),
        devices: Sequence[Any] = (),
        factor: int | None = None,
    ) -> None:
        """Prepare to compute ``members``; keep traced programs in ``folder``.

        With several ``devices`` a batch, whose size is a multiple of their number, is
        divided among them; such programs are not kept. With a ``factor`` it is one for
        any size (see ``jiqa.ops.extent``): batches are padded images, after two arrays
        with how many rows and columns of each belong to the image.
        """
        self._factor = factor
        self._devices = tuple(devices) if len(devices) > 1 else ()
        self._group = MetricGroup(members)
        self._folder = folder
        # A dictionary: what is kept on disk knows the containers it was traced with.
        self._params = {name: dict(params[name]) for name in self._group.weights}
        self._ready: dict[Any, Any] = {}
        self._making = threading.Lock()

    def __call__(self, reference: Any, image: Any, *sizes: Any) -> list[jax.Array]:
        """Score a batch; returns before the device is done."""
        arrays = (*sizes, *((image,) if reference is None else (reference, image)))
        return self._for(arrays)(self._params, *arrays)

    def is_ready(self, reference: Any, image: Any, *sizes: Any) -> bool:
        """Whether such a batch can be scored at once."""
        return _key(*sizes, reference, image) in self._ready

    def make(self, reference: Any, image: Any, *sizes: Any) -> None:
        """Compile the program for such a batch, or load it."""
        self._for((*sizes, *((image,) if reference is None else (reference, image))))

    def prepare(self, reference: Any, image: Any) -> None:
        """Load the program for such a batch if it is kept on disk.

        To load one takes seconds of one thread, without Python's lock, which another
        thread can spare. What is not kept is not compiled here: that takes gigabytes.

        Args:
            reference: its shape and type, or ``None``.
            image: its shape and type.
        """
        arrays = (image,) if reference is None else (reference, image)
        if self._folder and (self._folder / f"{self._name(arrays)}.bin").is_file():
            self._for(arrays)

    def _for(self, arrays: tuple[Any, ...]) -> Any:
        key = _key(*arrays)
        with self._making:
            if key not in self._ready:
                shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arrays]
                traced = self._traced(tuple(shapes)).lower(self._params, *shapes)
                self._ready[key] = traced.compile()
        return self._ready[key]

    def _traced(self, arrays: tuple[Any, ...]) -> Any:
        scores = self._group.compute if self._factor is None else self._padded
        if self._devices:
            batched = (False, *(x.ndim in (1, arrays[-1].ndim) for x in arrays))
            return jax.jit(divided(scores, self._devices, batched))
        program = jax.jit(scores)
        if self._folder is None:
            return program
        path = self._folder / f"{self._name(arrays)}.bin"
        try:
            kept = export.deserialize(bytearray(_read(path)))
        except Exception:  # not there, damaged, or of a format that is no more
            kept = export.export(program)(self._params, *arrays)
            _write(path, bytes(kept.serialize()))
        return jax.jit(kept.call)

    def _padded(self, params: Params, rows: Any, cols: Any, *images: Any) -> list[Any]:
        assert self._factor is not None
        extent = Extent(rows, cols, self._factor)
        found = []
        for member in self._group.members:
            taken = member.taken(images)
            found.append(any_size.scores(member, params, extent, *taken))
        return found

    def _name(self, arrays: tuple[Any, ...]) -> str:
        """Return a digest of all that the traced program depends on."""
        facts = {
            "source": source_digest(),
            "versions": [__version__, jax.__version__, version("jaxlib")],
            "device": jax.default_backend(),
            "x64": jax.config.jax_enable_x64,  # pyright: ignore
            "metrics": [member.identity for member in self._group.members],
            "factor": self._factor,
            "arrays": [(x.shape, str(x.dtype)) for x in arrays],
        }
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _key(*arrays: Any) -> tuple[Any, ...]:
    return tuple((x.shape, str(x.dtype)) for x in arrays if x is not None)


@functools.cache
def source_digest() -> str:
    """Return a digest of the package's source and tables."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    tables = (path for ending in ("npz", "json") for path in root.rglob(f"*.{ending}"))
    for path in sorted([*root.rglob("*.py"), *tables]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_DIGEST = 32  # bytes of SHA-256 in front of a kept program


def _read(path: Path) -> bytes:
    """Read the kept program, if it is undamaged."""
    whole = path.read_bytes()
    digest, data = whole[:_DIGEST], whole[_DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        raise ValueError(f"{path} is damaged")
    return data


def _write(path: Path, data: bytes) -> None:
    """Write all or nothing; a full or read-only disk only costs time."""
    with contextlib.suppress(OSError):
        write_bytes(path, hashlib.sha256(data).digest() + data)
