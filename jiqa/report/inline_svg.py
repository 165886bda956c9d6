"""A figure as SVG inside a page: short, in the page's text colour and font."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

from jiqa.report.plot_style import INK, SAVE, SHAPES, look

_TOKEN = re.compile(r"[MLQCz]|-?\d+(?:\.\d+)?(?:e-?\d+)?")
_HREF = "{http://www.w3.org/1999/xlink}href"


def inline_svg(figure: Any, prefix: str, description: str) -> str:
    """Draw ``figure`` as an ``<svg>`` element for a page.

    Numbers are rounded to a tenth of a point, steps are relative, and identifiers
    that nothing points to are dropped: a quarter of Matplotlib's text. The ink is
    ``currentColor``. Groups named ``kind-...`` keep that name as their class.

    Args:
        figure: a Matplotlib figure, drawn under ``drawing.style()``.
        prefix: put in front of the identifiers, which all drawings of a page share.
        description: what a screen reader says.
    """
    file = io.StringIO()
    plain = {"metadata": {"Date": None}, "transparent": True}
    figure.savefig(file, format="svg", **plain, **SAVE)
    root = ElementTree.fromstring(file.getvalue())
    pointed = set(re.findall(r'(?:url\(|href=")#([^)"]+)', file.getvalue()))
    _tidy(root, prefix, pointed)
    for tag in ("metadata", "defs"):
        # The style sheet would hold for the whole page.
        for child in root.findall(tag):
            if tag == "metadata" or child.find("style") is not None:
                root.remove(child)
    root.attrib.pop("version", None)
    root.attrib |= {"role": "img", "aria-label": description}
    text = ElementTree.tostring(root, encoding="unicode")
    return text.replace(INK, "currentColor")


def mark(index: int) -> str:
    """The point of the class ``index`` as a small ``<svg>``, for a legend."""
    colour, shape = look(index)
    outline, filled = SHAPES[shape]
    points = [f"{x:g} {-y:g}" for x, y in outline]
    if len(points) == 1:
        drawn = f'<circle r=".45" fill="{colour}"/>'
    elif filled:
        drawn = f'<path d="M{"L".join(points)}z" fill="{colour}"/>'
    else:
        strokes = "".join(
            f"M{a}L{b}" for a, b in zip(points[::2], points[1::2], strict=True)
        )
        drawn = f'<path d="{strokes}" stroke="{colour}" stroke-width=".3"/>'
    box = 'viewBox="-.6 -.6 1.2 1.2" width="12" height="12"'
    return f'<svg {box} aria-hidden="true">{drawn}</svg>'


def _tidy(element: ElementTree.Element, prefix: str, pointed: set[str]) -> None:
    element.tag = element.tag.rpartition("}")[2]
    if element.tag != "text":
        element.text = None
    element.tail = None
    attributes = element.attrib
    name = attributes.pop("id", "")
    if name in pointed:
        attributes["id"] = f"{prefix}-{name}"
    elif name.startswith("kind-"):
        attributes["class"] = f"points {name}"
    if _HREF in attributes:
        href = "".join(attributes.pop(_HREF).split())
        attributes["href"] = f"#{prefix}-{href[1:]}" if href[0] == "#" else href
    if "clip-path" in attributes:
        clip = attributes["clip-path"]
        attributes["clip-path"] = clip.replace("url(#", f"url(#{prefix}-")
    if "d" in attributes:
        attributes["d"] = short_path(attributes["d"])
    if element.tag == "text":
        _tidy_text(attributes)
    for child in element:
        _tidy(child, prefix, pointed)


def _tidy_text(attributes: dict[str, str]) -> None:
    """The page names the font; the text of cells need not be turned by nothing."""
    attributes["style"] = re.sub("font-family: [^;]*;? ?", "", attributes["style"])
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    for name in ("x", "y"):
        if name in attributes:
            attributes[name] = _tenths(round(10 * float(attributes[name])))


def short_path(data: str) -> str:
    """The same path in relative steps of a tenth of a unit.

    Args:
        data: absolute ``M``, ``L``, ``Q``, ``C`` and ``z``, as Matplotlib writes them.
    """
    out: list[str] = []
    here = start = (0, 0)
    tokens = _TOKEN.findall(data)
    at, command, written = 0, "", ""
    while at < len(tokens):
        if tokens[at].isalpha():
            command = tokens[at]
            at += 1
        if command == "z":
            here = start
            out.append("z")
            written = "z"
            continue
        pairs = {"M": 1, "L": 1, "Q": 2, "C": 3}[command]
        numbers = [round(10 * float(t)) for t in tokens[at : at + 2 * pairs]]
        at += 2 * pairs
        steps = [n - here[i % 2] for i, n in enumerate(numbers)]
        here = (numbers[-2], numbers[-1])
        if command == "M":
            start = here
        out.append(_joined(command.lower(), written, steps))
        # Steps after a move are lines, even without their letter.
        letter = out[-1][0] if out[-1][0].isalpha() else command.lower()
        written = "l" if letter == "m" else letter
    return "".join(out)


def _joined(command: str, written: str, steps: list[int]) -> str:
    """Join a command and its numbers; its letter only where it is required."""
    if command == "l" and 0 in steps:
        return f"h{_tenths(steps[0])}" if steps[1] == 0 else f"v{_tenths(steps[1])}"
    text = " ".join(map(_tenths, steps)).replace(" -", "-")
    if command == written != "m":
        return text if text[0] == "-" else " " + text
    return command + text


def _tenths(number: int) -> str:
    whole, tenth = divmod(abs(number), 10)
    digits = f"{whole or ''}.{tenth}" if tenth else str(whole)
    return f"-{digits}" if number < 0 else digits
