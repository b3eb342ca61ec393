"""JSON: exact values or a rejection, never another exception, never content in the reason."""

import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.formats.json import decode
from tests.unit.factories import CANARY


def rejected(data: bytes) -> Rejection:
    """The rejection of these bytes."""
    with pytest.raises(Rejection) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"18446744073709551616", 2**64),
        (b"-9223372036854775809", -(2**63) - 1),
        (b"9223372036854775807", 2**63 - 1),
        (b"1" + b"0" * 100, 10**100),
        (b"9007199254740993", 2**53 + 1),
        (b"0", 0),
        (b"-0", 0),
        (b"1e2", 100.0),
        (b"1.0", 1.0),
        (b"1.7976931348623157e308", sys.float_info.max),
        (b"5e-324", 5e-324),
        (b"null", None),
        (b"true", True),
        (b'""', ""),
        (b'"\\u0000"', "\0"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\xf0\x9f\x98\x80"', "\U0001f600"),
        (b" \t\r\n[1 , 2]\n ", [1, 2]),
        (b'{"a": 1, "b": 2, "a": 3}', {"a": 3, "b": 2}),
        (b'{"a": null, "": {}}', {"a": None, "": {}}),
    ],
)
def test_values_are_exact(data: bytes, value: Any) -> None:
    """Integers of any size and doubles stay as they are; of a name given twice the last counts."""
    found = decode(data)
    assert found == value
    assert type(found) is type(value)


def test_minus_zero_stays_a_double() -> None:
    """Minus zero is read as a double, which keeps its sign."""
    assert math.copysign(1, decode(b"-0.0")) == -1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json_empty"),
        (b" \t\r\n", "json_empty"),
        (b"\xef\xbb\xbf{}", "json_bom"),
        (b"\xef\xbb\xbf", "json_bom"),
        (b"NaN", "json_invalid"),
        (b'{"a": NaN}', "json_invalid"),
        (b"Infinity", "json_invalid"),
        (b"-Infinity", "json_invalid"),
        (b"1e400", "json_invalid"),
        (b"-1e400", "json_invalid"),
        (b'"\\ud800"', "json_invalid"),
        (b'"\\udc00x"', "json_invalid"),
        (b'"\\ud800\\ud800"', "json_invalid"),
        (b'{"a": 1', "json_invalid"),
        (b'{"a": "x', "json_invalid"),
        (b"[1, 2", "json_invalid"),
        (b'{"a": 1,}', "json_invalid"),
        (b"{'a': 1}", "json_invalid"),
        (b"{a: 1}", "json_invalid"),
        (b"{} {}", "json_invalid"),
        (b"{}\x00", "json_invalid"),
        (b"01", "json_invalid"),
        (b"+1", "json_invalid"),
        (b".5", "json_invalid"),
        (b"1.", "json_invalid"),
        (b"0x10", "json_invalid"),
        (b"1" * 5000, "json_invalid"),
        (b"-" + b"9" * 100_000, "json_invalid"),
        (b'"a\nb"', "json_invalid"),
        (b'"\x01"', "json_invalid"),
        (b'"\\x41"', "json_invalid"),
        (b"// x\n1", "json_invalid"),
        (b"undefined", "json_invalid"),
        (b"True", "json_invalid"),
        (b'"\xff"', "json_encoding"),
        (b'"\xc3"', "json_encoding"),
        (b'"\xed\xa0\x80"', "json_encoding"),
        (b'"\xc0\x80"', "json_encoding"),
        (b'"\xf5\x80\x80\x80"', "json_encoding"),
        (b"\x00\x00\x00\x00\x01{}", "json_invalid"),
        (b'{\x00"\x00a\x00"\x00', "json_invalid"),
        (b"\x1f\x8b\x08\x00", "json_invalid"),
        (b"[" * 1500 + b"]" * 1500, "json_depth"),
        (b"[" * 200_000, "json_depth"),
        (b'{"a":' * 200_000, "json_depth"),
        (b'[{"a":' * 100_000, "json_depth"),
    ],
)
def test_what_is_no_json_is_rejected(data: bytes, code: str) -> None:
    """Each kind of bad document is a Rejection with its code, and a sentence about it."""
    rejection = rejected(data)
    assert rejection.code == code
    assert rejection.reason


