"""Images that were learned from are found again, whatever they are called now."""

from __future__ import annotations

from jiqa.data.learned_images import (
    EARLIER,
    VALIDATION,
    ImageFacts,
    images_before,
    learned_by,
    overlap_notes,
    read_learned_images,
    write_learned_images,
)

_RUN = [
    ImageFacts("a.png", "training", "r", 1.0, "d1", "ref"),
    ImageFacts("b.png", VALIDATION, "s", 2.5, "d2", "other"),
    ImageFacts("c.png", EARLIER, "", None, "d3"),
]


def test_the_table_says_what_was_written(tmp_path):
    write_learned_images(tmp_path, _RUN)
    assert read_learned_images(tmp_path) == _RUN
    assert learned_by(f"run:{tmp_path}") == _RUN
    assert learned_by(f"run:{tmp_path}(output=choice)") == _RUN
    assert learned_by("brisque") == [] == learned_by(f"run:{tmp_path}/none")
    before = images_before([f"run:{tmp_path}"])
    assert [(i.image, i.part) for i in before] == [
        ("a.png", EARLIER),
        ("c.png", EARLIER),
    ]


def test_images_are_compared_by_their_files():
    others = [
        ImageFacts("renamed.png", score=9.0, sha256="d1"),
        ImageFacts("b.png", score=2.5, sha256="d2"),
        ImageFacts("c.png", sha256="d3"),
        ImageFacts("blurred.png", sha256="d4", reference_sha256="ref"),
        ImageFacts("pristine.png", sha256="ref"),
        # Its name and score are those of one that was learned from, its file is not.
        ImageFacts("a.png", score=1.0, sha256="d5"),
        ImageFacts("held.png", sha256="d6", reference_sha256="other"),
    ]
    assert overlap_notes(_RUN, others) == [
        "1 of 7 images were in its training data",
        "1 of 7 images decided which state of its training was kept",
        "1 of 7 images were in the training data of the run that it began with",
        "2 of 7 images are versions of references in its training data",
    ]
    assert overlap_notes(_RUN, others[-2:]) == []


def test_without_files_names_and_scores_have_to_do():
    others = [
        ImageFacts("folder/a.png", score=1.0 + 1e-9),
        ImageFacts("a.png", score=1.1),
        ImageFacts("b.png"),
    ]
    assert overlap_notes(_RUN, others) == [
        "1 of 3 images were in its training data (by name and score)"
    ]
