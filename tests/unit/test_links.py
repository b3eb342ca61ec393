"""Links between the Markdown pages lead somewhere. `make docs-site` checks the same on the site."""

import re
from functools import cache
from pathlib import Path

import pytest

from scripts.site import configuration, place, staged
from tests.support.blocks import ROOT, pages

_LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^( *)```.*?^\1```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        name, number = slug, 0
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


def broken(page: str) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in _LINK.findall(prose(ROOT / page)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / target if target else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    """To files that exist, and to headings that their pages have."""
    assert broken(page) == []


def test_every_page_of_docs_can_be_found() -> None:
    """From the start page, or from README."""
    linked = {
        (ROOT / page).parent.joinpath(link.partition("#")[0]).resolve()
        for page in ("docs/index.md", "README.md")
        for link in _LINK.findall(prose(ROOT / page))
    }
    assert set((ROOT / "docs").glob("*.md")) - linked <= {ROOT / "docs" / "index.md"}


def test_every_decision_is_in_the_menu_of_the_site() -> None:
    """By its heading, without a line of its own in the configuration."""
    menu = configuration()
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert f": decisions/{path.name}\n" in menu


def test_the_site_has_the_links_of_the_repository() -> None:
    """Pages of docs/ are at its root, and what they link to outside is in project/."""
    files: list[str] = []
    text = staged("docs/extending.md", files.append)
    assert "](project/flows/sync.py)" in text
    assert "](testing.md)" in text
    assert files == ["flows/sync.py"]
    assert place("docs/decisions/README.md") == "decisions/README.md"
    assert "](../formats.md)" in staged("README.md", files.append)


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself can fail."""
    monkeypatch.setattr("tests.unit.test_links.ROOT", tmp_path)
    (tmp_path / "a.md").write_text("# A\n[x](b.md) [y](#a) [z](#no) [w](a.md#a)\n")
    assert broken("a.md") == ["b.md", "#no"]
