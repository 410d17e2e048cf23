"""load_config and config_from: precedence, paths, and every error at once with its line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recsys.config.loading.load import config_from, load_config
from recsys.core.errors import ConfigError
from recsys.core.files import STDIN
from recsys.data.sources.several import files_of

MINIMAL = "data: {ratings: r.csv}\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "c.yaml") -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode())
    return path


def refused(text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(text), overrides)
    assert caught.value.exit_code == 2
    assert "Input should" not in str(caught.value)
    return str(caught.value)


def test_all_that_may_be_left_out_has_a_default() -> None:
    config = load_config(write(MINIMAL))
    assert (config.seed, config.split.method, config.model.embedding_dim) == (42, "random", 64)


def test_overrides_beat_the_file_and_the_file_beats_defaults() -> None:
    path = write(MINIMAL + "training: {method: adamw, n_epochs: 3, batch_size: 7}\n")
    config = load_config(path, ["training.n_epochs=4", "seed=5", "seed=6"])
    assert (config.training.n_epochs, config.training.batch_size, config.seed) == (4, 7, 6)


def test_an_override_is_split_at_the_first_equals_and_read_as_yaml() -> None:
    config = load_config(write(MINIMAL), ["data.delimiter='='", "model.y_range=[0, 5.5]", "training.lr_max=5e-3"])
    assert (config.data.delimiter, config.model.y_range, config.training.lr_max) == ("=", (0.0, 5.5), 0.005)


def test_a_mapping_in_an_override_replaces_the_mapping() -> None:
    path = write(MINIMAL + "split: {method: time, valid_fraction: 0.3}\n")
    split = load_config(path, ["split={test_fraction: 0.2}"]).split
    assert (split.method, split.valid_fraction, split.test_fraction) == ("random", 0.1, 0.2)


def test_an_override_makes_the_sections_that_it_needs() -> None:
    assert load_config(write(MINIMAL + "model:\n"), ["model.biases=false"]).model.biases is False
    assert load_config(write(MINIMAL), ["data.columns.user=id"]).data.columns.user == "id"


def test_paths_of_a_file_start_at_the_file_and_those_of_an_override_at_the_working_directory() -> None:
    here = Path.cwd()
    path = write("data: {ratings: ../r.csv, items: ~/i.csv}\n", "configs/c.yaml")
    assert load_config(path).data.ratings == here / "r.csv"
    assert load_config(path).data.items == Path.home() / "i.csv"
    assert load_config(path, ["data.ratings=sub/o.csv"]).data.ratings == here / "sub/o.csv"
    assert load_config(path, ["data={ratings: /o.csv}"]).data.ratings == Path("/o.csv").absolute()
    assert load_config(path, ["data.ratings=[a.csv, ~/b.csv]"]).data.ratings == (
        Path.cwd() / "a.csv",
        Path.home() / "b.csv",
    )


@pytest.mark.parametrize(
    "text", ['data: {ratings: "-"}\n', "data: {source: stream}\n", "data: {ratings: [/dev/stdin]}\n"]
)
def test_a_dash_is_standard_input_and_no_file(text: str) -> None:
    path = write(text, "configs/c.yaml")
    assert set(files_of(load_config(path).data.files["train"])) == {STDIN}
    assert load_config(path, ["data.ratings=-"]).data.ratings == STDIN


def test_five_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
data:
  ratings: r.csv
  duplicate: last
model:
  embedding_dim: 5e1
training:
  method: sdg
  lr_max: -1
split:
  mehtod: time
n_epochs: 5
"""
    lines = refused(text).splitlines()
    assert [line for line in lines if line.startswith("c.yaml")] == [
        "c.yaml:3: data.duplicate: there is no key 'duplicate' in data",
        "c.yaml:5: model.embedding_dim: 50.0 is not a whole number",
        "c.yaml:7: training.method: there is no method 'sdg'",
        "c.yaml:8: training.lr_max: -1 is too small",
        "c.yaml:10: split.mehtod: there is no key 'mehtod' in split",
        "c.yaml:11: n_epochs: n_epochs does not belong at the top",
    ]
    assert [line for line in lines if line.startswith("hint")] == [
        "hint: did you mean data.duplicates?",
        "hint: 50.0 is a float: write 50",
        "hint: did you mean sgd?",
        "hint: did you mean split.method?",
        "hint: it is training: {n_epochs: …} or ranking: {n_epochs: …}",
    ]
    assert (
        "expected auto, a number above 0 and up to 1e30, slice(1e-3), slice(1e-5, 1e-3) or a list, each entry a number"
        " above 0 and up to 1e30" in lines
    )
    assert "expected a whole number from 1 to 4096" in lines
    assert "expected one of method, valid_fraction, test_fraction, fold or n_folds" in lines


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "split: {method: tim}",
            "c.yaml:2: split.method: there is no method 'tim'\n"
            "expected random, user_random, time, user_time, leave_last, new_items, new_users or fold\n"
            "hint: did you mean time?",
        ),
        (
            "split: {valid_fraction: 1.5}",
            "c.yaml:2: split.valid_fraction: 1.5 is too large\nexpected a number of at least 0 and below 1",
        ),
        (
            "split: {valid_fraction: 0.5, test_fraction: 0.5}",
            "c.yaml:2: split: valid_fraction + test_fraction is 1.0: nothing is left to train on",
        ),
        ("split: 3", "c.yaml:2: split: 3 is not a section\nexpected keys below it: "),
        ("ranking: yes", "c.yaml:2: ranking: 'yes' is not a section\nexpected none, or keys below it: "),
        ("split: [a]", 'c.yaml:2: split: ["a"] is not a section\nexpected keys below it: '),
        (
            "model: {biases: no}",
            "c.yaml:2: model.biases: 'no' is not true or false\nexpected true or false\nhint: write false",
        ),
        (
            "model: {y_range: [1]}",
            "c.yaml:2: model.y_range: [1] is not a list of 2 entries, each a number from -1e30 to 1e30\n",
        ),
        (
            "model: {y_range: [5, 1]}",
            "c.yaml:2: model: y_range has to be [low, high] with low < high",
        ),
        (
            "model: {embedding_dim: '64'}",
            "c.yaml:2: model.embedding_dim: '64' is not a whole number\n"
            "expected a whole number from 1 to 4096\nhint: write it without quotes or leading zeros: 64",
        ),
        ("model: {embedding_dim: true}", "c.yaml:2: model.embedding_dim: true is not a whole number\nexpected a"),
        ("model: {lr: 1}", "c.yaml:2: model.lr: there is no key 'lr' in model\nexpected one of"),
        ("model: {kind: dot}", "c.yaml:2: model.kind: there is no kind 'dot'\nexpected dot_product"),
        (
            "training: {n_epochs: }",
            "c.yaml:2: training.n_epochs: no value is given\n"
            "expected a whole number from 1 to 1000000\nhint: write a value, or leave the key out",
        ),
        (
            "training: {lr_max: .inf}",
            "c.yaml:2: training.lr_max: inf is not a finite number\nexpected a finite number",
        ),
        ("training: {weight_decay: .nan}", "c.yaml:2: training.weight_decay: nan is not a finite number"),
        (
            "training: {embedding_dim: 3}",
            "c.yaml:2: training.embedding_dim: embedding_dim does not belong to training\nexpected keys of training: ",
        ),
        (
            "sed: 3",
            "c.yaml:2: sed: there is no key 'sed'\n"
            "expected one of data, split, model, training, ranking, refit, start or seed\nhint: did you mean seed?",
        ),
        ("seed: 99999999999999999999", "c.yaml:2: seed: 99999999999999999999 is too large\nexpected a whole"),
        ("seed: 1\nseed: 2", "c.yaml:3: seed: the key seed stands twice\nexpected each key once\nhint: keep one"),
        ("seed: [1", "c.yaml:3: not YAML at column 1: "),
        ('seed: "\\d"', "c.yaml:2: not YAML at column "),
        ("split:\n\tmethod: time", "c.yaml:3: not YAML at column "),
        ("seed: *nowhere", "c.yaml:2: not YAML at column "),
        ("seed: !!python/name:os.system ''", "c.yaml:2: seed: the tag !!python/name:os.system means"),
        ("seed: a\0b", "c.yaml:2: the character '\\x00' cannot stand in YAML"),
        ("split: &s {method: *s}", "c.yaml:2: split.method: split.method holds itself"),
        ("{{ a }}: 1", "c.yaml:2: a key that is a list or a mapping\nexpected a word before the colon"),
    ],
)
def test_a_mistake_is_told_with_its_line(line: str, message: str) -> None:
    assert refused(MINIMAL + line + "\n").startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.yaml: the file is empty\nexpected at least data: {ratings: FILE}\nhint: recsys init"),
        ("# nothing\n", "c.yaml: the file is empty"),
        (
            "- a\n",
            "c.yaml: the config is a list\nexpected sections: data: split: model: training: ranking: refit: start: "
            "seed:",
        ),
        (
            "user,item,rating\nu0,i0,1\n",
            "c.yaml: the config is 'user,item,rating u0,i0,1'\nexpected sections: data: split: model: training: "
            "ranking: refit: start: seed:\nhint: for a file of ratings: recsys init RATINGS writes a config",
        ),
        ("seed: 1\n", "c.yaml: data: data.ratings is missing: it names the ratings file"),
        ("data: {ratings: ''}\n", "c.yaml:1: data: data.ratings is missing: it names the ratings file"),
        (
            MINIMAL + "split: {valid_fraction: 0}\ntraining: {patience: 3}\n",
            "c.yaml:3: training.patience: patience chooses on valid, and there is none: set split.valid_fraction",
        ),
        (
            MINIMAL + "training:\n  schedule: constant\n  pct_start: 0.3\n",
            "c.yaml:4: training.pct_start: pct_start belongs to the schedule one_cycle or flat_cosine, and the",
        ),
        (
            MINIMAL + "training.lr_max: 3\n",
            "c.yaml:2: training.lr_max: training.lr_max does not belong at the top\nexpected keys at the top: data, "
            "split, model, training, ranking, refit, start and seed\nhint: it is training: {lr_max: …}",
        ),
        ("data: {ratings: r.csv, valid: v.csv}\n", "c.yaml:1: data: data.valid and data.test go with data.train"),
        ("data: {ratings: a, train: b}\n", "c.yaml:1: data: data.train excludes data.ratings: keep one of them"),
        (
            "data:\n  ratings: -\n",
            "c.yaml:2: not YAML at column 12: block sequence entries are not allowed in this context\nexpected YAML\n"
            'hint: put "-", which is standard input, in quotes',
        ),
        ("data: {ratings: []}\n", "c.yaml:1: data: an empty list names no ratings"),
        (
            "data: {ratings: [5]}\n",
            "c.yaml:1: data.ratings: [5] is not a path or a list, each entry a path",
        ),
        (
            "data: {ratings: 5}\n",
            "c.yaml:1: data.ratings: 5 is not a path or a list, each entry a path\n"
            "expected a path or a list, each entry a path\nhint: if it is text, write",
        ),
    ],
)
def test_a_file_that_is_no_config_is_refused(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "split.test_fraction=-1",
            "--set split.test_fraction=-1: -1 is too small\nexpected a number of at least 0 and below 1",
        ),
        (
            "training={lr_max: x}",
            "--set training={lr_max: x}: training.lr_max: 'x' is not auto, a number, slice(1e-3), slice(1e-5, 1e-3)"
            " or a list, each entry a number above 0 and up to 1e30\nexpected auto, a number above 0 and up to 1e30, ",
        ),
        ("training.lr_max=slice(1e-3, 0x)", "--set training.lr_max=slice(1e-3, 0x): 'slice(1e-3, 0x)' is not auto, "),
        ("training.lr_max=[1e-3, -1]", "--set training.lr_max=[1e-3, -1]: [0.001, -1] is not auto, "),
        ("modle.x=3", "--set modle.x=3: modle: there is no key 'modle'\nexpected "),
        ("seed", "--set seed: this sets no key\nexpected --set section.key=value"),
        ("=3", "--set =3: this sets no key\nexpected --set section.key=value"),
        ("seed=[1", "--set seed=[1: not YAML at column "),
        ("seed.x=1", "--set seed.x=1: seed is 4 and has no keys below it\nexpected a section"),
        (
            "split={method: time, method: time}",
            "--set split={method: time, method: time}: split.method: the key method",
        ),
    ],
)
def test_a_mistake_in_an_override_names_the_override(override: str, message: str) -> None:
    assert refused(MINIMAL + "seed: 4\n", override).startswith(message)


