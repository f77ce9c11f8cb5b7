"""Configuration: typed, with defaults, and refused with file, key, value and what is allowed."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from dropwatchd.config import Config, ConfigError, load, parse
from dropwatchd.data import data_folder

PATH = Path("config.toml")


def test_an_empty_file_is_the_defaults() -> None:
    """Every key has a default."""
    assert parse("", PATH) == Config()


def test_the_shipped_example_documents_every_key_with_its_default() -> None:
    """The example equals the code: no key is missing, none is stale, each value is the default."""
    text = (data_folder("systemd") / "config.toml").read_text()
    assert parse(text, PATH) == Config()
    assert tomllib.loads(text) == msgspec.json.decode(msgspec.json.encode(Config()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[bpf]\nsample_bytes = 1000", "config.toml: bpf.sample_bytes: 1000 is not allowed: expected `int` <= 256"),
        ("colour = 1", "config.toml: colour: no such key; there are source, database, window_seconds"),
        ("[bpf]\nmax = 2", "config.toml: bpf.max: no such key; there are max_keys, sample_bytes"),
        ("source = 'x'", "config.toml: source: 'x' is not allowed: expected one of auto, bpf, net_dm, none"),
        ("source =", "config.toml: not TOML: "),
        (
            "[counters]\ninterval_seconds = 'a'",
            "config.toml: counters.interval_seconds: 'a' is not allowed: expected `float`",
        ),
        ("[counters]\ndisabled = ['zz']", "config.toml: counters.disabled: no collector is called zz; there are "),
        ("bpf = 3", "config.toml: bpf: 3 is not allowed: expected a table"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, message: str) -> None:
    """One line: file, key, value, and what is allowed."""
    with pytest.raises(ConfigError) as refused:
        parse(text, PATH)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """The default path may be missing, a path that was given may not."""
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    """What cannot be read is refused in one line."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
