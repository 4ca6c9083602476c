"""Map failures of the network to errors by meaning, each with a hint."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final

import httpx

from reconciler import errors
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.api.redaction import Redactor

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Failures after which the service surely has not seen the request."""
_CLOCK: Final = "check the clock of this machine"
_BY_CODE: Final[Mapping[int, str]] = {
    9: f"it is not valid yet: {_CLOCK}",
    10: f"it has to be renewed on the server, or {_CLOCK}",
    62: "it is for another host name: check the address",
    64: "it is for another address: use the host name that it is for",
}
"""Remedies by the codes of OpenSSL's verification; for all others, the authority is not trusted."""
_NO_TLS: Final = (
    "the server does not speak TLS there",
    "check the port, and whether the address is one of http://",
)
_NO_COMMON: Final = ("no version or cipher of TLS is common to both sides: {}", "update the older side")
_NO_CERTIFICATE: Final = (
    "the server refuses this client: {}",
    "it may require a client certificate, which is not supported, or another version of TLS",
)
_ADDRESS: Final = "check the address, and proxies in between"
_PARTS_FOR_PROGRAMMERS: Final = expression(r"^\[Errno -?\d+\] |^\[SSL: \w+\] | \(_ssl\.c:\d+\)$", re.ASCII)
"""What the system and OpenSSL add to their texts: numbers, and places in their source code."""
_BY_REASON: Final[Mapping[str, tuple[str, str]]] = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "NO_PROTOCOLS_AVAILABLE": _NO_COMMON,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _NO_COMMON,
    "TLSV1_ALERT_PROTOCOL_VERSION": _NO_COMMON,
    "UNSUPPORTED_PROTOCOL": _NO_COMMON,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _NO_CERTIFICATE,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _NO_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": _NO_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": _NO_CERTIFICATE,
}
"""What is wrong with a TLS connection, and what to do about it, by the reasons of OpenSSL."""


def unreachable(
    request: str, error: Exception, redactor: Redactor, trust_setting: str, proxy_variable: str
) -> errors.ApiError:
    """Return the error for a failure of httpx, with a hint about the settings of the connection.

    ``trust_setting`` is the setting of trusted certificates, ``proxy_variable`` that of the proxy if there is
    one.
    """
    reason = _reason(error, redactor)
    if isinstance(error, httpx.DecodingError):
        detail = f"the response cannot be decoded: {reason}"
        return errors.InvalidResponseError(errors.Failure(request, detail, in_doubt=True))
    in_doubt = not isinstance(error, _NEVER_SENT)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            detail = f"the server's certificate is not trusted: {redactor.line(cause.verify_message)}"
            remedy = _BY_CODE.get(
                cause.verify_code, f"set the certificate of its authority in {trust_setting}"
            )
            return errors.UntrustedError(errors.Failure(request, detail, hint=remedy))
        if isinstance(cause, ssl.SSLError):
            detail, remedy = _tls(cause, reason)
            return errors.UnreachableError(errors.Failure(request, detail, hint=remedy, in_doubt=in_doubt))
    what = "timed out" if isinstance(error, httpx.TimeoutException) else "no response"
    hint = "check the address and the network"
    if proxy_variable and isinstance(error, _NEVER_SENT):
        what = f"{what} from the proxy of {proxy_variable}"
        hint = f"check {proxy_variable}, or name the host in NO_PROXY"
        if isinstance(error, httpx.ProxyError) and reason.startswith("407"):
            hint = f"the proxy requires a login: set {proxy_variable} like http://USER:PASSWORD@proxy:3128"
    return errors.UnreachableError(errors.Failure(request, f"{what}: {reason}", hint=hint, in_doubt=in_doubt))


def _reason(error: Exception, redactor: Redactor) -> str:
    """Return why there is no response.

    A text of the operating system contains no secret, so it is not redacted: that would reveal a secret of
    few letters by the missing ones.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            break
        if text := errors.os_text(cause):
            return text
    return _PARTS_FOR_PROGRAMMERS.sub("", redactor.line(str(error))) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:  # one that is raised again may be its own context
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _tls(error: ssl.SSLError, reason: str) -> tuple[str, str]:
    """Return what is wrong with a TLS connection, and a hint."""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the server closed the connection within TLS", _ADDRESS
    detail, remedy = _BY_REASON.get(error.reason or "", ("TLS failed: {}", _ADDRESS))
    return detail.format(reason), remedy
