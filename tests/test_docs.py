"""The documents say what the program does: commands, options, defaults."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from imcodec import MlpSettings, PyramidSettings, settings_from, write_picture
from imcodec.grid import MAX_PIXELS as DECODER_LIMIT
from imcodec.image import MAX_PIXELS as READER_LIMIT
from imcodec_cli.options import MAX_PIXELS
from make_reference import PAGE, commands, reference
from pictures import scene

ROOT = Path(__file__).parents[1]
COMMANDS = commands()
OPTIONS = [
    pytest.param(name, option, id=f"{name} {option.opts[0]}")
    for name, command in COMMANDS.items()
    for option in command.params
]


def shown_commands(text: str) -> list[list[str]]:
    """The calls of imcodec in a document, as arguments: in code blocks and between backticks."""
    lines = [line.strip().removeprefix("$ ") for line in text.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`(imcodec [^`]+)`", text)
    calls = [shlex.split(line, comments=True) for line in lines if CALL.match(line)]
    return [call[1:] for call in calls if len(call) > 1]


#: a line that is a call, and not a sentence that begins with the name
CALL = re.compile(r"imcodec (-|encode|decode|info|verify|compare|bench)")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
CALLS = [
    pytest.param(call, id=f"{path.name}: {' '.join(call)}")
    for path in DOCUMENTS
    if path != PAGE
    for call in shown_commands(path.read_text())
]


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_every_option_has_a_help_text(command: str, option: Any) -> None:
    assert option.help
    assert "  " not in option.help


def test_every_command_has_a_help_text() -> None:
    assert set(COMMANDS) == {"encode", "decode", "info", "verify", "compare", "bench"}
    assert all(command.help for command in COMMANDS.values())


@pytest.mark.parametrize("call", CALLS)
def test_documented_commands_are_real(call: list[str]) -> None:
    if call[0] in ("-V", "--version", "--help") or "--help" in call:
        return
    command = COMMANDS[call[0]]
    pipe = next((i for i, word in enumerate(call) if word in ("|", "<", ">", "&&", ";")), None)
    command.make_context(call[0], call[1:pipe], resilient_parsing=len(call) == 1)


def test_the_readme_shows_every_command() -> None:
    shown = {call[0] for call in shown_commands((ROOT / "README.md").read_text())}
    assert shown >= set(COMMANDS)


def test_the_reference_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == reference(), "run: python tests/make_reference.py"


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_every_option_is_documented(command: str, option: Any) -> None:
    section = PAGE.read_text().split(f"## `imcodec {command} ")[1].split("\n## ")[0]
    for name in option.opts if option.param_type_name == "option" else ():
        assert f"`{name}" in section


def test_the_defaults_in_the_help_are_those_of_the_library() -> None:
    default, pyramid = MlpSettings(), PyramidSettings()
    helps = {option.name: option.help for option in COMMANDS["encode"].params}
    for name in ("output_activation", "features", "frequencies", "loss", "optimiser", "batch"):
        assert f"[default: {getattr(default, name)}]" in helps[name]
    for name in ("schedule", "bits", "lr"):
        value = getattr(default, name)
        text = value if isinstance(value, str) else f"{value:g}"
        assert f"[default: {text}]" in helps[name]
    assert f"[default: {len(default.activations)}]" in helps["layers"]
    assert f"[default: {default.activations[0]}]" in helps["activation"]
    for name in ("quality", "effort", "network", "tune"):
        value = getattr(pyramid, name)
        text = value if isinstance(value, str) else f"{value:g}"
        assert f"[default: {text}]" in helps[name]
    for option in COMMANDS["encode"].params:
        if option.name in ("device", "seed", "threads"):
            assert option.default == getattr(default, option.name)
            assert option.default == getattr(pyramid, option.name)
        elif option.name in {field.name for field in fields(PyramidSettings)} | {"model"}:
            assert option.default is None  # the library decides


def test_the_default_model_in_the_help_is_that_of_the_library() -> None:
    (option,) = (option for option in COMMANDS["encode"].params if option.name == "model")
    assert "[default: pyramid, or mlp if one of its options is given]" in option.help
    assert isinstance(settings_from(), PyramidSettings)
    assert isinstance(settings_from(bits=4), MlpSettings)
    # "the options from --recipe to --finetune belong to the mlp": all of them, and no other
    names = [option.name for option in COMMANDS["encode"].params]
    listed = names[names.index("recipe") : names.index("finetune") + 1]
    short = {"recipe", "layers", "width", "activation"}
    shared = {field.name for field in fields(PyramidSettings)}
    own = {field.name for field in fields(MlpSettings)} - shared
    assert set(listed) == short | own - {"widths", "activations"}


def test_limits_agree() -> None:
    assert MAX_PIXELS == DECODER_LIMIT == READER_LIMIT


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_picture(scene(24, 18), "bird.jpg")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    exec(blocks[0], names)
    assert names["pixels"].shape == (36, 48, 3)
    Path("bird.onnx").write_bytes(names["data"])
    exec(blocks[1], names)
    assert names["rgb"].shape == (1, 480, 640, 3)
