"""One API has one base URL, however it is spelt."""

from __future__ import annotations

import pytest

from reconciler.model.endpoint import BaseUrl

SAME = {
    "https://api.example.com": [
        "https://api.example.com",
        "https://api.example.com/",
        "https://api.example.com//",
        "HTTPS://API.example.COM",
        "https://api.example.com:443",
        "https://api.example.com:443/",
        "https://api.example.com:",
    ],
    "https://api.example.com/v1/Keys": ["https://API.example.com:443/v1/Keys/"],
    "https://api.example.com/a%2Fb": ["https://api.example.com/a%2fb"],
    "https://api.example.com:8443": ["HTTPS://api.example.com:8443/", "https://api.example.com:08443"],
    "http://127.0.0.1:8076": ["http://127.0.0.1:8076", "http://127.0.0.1:8076/"],
    "http://127.0.0.1": ["http://127.0.0.1:80"],
    "http://127.0.0.1:443": ["http://127.0.0.1:443"],
    "http://[::1]:8076": ["http://[::1]:8076", "http://[0:0:0:0:0:0:0:1]:8076/"],
}


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in SAME.items() for text in texts])
def test_every_spelling_of_a_base_url_has_one_normal_form(form: str, text: str) -> None:
    assert BaseUrl(text) == form
    assert BaseUrl(form) == form


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://user:secret@api.example.com", "user name or password"),
        ("https://api.example.com?token=secret", "invalid character"),
        ("https://api.example.com#x", "invalid character"),
        ("https://api.example.com/a b", "invalid character"),
        ("https://\u0430pi.example.com", "invalid character"),
        ("ftp://api.example.com", "no scheme and host"),
        ("api.example.com", "no scheme and host"),
        ("https://", "no scheme and host"),
        ("http://[::1]evil.com", "no scheme and host"),
        ("http://[::1", "invalid ipv6"),
        ("https://api.example.com/a/../b", "its path contains . or .."),
        ("https://api.example.com/a/%2e%2E/b", "its path contains . or .."),
        ("https://api.example.com:port", "port"),
        ("", "no scheme and host"),
    ],
)
def test_an_invalid_base_url_is_refused_without_echoing_secrets(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^") as refused:
        BaseUrl(text)
    assert reason in str(refused.value).lower()
    assert "secret" not in str(refused.value)
    assert BaseUrl.recorded(text) == text
