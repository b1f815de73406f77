"""Certificates from settings: what is missing or does not fit names its settings key."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tapeline.errors import Misconfigured
from tapeline.runtime import tls
from tapeline.runtime.tls import TlsFiles
from tests.support.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_without_files_the_system_decides_whom_to_trust() -> None:
    made = tls.context(TlsFiles(section="kafka"))

    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_only_the_named_authority_is_trusted(authority: Authority) -> None:
    made = tls.context(TlsFiles(section="kafka", ca_file=authority.ca_file))

    [trusted] = made.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "tapeline test authority"),),)


@pytest.mark.parametrize(
    ("verify", "check_host", "expected"),
    [
        (True, True, (ssl.CERT_REQUIRED, True)),
        (True, False, (ssl.CERT_REQUIRED, False)),
        (False, False, (ssl.CERT_NONE, False)),
        (False, True, (ssl.CERT_NONE, False)),
    ],
)
def test_how_much_is_asked(*, verify: bool, check_host: bool, expected: tuple[ssl.VerifyMode, bool]) -> None:
    made = tls.context(TlsFiles(section="database"), verify=verify, check_host=check_host)

    assert (made.verify_mode, made.check_hostname) == expected


def refusal(files: TlsFiles) -> str:
    with pytest.raises(Misconfigured) as refused:
        tls.context(files)
    return str(refused.value)


@pytest.mark.parametrize("key", ["ca_file", "cert_file"])
def test_a_missing_file_names_its_key(key: str) -> None:
    assert refusal(TlsFiles(section="registry", **{key: Path("/absent")})) == (
        f"settings key 'registry.{key}' names /absent, and there is no such file: correct the path or remove the key"
    )


def test_a_key_without_its_certificate_is_refused(authority: Authority) -> None:
    assert refusal(TlsFiles(section="kafka", key_file=authority.issue("client").key)) == (
        "settings key 'kafka.key_file' is set and 'kafka.cert_file' is not: "
        "name the certificate that belongs to the key"
    )


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "text.pem"
    file.write_text("hello")

    assert refusal(TlsFiles(section="kafka", ca_file=file)).startswith(
        f"settings key 'kafka.ca_file' names {file}, which is not a certificate in PEM form"
    )


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")

    assert refusal(TlsFiles(section="kafka", cert_file=one.cert, key_file=other.key)).startswith(
        f"settings key 'kafka.cert_file' names {one.cert}, which is not a certificate in PEM form that fits its key"
    )
