"""The data sets, one TFDS builder a file; every file here is found by itself."""

import functools
from collections.abc import Mapping
from types import MappingProxyType

from jiqa.data.builder import QualityDataset
from jiqa.discovery import modules


@functools.cache
def all_datasets() -> Mapping[str, type[QualityDataset]]:
    """Every builder found in ``jiqa.data.sets``, by name, in alphabetical order."""
    found: dict[str, type[QualityDataset]] = {}
    for _, module in modules(__name__):
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                if issubclass(value, QualityDataset):
                    found[value.name] = value
    return MappingProxyType(dict(sorted(found.items())))
