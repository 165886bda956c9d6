"""What a run is going to do, in sentences, before its first update."""

from __future__ import annotations

from jiqa.training.run_data import FEWEST_IMAGES, FEWEST_REFERENCES, Source, is_enough
from jiqa.training.setup import Setup
from jiqa.training.update_memory import FROZEN_ROWS, UpdateMemory


def announce(
    setup: Setup, memory: UpdateMemory, *, frozen_by_default: bool
) -> list[str]:
    """Say what is learned from, what is held out, and what an update takes.

    Args:
        setup: of the run.
        memory: of an update, see ``plan_memory``.
        frozen_by_default: whether the backbone is frozen because nobody said anything
            else.
    """
    sources, config = setup.sources, setup.config
    lines = [f"learning from {counted(sources.training)}"]
    if config.divisions:
        lines.append(
            f"a share of {config.hold_out:.0%} would be too few to decide on: the "
            f"images are divided by reference into {config.divisions} parts, and each "
            "part is predicted by a training on the others, before the run trains on "
            "all of them"
        )
    else:
        lines.append(f"validating on {counted(sources.validation)}")
        if not is_enough(sources.validation.entries):
            lines.append(
                f"fewer than {FEWEST_IMAGES} images or {FEWEST_REFERENCES} references "
                "decide little: another state may well be the best"
            )
    if sources.test is not None:
        lines.append(f"testing on {counted(sources.test)} at the end")
    if frozen_by_default:
        lines.append(
            "the backbone stays as it is, since there is no GPU; --set frozen=false "
            "trains it too"
        )
    lines.append(_update(memory))
    if memory.chosen and memory.parts > 1:
        lines.append(
            f"accumulation={memory.parts} was chosen by the free memory; the mean "
            "gradient stays the same, batch statistics are those of a part"
        )
    if not memory.fits:
        smaller = "a smaller batch_size, a smaller model.crop"
        lines.append(
            "this may be more than there is: "
            + (smaller if config.frozen else f"{smaller} or frozen=true")
            + " needs less"
        )
    if config.frozen:
        lines.append(
            "features of the frozen backbone are computed once, "
            f"{FROZEN_ROWS} images at a time, and kept"
        )
    return lines


def counted(source: Source) -> str:
    """Return how many images of how many references a source has."""
    images = len(source.entries)
    references = len({e.reference for e in source.entries if e.reference})
    text = f"{images} image{'s' * (images != 1)}"
    if references:
        text += f" of {references} reference{'s' * (references != 1)}"
    return f"{text} ({source.spec})"


def _update(memory: UpdateMemory) -> str:
    text = f"an update takes {memory.images} images"
    if memory.levels > 1:
        groups = memory.images // memory.levels
        text += f" ({groups} groups of {memory.levels} levels)"
    if memory.parts > 1:
        text += f" in {memory.parts} parts, one after the other"
    text += f", about {_amount(memory.needed)} of memory"
    return text if memory.free is None else f"{text} ({_amount(memory.free)} are free)"


def _amount(count: float) -> str:
    if count < 1e9:
        return f"{max(1, round(count / 1e6))} MB"
    return f"{count / 1e9:.1f} GB"