@pytest.mark.parametrize(
    "data",
    [
        f'{{"{CANARY}": nul}}',
        f'{{"a": "{CANARY}}}',
        f'"{CANARY}" "{CANARY}"',
        f"{CANARY}",
        f'{{"{CANARY}" 1}}',
        f'{{"{CANARY}": 1e999}}',
        f'{{"{CANARY}": {"1" * 5000}}}',
        f'"{CANARY}\\ud800"',
        f'"{CANARY}\\q"',
        f"\ufeff{CANARY}",
        f'{{"{CANARY}": 01}}',
        "[" * 3000 + CANARY,
    ],
)
def test_reasons_hold_no_content(data: str) -> None:
    """A reason goes to the log, so neither values nor names of the record are in it."""
    rejection = rejected(data.encode())
    assert CANARY not in rejection.reason
    assert CANARY not in str(rejection)
    assert rejection.__cause__ is None
    assert rejection.__suppress_context__, "a traceback would show the decoder's own text"


@pytest.mark.parametrize("data", [b'{"a": 1e999}', b'{"a": ' + b"7" * 5000 + b"}"])
def test_reasons_are_whole_sentences(data: bytes) -> None:
    """What is cut from the decoder's text leaves no loose end."""
    assert not rejected(data).reason.endswith(("- at", "-", "`", ":"))


@pytest.mark.parametrize(("data", "at"), [(b'"\xff"', 1), (b'{"abc": "\xc3"}', 9)])
def test_a_bad_byte_is_found_where_it_is(data: bytes, at: int) -> None:
    """The position given for bytes that are not UTF-8 is that in the document."""
    assert f"byte {at} " in rejected(data).reason


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_rejection(data: bytes) -> None:
    """No bytes raise anything else; what is accepted is what the standard library reads."""
    try:
        found = decode(data)
    except Rejection:
        return
    assert found == json.loads(data)


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@given(_values, st.booleans())
def test_every_json_document_comes_back_as_it_was(value: Any, ascii_only: bool) -> None:
    """Written by the standard library, in UTF-8 or escaped, each value is read without change."""
    found = decode(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert found == value
    assert repr(found) == repr(value), "types and signs too"


@given(_values, st.data())
def test_a_cut_document_never_passes_for_another(value: Any, data: st.DataObject) -> None:
    """A truncated object or array is rejected: it cannot be a shorter one by chance."""
    text = json.dumps([value]).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    assert rejected(text[:cut]).code.startswith("json_")


def test_deep_nesting_never_ends_the_process() -> None:
    """On a thread with the stack of an engine's worker (2 MiB) any depth is a value or rejection.

    In a process of its own, since a stack that overflows takes the whole one down.
    """
    program = """
import threading
from connectors.formats.json import decode
from connectors.errors import Rejection

def run():
    for depth in [*range(100, 3000, 100), 5000, 9900, 10_100, 60_000, 1_000_000]:
        for head, end in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")):
            try:
                decode(head * depth + b"1" + end * depth)
            except Rejection as rejection:
                assert rejection.code in ("json_depth", "json_values")
    print("survived")

threading.stack_size(2 << 20)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "survived\n", (done.returncode, done.stderr[-2000:])


def test_long_documents_of_very_many_values_are_rejected() -> None:
    """A few megabytes may not become gigabytes; commas in texts are no values."""
    for data in (b"[" + b"[]," * 600_000 + b"1]", b'{"a":[' + b"{}," * 600_000 + b"1]}"):
        with pytest.raises(Rejection) as caught:
            decode(data)
        assert caught.value.code == "json_values"
    commas = '\\",[{' * 400_000
    data = b'{"a":"' + commas.encode() + b'"}'
    assert decode(data) == {"a": '",[{' * 400_000}
    assert len(decode(b"[" + b"1," * 990_000 + b"1]")) == 990_001
