"""Dead letters made of messages."""

from connectors.records import DeadLetter, PlainMessage, original

MESSAGE = PlainMessage("orders", 3, 70, timestamp=1234, key=b"k", value=b"v", headers=[("h", None)])


def test_a_dead_letter_has_the_coordinates_of_its_message() -> None:
    """With the original bytes only where they are kept."""
    bare = DeadLetter.of(MESSAGE, "map", "key_missing", "no key", keep_original=False)
    assert tuple(bare) == ("orders", 3, 70, "map", "key_missing", "no key", None)
    assert bare.coordinates == "topic orders partition 3 offset 70"
    kept = DeadLetter.of(MESSAGE, "map", "key_missing", "no key", keep_original=True)
    assert kept == bare._replace(original=(1234, b"k", b"v", (("h", None),)))


def test_a_message_without_a_timestamp() -> None:
    """Timestamp type 0 means that there is none; it is kept as None, not as -1."""
    assert original(PlainMessage()) == (None, None, None, ())
