"""What commands print when all goes well: on a terminal of 80 columns, in a pipe, and as json."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recsys.artifacts.metrics import read_metrics

Recsys = Callable[..., Any]
Snapshot = Callable[..., None]
TRAIN = ("train", "--config", "config.yaml", "--run-dir", "runs/new")


def on_a_terminal(command: list[str], columns: int = 80) -> tuple[int, str]:
    """The exit code of a command on a terminal, and what is on the screen at the end, scrolled lines included."""
    code, printed = sent_to_a_terminal(command, columns)
    return code, screen(printed)


def sent_to_a_terminal(command: list[str], columns: int = 80) -> tuple[int, str]:
    """The exit code of a command on a terminal, and all that it printed, also what it has erased since."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "_TYPER_FORCE_DISABLE_TERMINAL")
    }
    env["TERM"] = "xterm"
    running = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    printed = bytearray()
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so at the end
            break
        if not part:
            break
        printed += part
    os.close(ours)
    return running.wait(), printed.decode()


def screen(printed: str) -> str:
    """The lines that remain of what was printed, after carriage returns, moves up and erasures."""
    lines, row = [""], 0
    for part in re.split(r"(\r\n|\n|\r|\x1b\[[0-9;?]*[a-zA-Z])", printed):
        if part in ("\n", "\r\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part.endswith("A") and part.startswith("\x1b["):
            row = max(0, row - int(part[2:-1] or 1))
        elif part != "\r" and not part.startswith("\x1b"):
            lines[row] = part if printed and "\r" in printed and not lines[row] else lines[row] + part
    return "\n".join(lines)


@pytest.mark.slow
def test_training_on_a_terminal(data: Path, script: str, snapshot: Snapshot) -> None:
    code, shown = on_a_terminal([script, *TRAIN])
    assert code == 0
    assert all(len(line) <= 80 for line in shown.splitlines())
    snapshot("train-terminal", shown)


@pytest.mark.slow
def test_what_init_saw_fits_a_terminal(data: Path, script: str) -> None:
    code, shown = on_a_terminal([script, "init", "ratings.csv", "--output", "new.yaml"], 60)
    assert code == 0
    assert "item ids:" in shown
    assert all(len(line) <= 60 for line in shown.splitlines())


@pytest.mark.slow
def test_a_terminal_is_told_while_kernels_are_compiled(
    data: Path, script: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("kernels")))
    code, printed = sent_to_a_terminal([script, *TRAIN, "--set", "training={method: sgd, n_epochs: 1}"])
    assert code == 0
    assert "compiling for this processor, once" in printed


def test_training_in_a_pipe(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*TRAIN)
    assert ended.code == 0
    snapshot("train-pipe-stdout", ended.out)
    snapshot("train-pipe-stderr", "\n".join(line for line in ended.err.splitlines() if "train rmse" in line))


def test_training_as_json(data: Path, recsys: Recsys) -> None:
    ended = recsys(*TRAIN, "--json")
    answer = json.loads(ended.out)
    assert answer == {**(read_metrics(data / "runs/new") or {}), "run_dir": "runs/new"}
    assert "epoch 3/3" in ended.err


def test_a_dry_run_writes_nothing(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    before = sorted(data.rglob("*"))
    ended = recsys("train", "--config", "config.yaml", "--dry-run")
    assert ended.code == 0
    assert "memory to train" in ended.out
    both = recsys("train", "--config", "config.yaml", "--dry-run", "--refit", "--set", "ranking={embedding_dim: 4}").out
    assert all(f"{name} scorer: time" in both for name in ("rating", "ranking"))
    assert "once more" in both
    ranks = ("--set", "training={method: sgd}", "--ranks", "2")
    needs = json.loads(recsys("train", "--config", "config.yaml", "--dry-run", *ranks, "--json").out)
    assert (needs["n_ratings"], needs["n_ranks"]) == (720, 2)
    of_ranks = recsys("train", "--config", "config.yaml", "--dry-run", *ranks).out
    assert "sent in an epoch by 2 ranks" in of_ranks
    assert "sent" not in ended.out
    assert recsys("train", "--config", "config.yaml", "--ranks", "2").code == 2
    assert "'--ranks'" in recsys("train", "--config", "config.yaml", "--dry-run", "--ranks", "0").err
    assert sorted(data.rglob("*")) == before


def test_a_dry_run_notes_what_does_not_fit(data: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.workflows.estimate.memory_limit", lambda: 1_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    ended = recsys("train", "--config", "config.yaml", "--dry-run")
    assert ended.code == 0
    assert "note: the run may not fit into memory" in ended.err
    assert "note: the run may not fit on the disk" in ended.err


def test_a_finished_run_is_not_trained_again(data: Path, recsys: Recsys) -> None:
    first = recsys(*TRAIN)
    again = recsys("train", "--resume", "--run-dir", "runs/new")
    assert (again.code, again.out) == (0, first.out)


def test_patience_with_one_cycle_is_remarked_upon(data: Path, recsys: Recsys) -> None:
    assert "note: training.patience" in recsys(*TRAIN, "--set", "training.patience=5").err


def test_init_says_what_it_saw_and_writes_a_config_that_trains(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys("init", "ratings.csv", "--output", "new.yaml")
    snapshot("init", ended.out)
    assert recsys("config", "validate", "new.yaml").out == "new.yaml is valid\n"
    assert recsys("train", "--config", "new.yaml", "--set", "training.n_epochs=1").code == 0


def test_predict(run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    snapshot("predict", recsys("predict", "0", "100").out)
    answer = json.loads(recsys("predict", "0", "100", "--json").out)
    keys = ("user_id", "item_id", "rating", "score", "link", "parts", "known_user", "known_item", "title")
    assert sorted(answer) == sorted(keys)
    assert sum(answer["parts"].values()) == pytest.approx(answer["score"], abs=1e-6)


def test_predict_at_a_time(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    arguments = ("--set", "model.user_drift=true", "--set", "training={method: gibbs, n_epochs: 20}")
    assert recsys("train", "--config", "config.yaml", "--run-dir", "runs/drift", *arguments).code == 0
    times = ("2001-09-09T04:16:40", "2001-09-09 06:16:40+02:00", "1000009000", "1000009000000")
    answers = [json.loads(recsys("predict", "0", "100", "--at", time, "--json").out) for time in times]
    assert answers[0]["parts"]["user_drift"] != 0
    assert all(answer == answers[0] for answer in answers)
    shown = recsys("predict", "0", "100", "--at", times[0], "--interval", "0.9").out.splitlines()
    assert [line.split("  ")[0] for line in shown] == [
        "user 0, item 100",
        shown[1],
        "part",
        shown[3],
        *("global mean", "user bias", "item bias", "user drift", "interaction", "score", "rating = clip(score)"),
    ]
    (data / "pairs.csv").write_text("userId,movieId\n0,100\n")
    out = recsys("predict", "--input", "pairs.csv", "--output", "out.csv").out
    assert out.splitlines()[1] == "the file has no times: predicted without user drift"
    out = recsys("evaluate", "--data", "ratings.csv").out
    assert "no times" not in out


def test_an_unknown_id_is_predicted_by_the_mean_when_asked(run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    snapshot("predict-on-unknown", recsys("predict", "99", "1000", "--on-unknown", "mean").out)
    answer = json.loads(recsys("predict", "zero", "100", "--on-unknown", "mean", "--json").out)
    assert (answer["user_id"], answer["known_user"], answer["known_item"]) == ("zero", False, True)


def test_ids_may_be_negative_or_look_like_options(run: Path, recsys: Recsys, data: Path) -> None:
    assert recsys("predict", "-5", "100").out.startswith("user -5, item 100")
    assert recsys("predict", "--json", "--", "-5", "100").code == 0
    assert recsys("recommend", "-5", "-n", "1").code == 0
    rows = "".join(
        f"{user},{item},{(3 * i + j) % 5}\n"
        for i, user in enumerate(["--run", "-n", "x"])
        for j, item in enumerate(["--json", "-a", "b"])
    )
    (data / "odd.csv").write_text("user,item,rating\n" + rows)
    override = ("--set", "data={ratings: odd.csv}", "--set", "split={valid_fraction: 0, test_fraction: 0}")
    trained = recsys("train", "--config", "config.yaml", *override)
    assert "recsys predict -- --run --json" in trained.out
    assert recsys("predict", "--", "--run", "--json").out.startswith("user --run, item --json")
    assert recsys("predict", "-n", "-a").out.startswith("user -n, item -a")


def test_predictions_for_a_file(run: Path, recsys: Recsys, data: Path) -> None:
    (data / "pairs.tsv").write_text("item\tuser\n100\t0\n1000\t99\n")
    ended = recsys("predict", "--input", "pairs.tsv", "--output", "out.csv", "--on-unknown", "mean")
    assert ended.out.splitlines() == [
        "2 predictions written to out.csv",
        "1 of them with an unknown user: predicted by the mean user",
        "1 of them with an unknown item: predicted by the mean item",
    ]
    assert len((data / "out.csv").read_text().splitlines()) == 3


def test_recommend(run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    snapshot("recommend", recsys("recommend", "0", "-n", "3").out)
    answer = json.loads(recsys("recommend", "0", "-n", "3", "--json").out)
    assert answer["user_id"] == 0
    assert [sorted(item) for item in answer["items"]] == [
        ["item_id", "n_interactions", "n_ratings", "rank", "rating", "score", "title"]
    ] * 3
    assert recsys("recommend", "0", "--min-ratings", "1000").out.startswith("no items to recommend")


def test_recommendations_for_all(run: Path, recsys: Recsys, data: Path) -> None:
    assert (
        recsys("recommend", "--all", "-n", "2", "--output", "top.csv").out
        == "80 items for 40 users written to top.csv\n"
    )
    assert len((data / "top.csv").read_text().splitlines()) == 81


@pytest.mark.slow
def test_a_long_name_of_a_run_is_the_only_cell_that_is_broken(run: Path, data: Path, script: str) -> None:
    run.rename(data / "runs" / f"a-long-name{'-and-longer' * 8}")
    _, shown = on_a_terminal([script, "runs"])
    row = next(line for line in shown.splitlines() if line.startswith("a-long-name"))
    assert "finished" in row
    assert all(len(line) <= 80 for line in shown.splitlines()[:4])


@pytest.mark.slow
def test_a_long_title_is_cut_on_a_terminal_only(data: Path, script: str, recsys: Recsys) -> None:
    title = "A title [bold] :cat: that goes on " + "and on " * 20 + "to its end"
    (data / "movies.csv").write_text("movieId,title\n" + "".join(f"{n},{title}\n" for n in range(100, 150)))
    assert recsys(*TRAIN).code == 0
    assert title in recsys("recommend", "0").out
    _, shown = on_a_terminal([script, "recommend", "0", "-n", "2"])
    assert len(shown.strip().splitlines()) == 5
    assert shown.count("A title [bold] :cat: that") == shown.count("…") == 2
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_evaluate(run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    snapshot("evaluate", recsys("evaluate", "--data", "ratings.csv").out)
    assert json.loads(recsys("evaluate", "--data", "ratings.csv", "--json").out)["n_ratings"] == 900


@pytest.mark.parametrize("form", ["csv", "npz"])
def test_export(form: str, run: Path, recsys: Recsys, data: Path) -> None:
    ended = recsys("export-factors", "--output", "factors", "--format", form)
    assert ended.code == 0
    *files, last = ended.out.splitlines()
    assert sorted(files) == sorted(str(path.relative_to(data)) for path in (data / "factors").iterdir())
    assert last == f"{Path('factors', 'README.md')} explains how to use them"


def test_export_with_an_index(run: Path, recsys: Recsys, data: Path) -> None:
    shown = recsys("export-factors", "--output", "factors", "--index", "hnsw").out.splitlines()[-2]
    recall = "recall@10 1.000 and recall@50 1.000 of exact lists for 40 users"
    assert shown == f"index of 50 items: {recall}, with expansion_search 64"
    answer = json.loads(recsys("export-factors", "--output", "again", "--index", "hnsw", "--json").out)
    assert answer["index"] == json.loads((data / "factors" / "index.json").read_text())
    assert (answer["index"]["recall"], answer["index"]["n_items"]) == ({"10": 1.0, "50": 1.0}, 50)


def test_runs(run: Path, recsys: Recsys, data: Path, snapshot: Snapshot) -> None:
    (data / "runs" / "second").mkdir()
    (data / "runs" / "second" / "config.yaml").write_text((run / "config.yaml").read_text())
    snapshot("runs", recsys("runs").out)
    assert [overview["status"] for overview in json.loads(recsys("runs", "--json").out)] == ["finished", "unfinished"]


def test_runs_elsewhere_and_none_at_all(run: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_RUNS", "elsewhere")
    assert recsys("runs").out == "no runs under elsewhere\n"
    assert recsys("predict", "0", "100").code == 4
    run.parent.rename("elsewhere")
    assert recsys("predict", "0", "100").code == 0


def test_inspect(run: Path, recsys: Recsys) -> None:
    whole = json.loads(recsys("inspect", "runs/first", "--verify", "--json").out)
    assert (whole["status"], whole["last"]["verified"], whole["serving"]["n_users"]) == ("finished", True, 40)
    newest = json.loads(recsys("inspect", run / "checkpoints" / whole["checkpoints"][-1], "--json").out)
    assert newest["epoch"] == 4


@pytest.mark.parametrize("part", ["", "/serving", "/checkpoints/epoch-0004"])
def test_inspect_is_a_short_table(part: str, run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys("inspect", f"first{part}")
    assert ended.code == 0
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    text = re.sub(r"python .*|[\d.]+ MB", "…", ended.out)
    snapshot(f"inspect{part.replace('/', '-')}", text)


@pytest.mark.parametrize(
    "command",
    [
        ("config", "validate"),
        ("config", "show"),
        ("train", "--dry-run"),
        pytest.param(("cross-validate", "--folds", 2), marks=pytest.mark.slow),
    ],
)
def test_a_config_is_named_by_its_place_or_by_an_option(command: tuple[str, ...], data: Path, recsys: Recsys) -> None:
    assert recsys(*command, "config.yaml").code == recsys(*command, "--config", "config.yaml").code == 0
    both = recsys(*command, "config.yaml", "--config", "config.yaml", "--json")
    assert (both.code, both.error["expected"]) == (2, "one config")
    assert recsys(*command, "--json").error["what"] == "no config is given"


def test_config_show_is_a_config(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    shown = recsys("config", "show", "config.yaml", "--set", "seed=7").out
    snapshot("config-show", shown.replace(data.as_posix(), "<here>"), exact=True)
    Path("shown.yaml").write_text(shown)
    assert recsys("config", "show", "shown.yaml").out == shown
    assert json.loads(recsys("config", "show", "config.yaml", "--json").out)["seed"] == 42


def test_config_reference_knows_every_key(recsys: Recsys, snapshot: Snapshot) -> None:
    text = recsys("config", "reference").out
    snapshot("config-reference-head", "\n".join(text.splitlines()[:12]))
    keys = [entry["key"] for entry in json.loads(recsys("config", "reference", "--json").out)]
    assert {"data.ratings", "training.lr_max", "seed"} <= set(keys)
    assert all(f"{key}:" in text for key in keys)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("recommend", "0"), ("config", "reference"), ("--help",), TRAIN], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(arguments: tuple[str, ...], run: Path, script: str) -> None:
    running = subprocess.Popen([script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.close()
    _, stderr = running.communicate(timeout=60)
    assert (running.returncode, b"rror" in stderr) == (0, False)


@pytest.mark.slow
def test_training_goes_on_when_nobody_reads_its_progress(data: Path, script: str) -> None:
    running = subprocess.Popen([script, *TRAIN], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stderr is not None
    running.stderr.close()
    assert running.stdout is not None
    assert b"Next:" in running.stdout.read()
    running.stdout.close()
    assert running.wait(60) == 0


@pytest.mark.slow
def test_the_module_runs_as_the_script_does(here: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "recsys", "runs"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "no runs under runs\n", "")


def test_a_bug_is_called_one(recsys: Recsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr("recsys.artifacts.directory.runs_root", broken)
    ended = recsys("runs", "--json")
    assert (ended.code, ended.out, "Traceback" in ended.err) == (1, "", True)
    assert ended.error["what"] == "this is a bug in recsys: ValueError: no such thing"