def test_mistakes_of_overrides_come_after_those_of_the_file() -> None:
    places = [line for line in refused(MINIMAL + "sed: 4\n", "b=1", "a=1").splitlines() if "no key" in line]
    assert [place.split(":")[0] for place in places] == ["c.yaml", "--set b=1", "--set a=1"]


def test_an_override_mends_the_file() -> None:
    assert (
        load_config(write(MINIMAL + "model: {embedding_dim: 0}\n"), ["model.embedding_dim=3"]).model.embedding_dim == 3
    )
    assert load_config(write(MINIMAL + "model: {dim: 0}\n"), ["model={embedding_dim: 3}"]).model.embedding_dim == 3


def test_a_missing_file_is_refused_with_the_nearest_name() -> None:
    write(MINIMAL, "configs/movielens.yaml")
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        load_config(Path("configs/movielens.yml"))
    assert (caught.value.where, caught.value.exit_code) == (str(Path("configs/movielens.yml")), 2)
    assert caught.value.hint == f"did you mean {Path('configs/movielens.yaml')}?"
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        load_config(Path("nowhere/c.yaml"))
    assert caught.value.hint == "recsys init RATINGS writes a config"


def test_a_folder_or_a_path_below_a_file_is_refused() -> None:
    Path("folder").mkdir()
    with pytest.raises(ConfigError, match=r"folder|cannot be read"):
        load_config(Path("folder"))
    with pytest.raises(ConfigError, match=r"cannot be read|no such file"):
        load_config(write(MINIMAL) / "c.yaml")


