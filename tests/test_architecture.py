"""The layers import one way, and importing jiqa stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import jiqa

ROOT = Path(jiqa.__file__).parent

#: A module may import from its own layer and from those before it.
LAYERS = [
    {"options", "images", "encoded", "places", "numerics", "processes"},
    {"decode", "filters", "resample"},
    {"pyramids", "steerable", "complex_steerable", "metrix", "phase", "wavelets"},
    {"contrast", "colour", "saliency", "similarity", "block_vectors"},
    {"distortions"},
    {"appearance", "scene_statistics", "scale_mixture", "batches"},
    {"information_weights"},
    {"nn", "feature_maps"},
    {"pieces", "wiring"},
    {"contract", "weights"},
    {"learned", "joint", "tiles", "tiling"},
    {"metrics", "models", "loaded", "named_metrics"},
    {"catalogue", "__init__"},
    {"data"},
    {"training"},
    {"scoring"},
    {"evaluation"},
    {"analysis", "selectors"},
    {"report"},
    {"cli", "__main__"},
]


def _layer(module: str) -> int:
    """The layer of ``jiqa.a.b`` by its first part."""
    part = module.split(".")[1] if "." in module else "__init__"
    for index, names in enumerate(LAYERS):
        if part in names:
            return index
    raise AssertionError(f"{module} belongs to no layer: add {part} to LAYERS")


def _imports(path: Path):
    """jiqa modules that a file imports, also inside functions, not for types only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "jiqa")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "jiqa"
        ):
            if node.module == "jiqa":
                names = [f"jiqa.{a.name}" for a in node.names]
                known = {p.stem for p in ROOT.iterdir()}
                yield from (n if n.split(".")[1] in known else "jiqa" for n in names)
            else:
                yield str(node.module)


def test_imports_point_one_way():
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        importer = ".".join(parts)
        for imported in _imports(path):
            upward = _layer(imported) > _layer(importer)
            # The package's door to the metrics asks the catalogue when it is used.
            if upward and importer != "jiqa.metrics.__init__":
                wrong.append(f"{importer} imports {imported}")
    assert not wrong


def test_import_is_light():
    code = (
        "import sys, jiqa; print(*[m for m in ('PIL', 'matplotlib', 'pyarrow', 'rich',"
        " 'jinja2', 'tifffile', 'imagecodecs', 'tensorflow', 'tensorflow_datasets',"
        " 'torch', 'orbax', 'jiqa.metrics.pixel_error')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_modules_stay_readable():
    long = {
        str(p.relative_to(ROOT)): n
        for p in ROOT.rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 300
    }
    assert not long
