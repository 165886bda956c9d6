"""Write the types of all metrics, for editors and type checkers.

    python scripts/maintenance/metric_types.py

``jiqa.metrics`` finds its metrics when it runs, and a type checker does not run it. So
``jiqa/metrics/__init__.pyi`` lists them with their signatures; a test checks that it
holds what this writes.
"""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path
from typing import Any

from jax import Array

from jiqa.core.deep_metric import DeepMetric
from jiqa.core.feature_spec import Params
from jiqa.io.atomic import write_text
from jiqa.metrics import all_metrics

STUB = Path(__file__).parents[2] / "jiqa" / "metrics" / "__init__.pyi"
_HEAD = '''"""The metrics with their signatures, for editors and type checkers.

Written by scripts/maintenance/metric_types.py.
"""

from collections.abc import Mapping
from typing import Any

from jax import Array

from jiqa.core.deep_metric import DeepMetric
from jiqa.core.images import Image
from jiqa.core.metric import Metric
from jiqa.metrics.video import vmaf_frames as vmaf_frames
from jiqa.metrics.video import vmaf_motion as vmaf_motion
from jiqa.ops.display import Display

FOLDERS: tuple[str, ...]

def all_metrics() -> Mapping[str, Metric[...]]: ...
'''
#: A longer default is shown as ``...``.
_LONGEST = 40


def _type(annotation: Any) -> str:
    """An annotation as it is written in the file."""
    if annotation is Array:
        return "Image"
    if annotation == Params:
        return "Mapping[str, Any]"
    if annotation == Array | None:
        return "Image | None"
    if isinstance(annotation, type):
        return annotation.__name__
    return re.sub(r"\bjiqa\.(\w+\.)+", "", str(annotation))


def _signature(metric: Any) -> list[str]:
    declared = metric.__wrapped__
    types, lines, named = typing.get_type_hints(declared), [], False
    for name, parameter in inspect.signature(metric).parameters.items():
        line = f"{name}: {_type(types[name])}"
        if parameter.kind is parameter.KEYWORD_ONLY:
            if not named:
                lines.append("*")
            named, default = True, repr(parameter.default).replace("'", '"')
            line += f" = {default if len(default) <= _LONGEST else '...'}"
        lines.append(line)
    return lines


def stub() -> str:
    """The text of the file."""
    text = _HEAD
    for name, metric in all_metrics().items():
        kind = "DeepMetric" if isinstance(metric, DeepMetric) else "Metric"
        parameters = "".join(f"        {p},\n" for p in ("self", *_signature(metric)))
        own = "_" + "".join(part.title() for part in name.split("_"))
        text += (
            f'\nclass {own}({kind}[...]):\n    """{metric.info.title}."""\n\n'
            f"    def __call__(\n{parameters}    ) -> Array: ...\n\n{name}: {own}\n"
        )
    return text


if __name__ == "__main__":
    write_text(STUB, stub())
