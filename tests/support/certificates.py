"""An authority of its own for a test, a server's certificate for 127.0.0.1 and a client's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """Makes certificates with the openssl command; a test is skipped where there is none."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs the openssl command, to make certificates")
        self._folder = folder
        self.certificate = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        _openssl(
            "req", "-x509", *_CURVE, "-days", "2", "-subj", f"/CN={name}",
            "-keyout", self._key, "-out", self.certificate,
        )  # fmt: skip

    def sign(self, name: str, host: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """The files of a certificate, good for that host, and of its key."""
        certificate, key, request, extra = (
            self._folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext")
        )
        extra.write_text(f"subjectAltName={host}\n")
        _openssl("req", *_CURVE, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl(
            "x509", "-req", "-days", "2", "-in", request, "-CA", self.certificate,
            "-CAkey", self._key, "-CAcreateserial", "-extfile", extra, "-out", certificate,
        )  # fmt: skip
        return certificate, key


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
