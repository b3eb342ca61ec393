"""Why a connector's configuration cannot be imported."""


class UnsupportedConnectorConfig(Exception):  # noqa: N818 - it is what happens
    """The configuration cannot be imported; the text names the key, and holds no value."""


class UnresolvedPlaceholder(UnsupportedConnectorConfig):
    """A placeholder whose value cannot be read on this machine."""
