"""Learned parameters: which sets exist, where they are found, how they are checked.

Example:
    >>> from jiqa import weights
    >>> weights.load("dists").licence
    'MIT'
"""

from jiqa.weights.download import DownloadError as DownloadError
from jiqa.weights.download import WrongHash as WrongHash
from jiqa.weights.fetching import fetch as fetch
from jiqa.weights.files import fingerprint as fingerprint
from jiqa.weights.files import read as read
from jiqa.weights.files import write as write
from jiqa.weights.loading import Weights as Weights
from jiqa.weights.loading import load as load
from jiqa.weights.loading import load_together as load_together
from jiqa.weights.loading import store as store
from jiqa.weights.pickles import UnsafePickle as UnsafePickle
from jiqa.weights.places import WeightsNotFound as WeightsNotFound
from jiqa.weights.places import find as find
from jiqa.weights.places import weights_cache as weights_cache
from jiqa.weights.registry import all_sets as all_sets
from jiqa.weights.registry import get_set as get_set
from jiqa.weights.sets import Carrier as Carrier
from jiqa.weights.sets import WeightSet as WeightSet
from jiqa.weights.verification import Verdict as Verdict
from jiqa.weights.verification import verify as verify
