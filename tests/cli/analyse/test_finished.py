"""What an analysis has finished is not replaced by mistake."""

from __future__ import annotations

import pytest

from jiqa.cli import main


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("analyse maximise --map nosuch:1 -o {0}/grid.png", "grid.png"),
        ("analyse dissect --map nosuch:1 -o {0}", "dissection.csv"),
        ("analyse attack mse a.png -o {0}", "scores.json"),
        ("analyse compete mse,mae a.png -o {0}", "scores.json"),
        ("analyse eigendistortions mse a.png -o {0}", "scores.json"),
        ("analyse explain mse a.png -r b.png -o {0}", "scores.json"),
        ("analyse prediction-difference a.png --map nosuch:1 -o {0}", "values.npz"),
        ("analyse select --data csiq -o {0}", "maps.json"),
        ("select learn --scores lost.csv -o {0}", "selector.json"),
        ("select report lost --scores lost.csv -o {0}", "figures.csv"),
    ],
)
def test_a_finished_file_is_replaced_with_force_alone(
    words, file, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.setenv("JIQA_DATA", str(tmp_path / "none"))
    (tmp_path / file).write_text("finished")
    call = words.format(tmp_path).split()
    with pytest.raises(SystemExit) as ended:
        main(call)
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{file} is there already: --force replaces it" in said
    assert (tmp_path / file).read_text() == "finished"
    with pytest.raises(SystemExit):
        main([*call, "--force"])
    assert "is there already" not in capsys.readouterr().err
