"""Free memory is what both the system and a container's limit leave."""

from __future__ import annotations

from jiqa.training.free_memory import free_bytes

_SYSTEM = "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n"


def test_the_smaller_of_system_and_container_counts(tmp_path):
    system = tmp_path / "meminfo"
    system.write_text(_SYSTEM)
    assert free_bytes(system, tmp_path) == 8000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("500\n")
    (tmp_path / "memory.stat").write_text("file 9\ninactive_file 100\n")
    assert free_bytes(system, tmp_path) == 8000 * 1024
    (tmp_path / "memory.max").write_text("2000\n")
    assert free_bytes(system, tmp_path) == 1600
    first = tmp_path / "memory"
    first.mkdir()
    (first / "memory.limit_in_bytes").write_text("900")
    (first / "memory.usage_in_bytes").write_text("700")
    (first / "memory.stat").write_text("total_inactive_file 50\n")
    assert free_bytes(system, tmp_path) == 250


def test_another_system_says_how_much_it_has_or_nothing(tmp_path):
    found = free_bytes(tmp_path / "none", tmp_path)
    assert found is None or found > 2**20