def test_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    path = Path("latin.yaml")
    path.write_bytes(MINIMAL.encode() + "# caf\u00e9\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith("latin.yaml:2: the byte 0xe9 is not utf-8\nexpected text in utf-8")


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    Path("c.yaml").write_bytes(b"\xef\xbb\xbfdata:\r\n  ratings: r.csv\r\nseed: 3\r\n")
    assert load_config(Path("c.yaml")).seed == 3


def test_a_section_with_nothing_in_it_means_its_defaults() -> None:
    assert load_config(write(MINIMAL + "model:\n  # embedding_dim: 3\ntraining: null\n")) == load_config(write(MINIMAL))


def test_anchors_and_merges_work_and_own_keys_win() -> None:
    path = write(
        "data: &d {ratings: r.csv, duplicates: last}\nmodel: {embedding_dim: &n 5}\ntraining: {n_epochs: *n}\n"
    )
    assert load_config(path).training.n_epochs == 5
    path = write("data:\n  columns: &c {user: u, item: i}\n  item_columns: {<<: {item: x, title: t}, item: y}\n")
    columns = load_config(path, ["data.ratings=r.csv"]).data.item_columns
    assert (columns.item, columns.title) == ("y", "t")


@pytest.mark.parametrize(
    ("rest", "method"),
    [
        ("", "sgd"),
        ("model: {kind: dot_product}\n", "sgd"),
        ("model: {y_range: null}\n", "sgd"),
        ("model: {y_range: [0, 5.5]}\n", "adamw"),
        ("model: {y_range: [0, 5.5]}\ntraining: {n_epochs: 3}\n", "adamw"),
        ("model: {y_range: [0, 5.5]}\ntraining:\n", "adamw"),
        ("training: {method: adamw}\n", "adamw"),
    ],
)
def test_a_method_that_is_left_out_is_sgd_where_it_can_fit_the_model(rest: str, method: str) -> None:
    assert load_config(write(MINIMAL + rest)).training.method == method


def test_an_override_of_the_model_changes_the_method_that_is_left_out() -> None:
    path = write(MINIMAL + "model: {y_range: [0, 5.5]}\n")
    assert load_config(path, ["model.y_range=null"]).training.method == "sgd"
    assert load_config(path, ["training.batch_size=64"]).training.method == "adamw"


def test_sgd_with_a_y_range_is_refused_and_adamw_named() -> None:
    message = refused(MINIMAL + "model: {y_range: [0, 5.5]}\ntraining: {method: sgd}\n")
    assert message.startswith("c.yaml:3: training.method: sgd cannot fit dot_product with y_range: adamw can")


def test_a_key_of_adamw_without_a_method_says_to_name_adamw() -> None:
    lines = refused(MINIMAL + "training: {batch_size: 64}\n").splitlines()
    assert lines[0] == "c.yaml:2: training.batch_size: batch_size belongs to the method adamw, and the method is sgd"
    assert lines[-1] == "hint: remove it, or set training.method: adamw"


def test_python_values_make_a_config() -> None:
    values = {"data": {"ratings": Path("r.csv")}, "model": {"y_range": (0, 5)}, "seed": 3}
    config = config_from(values, Path("base"))
    assert config.data.ratings == Path.cwd() / "base/r.csv"
    assert (config.model.y_range, config.seed) == ((0.0, 5.0), 3)


def test_numpy_numbers_are_numbers() -> None:
    import numpy as np

    values = {
        "data": {"ratings": "r.csv"},
        "model": {"embedding_dim": np.int64(5)},
        "training": {"lr_max": np.float32(0.5)},
    }
    config = config_from(values, Path())
    assert (config.model.embedding_dim, config.training.lr_max) == (5, 0.5)


def test_python_values_are_refused_by_key() -> None:
    values = {"data": {"ratings": "r.csv"}, "model": {"embedding_dim": 0, "clip": object()}, "sed": 1}
    with pytest.raises(ConfigError) as caught:
        config_from(values, Path())
    assert [error.where for error in (caught.value, *caught.value.more)] == [
        "model.clip",
        "model.embedding_dim",
        "sed",
    ]


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not Unicode"):
        config_from({"data": {"ratings": "caf\udce9.csv"}}, Path())


@pytest.mark.slow
def test_loading_a_config_imports_nothing_heavy() -> None:
    heavy = "torch pandas numba numpy pyarrow typer rich"
    code = (
        "import sys; from pathlib import Path; from recsys.config.loading.load import load_config; "
        f"load_config(Path({str(write(MINIMAL))!r})); "
        f"print(*(name for name in {heavy.split()!r} if name in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.stderr, ended.returncode) == ("", "", 0)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_device_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="this is a device"):
        load_config(Path("/dev/zero"))


def test_a_file_that_is_no_config_is_not_read_to_its_end() -> None:
    Path("c.yaml").write_bytes(b"x" * ((4 << 20) + 1))
    with pytest.raises(ConfigError, match="longer than 4 MB"):
        load_config(Path("c.yaml"))


def test_a_mapping_that_holds_itself_is_refused() -> None:
    mapping: dict[str, object] = {}
    mapping["data"] = mapping
    with pytest.raises(ConfigError, match="go deeper than 32 levels"):
        config_from(mapping, Path.cwd())


def test_an_override_of_a_key_without_end_is_refused() -> None:
    assert "this sets no key" in refused(MINIMAL, f"{'a.' * 5000}b=1")
