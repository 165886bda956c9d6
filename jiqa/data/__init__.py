"""The IQA data sets through TensorFlow Datasets, without TensorFlow.

Example:
    >>> from jiqa import data
    >>> "koniq10k/mos" in data.list_datasets()
    True
"""

from jiqa.data.loader.loader import loader as loader
from jiqa.data.splits import select as select
from jiqa.data.splits import split_entries as split_entries
from jiqa.data.store import Dataset as Dataset
from jiqa.data.store import list_datasets as list_datasets
from jiqa.data.store import open_dataset as open_dataset
from jiqa.data.store import prepare as prepare

__all__ = [
    "Dataset",
    "list_datasets",
    "loader",
    "open_dataset",
    "prepare",
    "select",
    "split_entries",
]
