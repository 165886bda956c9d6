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
import numpy as np
from jax import export
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from jiqa.core.metric_group import Joint, Params
from jiqa.io.atomic import write_bytes
from jiqa.scoring.choose_metrics import Choice
from jiqa.version import __version__


class Program:
    """``(references or None, images) -> [scores, batch]``, compiled once per shape.

    A reference without the batch's dimension is one for all images.
    """

    def __init__(
        self,
        choices: Sequence[Choice],
        folder: Path | None = None,
        params: Params = MappingProxyType({}),
        devices: Sequence[Any] = (),
    ) -> None:
        """Prepare to compute ``choices``; keep traced programs in ``folder``.

        With several ``devices`` a batch, whose size is a multiple of their number, is
        divided among them; such programs are not kept.
        """
        self._mesh = Mesh(np.array(devices), ("data",)) if len(devices) > 1 else None
        self._identities = [c.identity for c in choices]
        self._joint = Joint([(c.metric, c.options) for c in choices])
        self._folder = folder
        # A dictionary: what is kept on disk knows the containers it was traced with.
        self._params = {name: dict(params[name]) for name in self._joint.weights}
        self._ready: dict[Any, Any] = {}
        self._making = threading.Lock()

    def __call__(self, reference: Any, image: Any) -> list[jax.Array]:
        """Score a batch; returns before the device is done."""
        arrays = (image,) if reference is None else (reference, image)
        return self._for(arrays)(self._params, *arrays)

    def prepare(self, reference: Any, image: Any) -> None:
        """Have the program for such a batch ready if it is kept on disk.

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
        key = tuple((x.shape, str(x.dtype)) for x in arrays)
        with self._making:
            if key not in self._ready:
                shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arrays]
                traced = self._traced(tuple(shapes)).lower(self._params, *shapes)
                self._ready[key] = traced.compile()
        return self._ready[key]

    def _traced(self, arrays: tuple[Any, ...]) -> Any:
        def scores(params: Params, *arrays: Any) -> list[Any]:
            reference = arrays[0] if len(arrays) == 2 else None
            return self._joint.scores(params, reference, arrays[-1])

        if self._mesh is not None:
            return jax.jit(self._divided(scores, arrays))
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

    def _divided(self, scores: Any, arrays: tuple[Any, ...]) -> Any:
        """Each device scores its part of the batch; nothing passes between them."""
        assert self._mesh is not None
        batched = [x.ndim == arrays[-1].ndim for x in arrays]
        return jax.shard_map(
            scores,
            mesh=self._mesh,
            in_specs=(P(), *(P("data") if b else P() for b in batched)),
            out_specs=P("data"),
            check_vma=False,
        )

    def _name(self, arrays: tuple[Any, ...]) -> str:
        """A digest of all that the traced program depends on."""
        facts = {
            "source": source_digest(),
            "versions": [__version__, jax.__version__, version("jaxlib")],
            "device": jax.default_backend(),
            "x64": jax.config.jax_enable_x64,  # pyright: ignore
            "metrics": self._identities,
            "arrays": [(x.shape, str(x.dtype)) for x in arrays],
        }
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


@functools.cache
def source_digest() -> str:
    """Digest of the package's own code and tables."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.npz")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_DIGEST = 32  # bytes of SHA-256 in front of a kept program


def _read(path: Path) -> bytes:
    """The kept program; a damaged one would fail, or compute something else, later."""
    whole = path.read_bytes()
    digest, data = whole[:_DIGEST], whole[_DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        raise ValueError(f"{path} is damaged")
    return data


def _write(path: Path, data: bytes) -> None:
    """Write whole or not at all; a full or read-only disk only costs time."""
    with contextlib.suppress(OSError):
        write_bytes(path, hashlib.sha256(data).digest() + data)
