"""Certificates named in settings become one TLS context; a file that is missing or wrong names its settings key."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapeline.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Which certificate files one section of the settings names; each may be absent."""

    section: str
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


def context(files: TlsFiles, *, verify: bool = True, check_host: bool = True) -> ssl.SSLContext:
    """Build the client's TLS context, from the system's authorities when no `ca_file` is named.

    `verify=False` encrypts without asking who answers (Postgres `require`); `check_host=False` trusts the authority for
    any host name (Postgres `verify-ca`). A client certificate is sent when `cert_file` is named.
    """
    _check(files)
    try:
        made = ssl.create_default_context(cafile=None if files.ca_file is None else str(files.ca_file))
    except (ssl.SSLError, OSError) as error:
        raise _unreadable(files, "ca_file", error) from error
    made.check_hostname = verify and check_host
    made.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if files.cert_file is not None:
        try:
            made.load_cert_chain(files.cert_file, files.key_file)
        except (ssl.SSLError, OSError) as error:
            raise _unreadable(files, "cert_file", error) from error
    return made


def told(error: ssl.SSLError) -> str:
    """Return what went wrong in a handshake, in a few words."""
    return str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error)


def _check(files: TlsFiles) -> None:
    """Refuse files that are not there, and a key without its certificate."""
    named = {"ca_file": files.ca_file, "cert_file": files.cert_file, "key_file": files.key_file}
    for name, path in named.items():
        if path is not None and not path.is_file():
            raise Misconfigured(
                f"settings key '{files.section}.{name}' names {path}, and there is no such file",
                fix="correct the path or remove the key",
            )
    if files.key_file is not None and files.cert_file is None:
        raise Misconfigured(
            f"settings key '{files.section}.key_file' is set and '{files.section}.cert_file' is not",
            fix="name the certificate that belongs to the key",
        )


def _unreadable(files: TlsFiles, name: str, error: Exception) -> Misconfigured:
    return Misconfigured(
        f"settings key '{files.section}.{name}' names {getattr(files, name)}, which is not a certificate "
        f"in PEM form that fits its key ({error})",
        fix="name a PEM file that this user may read",
    )
