"""YAML is read as YAML 1.2's core, without floats, and every value can be found again by its line."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml

from allocator.documents import yaml_events
from allocator.documents.errors import DocumentError
from allocator.documents.lines import line_of
from allocator.documents.reading import read


def test_plain_scalars_are_null_booleans_whole_numbers_decimals_or_text() -> None:
    text = """
    a: [~, null, "", '~']
    b: [true, True, FALSE, yes, on, "true"]
    c: [0, -7, +7, 010, 0x10, 1_000, 9223372036854775808]
    d: [1.50, -.5, 1e3, 1., .inf, 1.2.3, 10.0.0.1]
    e:
    f: |
      10
    """
    data = read("\n".join(line[4:] for line in text.splitlines()))
    assert data["a"] == [None, None, "", "~"]
    assert data["b"] == [True, True, False, "yes", "on", "true"]
    assert data["c"] == [0, -7, 7, 10, "0x10", "1_000", 9223372036854775808]
    assert data["d"] == [
        Decimal("1.50"),
        Decimal("-0.5"),
        Decimal(1000),
        Decimal(1),
        ".inf",
        "1.2.3",
        "10.0.0.1",
    ]
    assert data["e"] is None
    assert data["f"] == "10\n"


def test_numbers_too_long_to_mean_anything_stay_text() -> None:
    data = read(f"a: {'9' * 41}\nb: 0.{'3' * 41}\nc: 1e1000\n")
    assert [type(value) for value in data.values()] == [str, str, str]


def test_forty_levels_are_read_and_one_more_is_not() -> None:
    nested: object = read("{a: " * 39 + "[]" + "}" * 39)
    for _ in range(39):
        assert isinstance(nested, dict)
        nested = nested["a"]
    assert nested == []
    with pytest.raises(DocumentError, match="40 levels"):
        read("{a: " * 40 + "[]" + "}" * 40)


def test_a_byte_order_mark_and_windows_line_ends_are_no_error() -> None:
    assert read("\ufeffversion: 1\r\na: b\r\n") == {"version": 1, "a": "b"}


DOCUMENT = """\
version: 1
pools:
- name: a
  capacity: {total: 1TiB,
    overcommit: 2}
-
  name: b
  tags:
    - x
    - y
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("pools",), 2),
        (("pools", 0), 3),
        (("pools", 0, "capacity", "total"), 4),
        (("pools", 0, "capacity", "overcommit"), 5),
        (("pools", 1, "name"), 7),
        (("pools", 1, "tags", 1), 10),
        (("pools", 1, "state"), 7),
        (("pools", 2), 2),
        (("pools", 0, "name", "deeper"), 3),
        (("hosts", 0), 1),
    ],
)
def test_a_path_has_the_line_of_its_value_or_of_what_is_deepest_on_the_way(
    path: tuple[str | int, ...], line: int
) -> None:
    assert line_of(DOCUMENT, path) == line


def test_the_python_parser_serves_where_the_c_one_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read(DOCUMENT)
    monkeypatch.setattr(yaml_events, "_Loader", yaml.SafeLoader)
    assert read(DOCUMENT) == expected
    assert line_of(DOCUMENT, ("pools", 1, "tags", 1)) == 10
    for text, line in (("a: [\n", 2), ("a: b\nc: \x01\n", 2), ("a: &x []\n", 1), ("a: 1\na: 2\n", 2)):
        with pytest.raises(DocumentError) as caught:
            read(text)
        assert caught.value.line == line
