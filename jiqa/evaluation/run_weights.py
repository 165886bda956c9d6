"""The learned parameters of a run: each set is read once, and kept on the device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.loaded import on_device
from jiqa.core.metric_group import MetricGroup
from jiqa.errors import UsageError

if TYPE_CHECKING:
    from jiqa.weights import Weights


class RunWeights:
    """Sets of weights by name, and by whether the network's classifier is among them.

    The fingerprint of a set is that of the parameters read, so the two differ.
    """

    def __init__(
        self, folder: Path | str | None = None, loaded: Iterable[Weights] = ()
    ) -> None:
        """Read nothing yet.

        Args:
            folder: where to look for files first.
            loaded: sets that were read already; they count before files.
        """
        self._folder = folder
        self._params: dict[tuple[str, bool], Params] = {}
        self._fingerprints: dict[tuple[str, bool], str] = {}
        for found in loaded:
            from jiqa.weights.registry import get_set

            extra = set(get_set(found.name).extra)
            self._keep(found, bool(extra) and extra <= found.params.keys())

    def params(self, choices: Sequence[BoundMetric]) -> Params:
        """Return what choices need in one program, by set and key.

        Raises:
            UsageError: weights that are nowhere, or a file that does not fit.
        """
        keys = self._read(MetricGroup(choices))
        return {key[0]: self._params[key][key[0]] for key in keys}

    def digests(self, choices: Sequence[BoundMetric]) -> dict[str, str]:
        """Return fingerprints of each choice's learned parameters, by label.

        Raises:
            UsageError: weights that are nowhere, or a file that does not fit.
        """
        digests = {}
        for choice in choices:
            keys = self._read(MetricGroup([choice]))
            parts = [f"{key[0]}:{self._fingerprints[key]}" for key in sorted(keys)]
            if parts:
                digests[choice.label] = " ".join(parts)
        return digests

    def _read(self, group: MetricGroup) -> list[tuple[str, bool]]:
        """Read what is not there yet; return the keys of all that the metrics need."""
        keys = [(name, name in group.whole) for name in group.weights]
        for name, whole in keys:
            if (name, whole) in self._params:
                continue
            from jiqa import weights  # brings the readers of files, which few need

            try:
                found = weights.load(name, self._folder, whole=whole)
            except (FileNotFoundError, ValueError) as error:
                raise UsageError(str(error)) from None
            self._keep(found, whole)
        return keys

    def _keep(self, found: Weights, whole: bool) -> None:
        key = found.name, whole
        self._params[key] = on_device({found.name: found})
        self._fingerprints[key] = found.sha256
