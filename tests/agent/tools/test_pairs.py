"""Files of settings: every value a string as it is written, with either parser of YAML."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tenure.agent.tools import pairs
from tenure.agent.tools.flags import ToolFailed
from tenure.agent.tools.pairs import settings_in
from tests.support.steady import steady

TABLES = Path(__file__).with_name("conformance")
FILES = sorted(
    {
        case["stdin"]
        for name in ("relation-set", "state-set")
        for case in map(json.loads, (TABLES / f"{name}.jsonl").read_text().splitlines())
        if "stdin" in case
    }
)


def outcome(content: bytes) -> object:
    """The settings, or how they are refused."""
    try:
        return settings_in(content)
    except ToolFailed as failed:
        return str(failed)


@pytest.mark.parametrize("text", FILES)
def test_both_parsers_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """T5: with libyaml and without"""
    fast = outcome(text.encode())
    monkeypatch.setattr(pairs, "_LOADER", yaml.BaseLoader)
    assert outcome(text.encode()) == fast


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SETTINGS = st.dictionaries(TEXT, TEXT, max_size=4)


@steady
@given(SETTINGS, st.booleans())
def test_json_reads_back_as_the_same_settings(settings: dict[str, str], ascii_only: bool) -> None:
    """T5, B3: as ops sends them"""
    assert settings_in(json.dumps(settings, ensure_ascii=ascii_only).encode()) == settings


PRINTABLE = st.text("abc019 .:-_é'\"#{}[]&*!|>%@~=<\n\t", max_size=20)


@steady
@given(st.dictionaries(PRINTABLE, PRINTABLE, max_size=4), st.sampled_from([None, "'", '"', "|"]))
def test_yaml_reads_back_as_the_same_settings(settings: dict[str, str], style: str | None) -> None:
    """T5, B3: as charmhelpers and older ops write them"""
    assert settings_in(yaml.safe_dump(settings, default_style=style).encode()) == settings


@steady
@given(st.binary(max_size=60) | st.text("a:{}[]&*?-!|>'\"#\n ,", max_size=40).map(str.encode))
def test_no_file_at_all_is_an_internal_fault(content: bytes) -> None:
    """T2, T10: and no error repeats what is in it"""
    found = outcome(content)
    if isinstance(found, str):
        assert found.startswith("yaml: ")
    else:
        assert isinstance(found, dict)
        assert all(isinstance(text, str) for pair in found.items() for text in pair)


@pytest.mark.parametrize(
    "content",
    [b"[" * 4_000_000, b"{" * 4_000_000, b'{"a":' * 1_000_000, b"- " * 1_000_000,
     b"a: &a [" + b"*a," * 1_000_000, b"? " * 1_000_000],
    ids=["lists", "maps", "json", "dashes", "aliases", "keys"],
)  # fmt: skip
def test_depth_costs_nothing(content: bytes) -> None:
    """B6: it is refused where it begins, or is no YAML"""
    began = time.process_time()
    assert isinstance(outcome(content), str)
    assert time.process_time() - began < 4.0


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    """B3"""
    assert outcome(b"a: \xff\n") == "yaml: invalid leading UTF-8 octet"
