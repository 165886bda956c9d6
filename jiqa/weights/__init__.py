"""Learned parameters: which sets exist, where they are found, how they are checked.

Example:
    >>> from jiqa import weights
    >>> weights.load("dists").licence
    'MIT'
"""

from jiqa.io.download import DownloadError as DownloadError
from jiqa.io.download import WrongHash as WrongHash
from jiqa.weights.convert import Converted as Converted
from jiqa.weights.convert import convert as convert
from jiqa.weights.convert import parameters_of as parameters_of
from jiqa.weights.fetch import fetch as fetch
from jiqa.weights.load import Weights as Weights
from jiqa.weights.load import load as load
from jiqa.weights.load import load_together as load_together
from jiqa.weights.load import store as store
from jiqa.weights.locate import WeightsNotFound as WeightsNotFound
from jiqa.weights.locate import find as find
from jiqa.weights.locate import weights_cache as weights_cache
from jiqa.weights.registry import all_sets as all_sets
from jiqa.weights.registry import get_set as get_set
from jiqa.weights.safetensors_files import fingerprint as fingerprint
from jiqa.weights.safetensors_files import read as read
from jiqa.weights.safetensors_files import write as write
from jiqa.weights.verify import Verdict as Verdict
from jiqa.weights.verify import verify as verify
from jiqa.weights.weight_set import Carrier as Carrier
from jiqa.weights.weight_set import WeightSet as WeightSet
from weights_convert.restricted_pickle import UnsafePickle as UnsafePickle

__all__ = [
    "Carrier",
    "Converted",
    "DownloadError",
    "UnsafePickle",
    "Verdict",
    "WeightSet",
    "Weights",
    "WeightsNotFound",
    "WrongHash",
    "all_sets",
    "convert",
    "fetch",
    "find",
    "fingerprint",
    "get_set",
    "load",
    "load_together",
    "parameters_of",
    "read",
    "store",
    "verify",
    "weights_cache",
    "write",
]
