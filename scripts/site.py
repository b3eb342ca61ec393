"""Builds the documentation as a site in site/: `make docs-site`.

The pages of docs/ are the site; the other Markdown pages of the repository are in project/ beside
them, and so are the files that a page links to. A broken link or anchor fails the build, and so
does a page that is in no menu of docs/mkdocs.yml. The site asks no other host for anything.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
SITE = ROOT / "site"
CONFIG = ROOT / "docs" / "mkdocs.yml"
_LINK = re.compile(r"(?<!\\)(\]\()([^)\s]+)(\))")
_FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'> ]+"
    r"|<link\b[^>]*\brel=[\"']?(?:stylesheet|preconnect|icon|preload)[^>]*(?:https?:)?//[^\"'> ]+"
)


def pages() -> list[str]:
    """The Markdown pages of the site, by their paths in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(listed.stdout.split())


def place(path: str) -> str:
    """Where a file of the repository is in the site's sources."""
    return path.removeprefix("docs/") if path.startswith("docs/") else f"project/{path}"


def staged(path: str, linked: Callable[[str], None]) -> str:
    """The text of a page with its links as they are in the site's sources.

    `linked` gets each file of the repository that is no page and that it links to. Links of code
    blocks are no links.
    """
    parts = re.split(r"(^```.*?^```)", (ROOT / path).read_text("utf-8"), flags=re.DOTALL | re.M)
    return "".join(
        part if part.startswith("```") else _LINK.sub(lambda m: _link(m, path, linked), part)
        for part in parts
    )


def _link(found: re.Match[str], path: str, linked: Callable[[str], None]) -> str:
    target, hash_sign, anchor = found[2].partition("#")
    if not target or re.match(r"[a-z]+:", target):
        return found[0]
    to = os.path.normpath(PurePosixPath(path).parent / target)
    if (ROOT / to).is_dir():
        # The folder's own page, where it has one.
        to = f"{to}/README.md"
    if (ROOT / to).exists() and not to.endswith(".md"):
        linked(to)
    here = PurePosixPath(place(path)).parent
    relative = os.path.relpath(place(to), here)
    return f"{found[1]}{relative}{hash_sign}{anchor}{found[3]}"


def stage(folder: Path) -> None:
    """Write the sources of the site."""
    for path in pages():
        to = folder / place(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        files: list[str] = []
        to.write_text(staged(path, files.append), "utf-8")
        for file in files:
            copy = folder / place(file)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, copy)


def configuration() -> str:
    """docs/mkdocs.yml, and at the end of its menu the decisions."""
    lines = [CONFIG.read_text("utf-8").rstrip("\n")]
    for path in pages():
        if path.startswith("docs/decisions/") and not path.endswith("README.md"):
            heading = (ROOT / path).read_text("utf-8").splitlines()[0]
            title = json.dumps(heading.removeprefix("# ").replace("`", ""), ensure_ascii=False)
            lines.append(f"      - {title}: {place(path)}")
    return "\n".join([*lines, ""])


def fetched() -> list[str]:
    """What pages of the site would fetch from other hosts."""
    return [
        f"{page.relative_to(SITE)}: {found[0]}"
        for page in sorted(SITE.rglob("*.html"))
        for found in _FETCHED.finditer(page.read_text("utf-8"))
    ]


def main() -> int:
    """Build the site; the exit code is 1 for a warning, and where it would ask another host."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage(folder / "docs")
        (folder / "mkdocs.yml").write_text(configuration(), "utf-8")
        command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
        code = subprocess.run(  # noqa: S603
            [*command, "--config-file", str(folder / "mkdocs.yml"), "--site-dir", str(SITE)],
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            check=False,
        ).returncode
    if code == 0 and (others := fetched()):
        sys.stderr.write("the site would ask other hosts:\n" + "\n".join(others) + "\n")
        return 1
    if code == 0:
        sys.stdout.write(f"{len([*SITE.rglob('*.html')])} pages in {SITE}/index.html\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
