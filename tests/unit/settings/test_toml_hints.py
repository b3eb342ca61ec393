"""What is wrong in the TOML itself is told with its line and its remedy."""

import pytest

from connectors.errors import ConfigError
from connectors.settings.loading import load
from tests.unit.settings.conftest import Config

HEAD = '# c\n[kafka]\ntopics = ["a"]\n\n'


def test_a_byte_order_mark_is_passed_over(config: Config) -> None:
    """As editors on Windows write it."""
    assert config.load("\ufeff" + HEAD).kafka.topics == ("a",)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_reported(config: Config, encoding: str) -> None:
    """With the remedy, and no traceback."""
    config.file.write_bytes((HEAD + "# ü\n").encode(encoding))
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        load(config.file)


@pytest.mark.parametrize(
    ("toml", "line", "name"),
    [
        ('[kafka.properties]\n# x.y = 1\nsecurity.protocol = "SSL"', 7, "security.protocol"),
        ('[kafka.properties]\n"a" = "b"\nsasl . mechanism="x"', 7, "sasl.mechanism"),
        ('[kafka.properties]\r\nssl.ca.location = "x"\r\n', 6, "ssl.ca.location"),
        ('[kafka.properties.security]\nprotocol = "SSL"', 6, "security.protocol"),
        ('[kafka.secret_property_files]\nsasl.password = "x"', 6, "sasl.password"),
        ("[dead_letters.properties]\nlinger.ms = 5", 6, "linger.ms"),
        ("[dead_letters]\nproperties = { linger.ms = 5 }", 6, "linger.ms"),
        ('[mapping.topics]\nshop.orders = "x"', 6, "shop.orders"),
        ('[[transforms]]\ntype = "rename"\nfields = { meta.kind = "k" }', 7, "meta.kind"),
    ],
)
def test_a_dotted_name_without_quotes(config: Config, toml: str, line: int, name: str) -> None:
    """TOML makes tables of it; the text has the name in quotes, and the line."""
    text = config.refused(HEAD + toml)
    assert f'write "{name}" = ...' in text
    assert f"line {line}, " in text


def test_each_dotted_name_is_reported(config: Config) -> None:
    """All dotted names are reported at once."""
    toml = '[kafka.properties]\nsecurity.protocol = "SSL"\nssl.ca.location = "x"\n"ok.name" = 1'
    text = config.refused(HEAD + toml)
    assert text.count("remedy") == 2
    assert "line 6" in text
    assert "line 7" in text


@pytest.mark.parametrize(
    "path", [r"C:\Users\me\ca.pem", r"C:\certs\ca.pem", r"C:\temp\new.pem", r"D:\n\ca.pem"]
)
@pytest.mark.parametrize(
    "option", ['[kafka.properties]\n"ssl.ca.location"', "[tablestore]\nsecurity_token_file"]
)
def test_a_windows_path_in_double_quotes(config: Config, path: str, option: str) -> None:
    """What is an escape and what is none: both have the line and the remedy."""
    text = config.refused(f'{HEAD}{option} = "{path}"\n[window]\nrows = 5\n')
    assert "single quotes" in text
    assert "line 6" in text


def test_a_windows_path_in_single_quotes(config: Config) -> None:
    """As the remedy says, it works."""
    path = r"C:\temp\new.pem"
    for quoted in (f"'{path}'", '"' + path.replace("\\", "\\\\") + '"'):
        loaded = config.load(f'{HEAD}[kafka.properties]\n"ssl.ca.location" = {quoted}\n')
        assert loaded.kafka.properties == {"ssl.ca.location": path}


def test_other_mistakes_keep_their_text(config: Config) -> None:
    """Where no backslash is at fault, none is named."""
    assert "single quotes" not in config.refused(HEAD + 'x = "unclosed\n')
