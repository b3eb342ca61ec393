"""Why a connector's configuration cannot be taken over."""


class Refused(Exception):  # noqa: N818 - it is what happens
    """The configuration cannot be taken over; the text names the key, and holds no value."""


class Unfilled(Refused):
    """A placeholder whose value is not to be had here."""
