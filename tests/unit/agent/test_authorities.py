"""Which authorities are trusted: the system's, wherever it keeps them, and the operator's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.tls.authorities import context_with_authorities
from tests.support.tls_servers import Authority


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system's places for authorities, empty."""
    (tmp_path / "certs").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "certs"))
    return tmp_path


def trusted(ca_file: str | None = None) -> int:
    return context_with_authorities(ca_file).cert_store_stats()["x509_ca"]


def test_the_bundle_and_the_operators_own_are_loaded(system: Path) -> None:
    Authority("One").write(system / "bundle.pem")
    own = Authority("Own").write(system / "own.pem")
    assert (trusted(), trusted(str(own))) == (1, 2)


def test_what_the_directory_has_beyond_the_bundle_is_loaded_at_once(system: Path) -> None:
    one, two = Authority("One"), Authority("Two")
    one.write(system / "bundle.pem")
    one.write(system / "certs" / "0a1b2c3d.0")
    two.write(system / "certs" / "4e5f6a7b.1")
    Authority("Unhashed").write(system / "certs" / "unhashed.pem")
    (system / "certs" / "00000000.0").write_text("no certificate")
    (system / "certs" / "11111111.0").symlink_to(system / "gone")
    assert trusted() == 2


def test_a_broken_bundle_leaves_the_directory_to_openssl(system: Path) -> None:
    (system / "bundle.pem").write_text("broken")
    own = Authority("Own").write(system / "own.pem")
    assert trusted(str(own)) == 1


def test_an_own_file_that_cannot_be_read_is_an_error(system: Path) -> None:
    Authority("One").write(system / "bundle.pem")
    with pytest.raises(FileNotFoundError):
        trusted(str(system / "gone.pem"))
