"""Certificates for servers of tests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)  # noqa: S607 - openssl of this machine


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, ``ca.pem``, and certificates of it with their keys."""
    folder = tmp_path_factory.mktemp("tls")
    key = str(folder / "key.pem")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key]
    authority = ["-x509", "-subj", "/CN=authority", "-days", "2", "-out", str(folder / "ca.pem")]
    openssl("req", *curve, *authority, "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-new", "-key", key, "-subj", "/CN=server", "-out", str(folder / "request.pem"))
    for name, days, names in (
        ("good", "2", "IP:127.0.0.1,DNS:localhost"),
        ("expired", "-1", "IP:127.0.0.1,DNS:localhost"),
        ("other", "2", "DNS:other.example.com"),
        ("elsewhere", "2", "IP:10.0.0.1"),
    ):
        (folder / "extensions").write_text(f"subjectAltName={names}\n")
        signing = ["-CA", str(folder / "ca.pem"), "-CAkey", key, "-CAcreateserial", "-days", days]
        given = ["-in", str(folder / "request.pem"), "-extfile", str(folder / "extensions")]
        openssl("x509", "-req", *given, *signing, "-out", str(folder / f"{name}.pem"))
    return folder
