"""File names in every form: composed, decomposed, and none that is UTF-8."""

from __future__ import annotations

import io
import os
import unicodedata

import pytest

from jiqa.io.names import ANY_NAME, as_text, composed, find_file, folded

NFC = "caf\N{LATIN SMALL LETTER E WITH ACUTE}.png"
NFD = unicodedata.normalize("NFD", NFC)
BYTES = os.fsdecode(b"caf\xe9.png")


def test_forms_of_one_name():
    assert NFC != NFD and composed(NFD) == NFC
    assert folded(NFD.upper()) == folded(NFC) == NFC
    assert folded("STRASSE") == folded("straße")
    assert as_text(BYTES) == r"caf\xe9.png" and as_text(NFC) == NFC


@pytest.mark.parametrize(
    ("written", "named"), [(NFC, NFD), (NFD, NFC), (BYTES, NFC), (BYTES, BYTES)]
)
def test_a_file_is_found_in_whatever_form_it_is_named(written, named, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / written).touch()
    assert find_file(tmp_path, f"a\\{named}") == tmp_path / "a" / written
    assert find_file(tmp_path, "a/none.png") is None


def test_names_that_no_file_can_have(tmp_path):
    assert find_file(tmp_path, "a\0b") is None
    assert find_file(tmp_path, "a" * 5000) is None


def test_a_stream_takes_every_name():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii", errors=ANY_NAME)
    stream.write(f"{BYTES} {NFC}")
    stream.flush()
    assert raw.getvalue() == rb"caf" + b"\xe9" + rb".png caf\xe9.png"


def test_a_stream_that_took_a_name_can_be_read_back():
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", errors=ANY_NAME)
    stream.write(f"{BYTES} {NFC}")
    stream.seek(0)
    # As text that can be encoded: a test runner passes on what it has captured.
    assert stream.read() == rf"caf\xe9.png {NFC}"
