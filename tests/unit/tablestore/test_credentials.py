"""Access keys: from the environment or files, fresh when files change, shown nowhere."""

import os
import pickle
from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.credentials import Credentials, CredentialsSource
from tests.unit.factories import CANARY

ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"
PLAIN = TablestoreSettings()


def parts(found: Credentials) -> tuple[str, str, str | None]:
    """Id, secret, token."""
    return (
        found.get_access_key_id(),
        found.get_access_key_secret(),
        found.get_security_token(),
    )


class Files:
    """Three files, each with a later time at each writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._time = 1_700_000_000
        self.settings = TablestoreSettings(
            access_key_id_file=folder / "id",
            access_key_secret_file=folder / "secret",
            security_token_file=folder / "token",
        )

    def write(self, **contents: str) -> None:
        """Rewrite some of them."""
        for name, text in contents.items():
            file = self.folder / name
            file.write_text(text)
            self._time += 1
            os.utime(file, (self._time, self._time))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Files with a first key."""
    made = Files(tmp_path)
    made.write(id="id-1\n", secret="  secret-1  ", token="token-1")
    return made


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({ID: "i", SECRET: "s"}, ("i", "s", None)),
        ({ID: "i", SECRET: "s", TOKEN: "t"}, ("i", "s", "t")),
        ({ID: " i\n", SECRET: "s ", TOKEN: ""}, ("i", "s", None)),
        ({ID: "i", SECRET: "s", TOKEN: " "}, ("i", "s", None)),
    ],
)
def test_from_the_environment(
    environ: dict[str, str], expected: tuple[str, str, str | None]
) -> None:
    """The three variables, less blanks around; an empty token is none."""
    assert parts(CredentialsSource(PLAIN, environ).get_credentials()) == expected


@pytest.mark.parametrize(
    ("environ", "variable", "option"),
    [
        ({}, ID, "access_key_id_file"),
        ({ID: "", SECRET: "s"}, ID, "access_key_id_file"),
        ({ID: "i"}, SECRET, "access_key_secret_file"),
        ({ID: "i", SECRET: "  "}, SECRET, "access_key_secret_file"),
        ({ID: "i", TOKEN: "t"}, SECRET, "access_key_secret_file"),
    ],
)
def test_a_missing_part_stops_with_the_remedy(
    environ: dict[str, str], variable: str, option: str
) -> None:
    """The text names the variable and the option, and shows nothing of the other parts."""
    with pytest.raises(StopRun) as caught:
        CredentialsSource(PLAIN, {**environ, "OTHER": CANARY})
    assert variable in str(caught.value)
    assert f"tablestore.{option}" in str(caught.value)


def test_files_win_over_variables(files: Files) -> None:
    """Where a file is named, its variable is not looked at, set or not."""
    environ = {ID: "env", SECRET: "env", TOKEN: "env"}
    source = CredentialsSource(files.settings, environ)
    assert parts(source.get_credentials()) == ("id-1", "secret-1", "token-1")


def test_files_and_variables_can_be_mixed(files: Files) -> None:
    """Each part has its own source."""
    made = TablestoreSettings(access_key_secret_file=files.folder / "secret")
    source = CredentialsSource(made, {ID: "env"})
    assert parts(source.get_credentials()) == ("env", "secret-1", None)


def test_keys_rotate_while_running(files: Files) -> None:
    """A file that changed is read again at the next request, and only then."""
    source = CredentialsSource(files.settings, {})
    first = source.get_credentials()
    assert source.get_credentials() is first
    files.write(id="id-2", secret="secret-2", token="token-2")
    assert parts(source.get_credentials()) == ("id-2", "secret-2", "token-2")
    files.write(token="token-3")
    assert parts(source.get_credentials()) == ("id-2", "secret-2", "token-3")
    assert parts(first) == ("id-1", "secret-1", "token-1"), "a request under way keeps its key"


def test_keys_rotate_by_a_link(files: Files, tmp_path: Path) -> None:
    """As Kubernetes does it: a link to a folder is pointed elsewhere, with older files too."""
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("id", "secret", "token"):
            (folder / name).write_text(f"{name}-{number}")
            os.utime(folder / name, (1_700_000_000 - number, 1_700_000_000 - number))
    link = tmp_path / "data"
    link.symlink_to(tmp_path / "1")
    source = CredentialsSource(Files(link).settings, {})
    assert parts(source.get_credentials()) == ("id-1", "secret-1", "token-1")
    other = tmp_path / "other"
    other.symlink_to(tmp_path / "2")
    other.replace(link)
    assert parts(source.get_credentials()) == ("id-2", "secret-2", "token-2")


@pytest.mark.parametrize("moment", ["missing", "empty", "no text"])
def test_a_gap_while_files_are_rewritten_does_no_harm(files: Files, moment: str) -> None:
    """A file that is gone, empty or half written for a moment leaves the last key in use."""
    source = CredentialsSource(files.settings, {})
    if moment == "missing":
        (files.folder / "secret").unlink()
    elif moment == "empty":
        files.write(secret="")
    else:
        (files.folder / "secret").write_bytes(b"\xff\xfe")
    assert parts(source.get_credentials()) == ("id-1", "secret-1", "token-1")
    files.write(secret="secret-2")
    assert parts(source.get_credentials()) == ("id-1", "secret-2", "token-1")


@pytest.mark.parametrize("name", ["access_key_id", "access_key_secret", "security_token"])
def test_a_file_that_cannot_be_read_at_the_start_stops(files: Files, name: str) -> None:
    """The text names option and path."""
    missing = files.folder / "nowhere"
    made = files.settings.model_copy(update={f"{name}_file": missing})
    with pytest.raises(StopRun) as caught:
        CredentialsSource(made, {})
    assert f"tablestore.{name}_file" in str(caught.value)
    assert str(missing) in str(caught.value)


@pytest.mark.parametrize("value", [f"{CANARY}\nX-Injected: 1", f"{CANARY} x", f"{CANARY}é€"])
@pytest.mark.parametrize("variable", [ID, TOKEN])
def test_a_key_that_is_no_key_stops_at_the_start(variable: str, value: str) -> None:
    """Line breaks, blanks and foreign letters within would break the head of each request."""
    environ = {ID: "i", SECRET: "s", variable: value}
    with pytest.raises(StopRun) as caught:
        CredentialsSource(PLAIN, environ)
    assert variable in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.P7
def test_nothing_shows_the_key(files: Files) -> None:
    """P7: repr, str, format and the attributes' names show no part of it."""
    environ = {ID: f"{CANARY}1", SECRET: f"{CANARY}2", TOKEN: f"{CANARY}3"}
    source = CredentialsSource(PLAIN, environ)
    found = source.get_credentials()
    for text in (repr(source), str(source), f"{source}", repr(found), str(found), f"{found!r}"):
        assert CANARY not in text
    assert not hasattr(found, "__dict__"), "vars() has nothing to show"
    assert parts(found) == (f"{CANARY}1", f"{CANARY}2", f"{CANARY}3")


def test_settings_with_key_files_can_be_copied(files: Files) -> None:
    """The settings hold paths only, so copies and pickles of them hold no key."""
    assert b"secret-1" not in pickle.dumps(files.settings)
    assert pickle.loads(pickle.dumps(files.settings)) == files.settings
