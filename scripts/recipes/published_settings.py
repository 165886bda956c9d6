"""Settings of the papers' trainings, and the results that the papers report.

Of RankIQA, NIMA and DBCNN they are those of the papers and of the authors' code; of
CNNIQA and WaDIQaM rates and epochs are recalled. Guesses, where all of these are
silent: how large RankIQA's batches of scores are, NIMA's batches and epochs, all of
the network of several levels (RankIQA's), and square crops of CSIQ's and TID2013's
images in DBCNN, whose authors take them whole. Figures of which there is no sound
source are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Photographs of Waterloo that ranks are learned from: all but what is held out.
_PHOTOGRAPHS = 0.9 * 4744

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """Trainings one after the other, and what the paper says the last is worth.

    Attributes:
        model: a model's name.
        data: a prepared set.
        trainings: settings of each, as ``jiqa train --set`` takes them.
        published: ``srcc`` and ``plcc``, as far as they could be read.
        ladder: set of distortions whose ranks the first training learns; or none.
    """

    model: str
    data: str
    trainings: tuple[Settings, ...]
    published: Mapping[str, float] = field(default_factory=dict)
    ladder: str = ""


def _ranking(
    data: str, kinds: int, groups: int, rate: float, own: Settings
) -> tuple[Settings, ...]:
    """RankIQA's two steps: 50,000 updates on ranks, then on scores.

    A batch has ``groups`` of five or six levels. Subjective scores are learned on
    the scale that they were given in, 100 or 9 wide, as is the ranks' margin.
    """
    live = data.startswith("live")
    sgd = {"optimiser": "sgd", "momentum": 0.9, "weight_decay": 5e-4}
    epoch = _PHOTOGRAPHS * kinds / groups
    first = {
        **sgd,
        **own,
        "backbone_rate": rate,
        "head_rate": 10 * rate,
        "batch_size": groups,
        "steps": 50_000,
        "schedule": "step",
        "decay": 0.1,
        "decay_every": round(10_000 / epoch, 3),
        "validate_every": 1000,
    }
    once = 12 if live else 48  # updates that see all images, 48 or 45 at a time
    then = {
        **sgd,
        **own,
        "model.scale": 1 / 100 if live else 1 / 9,
        "backbone_rate": rate / 10,
        "head_rate": rate,
        "batch_size": 48 if live else 45,
        "steps": 20_000 if live else 10_000,
        "schedule": "step",
        "decay": 0.5,
        "decay_every": round(5000 / once, 1),
        "validate_every": 500,
    }
    return first, then


_RANKIQA = {
    "model.levels": "classifier",
    "model.normalise": "none",
    "model.flip": False,
    "model.grid": 5,
}


def _nima(backbone: str, **more: Any) -> tuple[Settings, ...]:
    settings = {
        "model.backbone": backbone,
        "optimiser": "sgd",
        "momentum": 0.9,
        "backbone_rate": 3e-7,
        "head_rate": 3e-6,
        "schedule": "step",
        "decay": 0.95,
        "decay_every": 10,
        "batch_size": 96,
        "epochs": 50,
        **more,
    }
    return (settings,)


#: TID2013's scores; of its ratings a mean and a deviation are known.
_TID = {"model.low": 0.0, "model.high": 9.0, "model.target": "mean-deviation"}


def _dbcnn(crop: int, rate: float) -> tuple[Settings, ...]:
    """The dense layer alone, then everything; scores from 0 to 100."""
    common = {
        "model.crop": crop,
        "model.scale": 1 / 100,
        "batch_size": 8,
        "epochs": 50,
        "weight_decay": 5e-4,
    }
    dense = {"optimiser": "sgd", "backbone_rate": 0.0, "head_rate": 1e-3}
    every = {"optimiser": "adam", "backbone_rate": rate, "head_rate": rate}
    return {**common, **dense}, {**common, **every}


def _patches(rate: float, epochs: int, batch: int, **more: Any) -> tuple[Settings, ...]:
    common = {"head_rate": rate, "epochs": epochs, "batch_size": batch}
    return ({**common, **more},)


_CNNIQA = _patches(
    0.1, 40, 4, optimiser="sgd", schedule="step", decay=0.9, decay_every=1
)
_WADIQAM = _patches(1e-4, 3000, 4)
_DIQAM = _patches(1e-4, 3000, 4, **{"model.top": "patchwise"})
_LIVE, _SET_A, _SET_B = "live/realigned", "rankiqa_live", "rankiqa_tid2013"

RECIPES = {
    "rankiqa/live": Recipe(
        "rank",
        _LIVE,
        _ranking(_LIVE, 4, 8, 1e-5, _RANKIQA),
        {"srcc": 0.981, "plcc": 0.982},
        ladder=_SET_A,
    ),
    "rankiqa/tid2013": Recipe(
        "rank",
        "tid2013",
        _ranking("tid2013", 19, 9, 1e-4, _RANKIQA),
        {"plcc": 0.799},
        ladder=_SET_B,
    ),
    "multilevel/live": Recipe(
        "rank", _LIVE, _ranking(_LIVE, 4, 8, 1e-5, {}), ladder=_SET_A
    ),
    "multilevel/tid2013": Recipe(
        "rank", "tid2013", _ranking("tid2013", 19, 9, 1e-4, {}), ladder=_SET_B
    ),
    "nima-mobilenet/ava": Recipe(
        "nima", "ava", _nima("mobilenet_v1"), {"srcc": 0.510, "plcc": 0.518}
    ),
    "nima-vgg16/ava": Recipe(
        "nima", "ava", _nima("vgg16"), {"srcc": 0.592, "plcc": 0.610}
    ),
    "nima-inception-v2/ava": Recipe(
        "nima", "ava", _nima("bn_inception"), {"srcc": 0.612, "plcc": 0.636}
    ),
    "nima-vgg16/tid2013": Recipe(
        "nima", "tid2013", _nima("vgg16", **_TID), {"srcc": 0.944}
    ),
    "dbcnn/live": Recipe(
        "dbcnn", _LIVE, _dbcnn(432, 1e-6), {"srcc": 0.968, "plcc": 0.971}
    ),
    "dbcnn/csiq": Recipe(
        "dbcnn", "csiq", _dbcnn(384, 1e-6), {"srcc": 0.946, "plcc": 0.959}
    ),
    "dbcnn/tid2013": Recipe(
        "dbcnn", "tid2013", _dbcnn(384, 1e-5), {"srcc": 0.816, "plcc": 0.865}
    ),
    "dbcnn/live_challenge": Recipe(
        "dbcnn", "live_challenge", _dbcnn(448, 1e-5), {"srcc": 0.851}
    ),
    "cnniqa/live": Recipe("cnniqa", _LIVE, _CNNIQA, {"srcc": 0.956, "plcc": 0.953}),
    "wadiqam/live": Recipe("wadiqam", _LIVE, _WADIQAM, {"srcc": 0.954}),
    "wadiqam/tid2013": Recipe("wadiqam", "tid2013", _WADIQAM, {"srcc": 0.761}),
    "diqam/live": Recipe("wadiqam", _LIVE, _DIQAM, {"srcc": 0.960}),
    "diqam/tid2013": Recipe("wadiqam", "tid2013", _DIQAM, {"srcc": 0.835}),
    "wadiqam-fr/live": Recipe("wadiqam_fr", _LIVE, _WADIQAM),
    "wadiqam-fr/tid2013": Recipe("wadiqam_fr", "tid2013", _WADIQAM),
}
