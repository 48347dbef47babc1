"""The checksum is the one that browsers compute."""

import zlib

import pytest

from sa_notify.live.window import check
from tests.live.node import evaluate

KEYS = [
    "",
    "1",
    "a\nb",
    '["a","b"]',
    "é",
    "\u2028",
    "😀",
    "\ud800",
    "\udc00x",
    "\ud83d\ude00",
    "\ud800\ud800",
]


def test_it_is_the_unsigned_crc_of_keys_and_newlines() -> None:
    """The wire protocol's definition, to the letter."""
    assert check([]) == 0
    assert zlib.crc32(b"1\n2\n") == check(iter(["1", "2"]))
    assert check(["1", "2"]) != check(["2", "1"])
    assert any(check([str(n)]) > 2**31 for n in range(9))


@pytest.mark.parametrize("keys", [[key] for key in KEYS] + [KEYS])
def test_browsers_encode_the_same_bytes(keys: list[str]) -> None:
    """Half a surrogate pair is U+FFFD to TextEncoder; anything else would never match."""
    bytes_ = evaluate("keys => [...new TextEncoder().encode(keys.map(key => key + '\\n').join(''))]", keys)

    assert zlib.crc32(bytes(bytes_)) == check(keys)
