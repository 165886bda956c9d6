"""Digests of files."""

from __future__ import annotations

import pytest

from jiqa.io.digest import sha256_of_file


def test_a_digest_is_that_of_the_bytes(tmp_path):
    # The first two are examples of FIPS 180-4.
    for data, digest in (
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"a" * 1_000_000,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ):
        (tmp_path / "file").write_bytes(data)
        assert sha256_of_file(tmp_path / "file") == digest
        assert sha256_of_file(str(tmp_path / "file")) == digest
    with pytest.raises(FileNotFoundError):
        sha256_of_file(tmp_path / "none")
