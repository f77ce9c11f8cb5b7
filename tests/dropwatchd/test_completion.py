"""What a shell offers behind dropwatchd and dropwatchd-upload: what their --help tells, no more and no less."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {"dropwatchd": "dropwatchd", "dropwatchd-upload": "dropwatchd.upload"}
SCRIPTS = ROOT / "docs/completions"
CI = os.environ.get("CI") == "true"
SHELLS = {
    "bash": ". {scripts}/{program}; _dropwatchd_completion {program} '{word}' '{before}'; "
            'printf "%s\\n" "${{COMPREPLY[@]}}"',
    "zsh": "fpath=({scripts} $fpath); autoload -Uz _dropwatchd; _files() {{ print FILES }}; "
           "compadd() {{ shift; print -l -- $@ }}; words=({program} {before} '{word}'); CURRENT=$#words; _dropwatchd",
    "fish": ". {scripts}/{program}.fish; complete -C '{program} {before} {word}'",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_is_offered_and_the_values_that_one_takes(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        assert not CI, f"CI installs {shell}"
        pytest.skip(f"needs {shell}")
    told = {}
    for name, module in MODULES.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -m {module} \"$@\"\n")
        program.chmod(0o755)
        shown = subprocess.run([program, "--help"], check=True, capture_output=True, text=True)
        told[name] = {*re.findall(r"^  (?:-h, )?(--[a-z-]+)", shown.stdout, flags=re.MULTILINE)}
    assert len(told["dropwatchd-upload"]) == 10

    def offered(program: str, word: str = "", before: str = "") -> set[str]:
        text = SHELLS[shell].format(scripts=SCRIPTS, program=program, word=word, before=before)
        done = subprocess.run([shell, "-c", text], check=True, capture_output=True, text=True, timeout=60,
                              cwd=tmp_path, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}",
                                                 "HOME": str(tmp_path)})
        assert done.stderr == ""
        return {line.split("\t")[0] for line in done.stdout.splitlines() if line}

    for name, options in told.items():
        assert {word for word in offered(name, "--") if word.startswith("--")} == options
    assert offered("dropwatchd", before="--source") == {"auto", "bpf", "net_dm", "none"}
    assert "setup" in offered("dropwatchd")
    assert "--to" not in offered("dropwatchd-upload", before="--database")
