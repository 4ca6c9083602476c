"""The connection to the API and its secrets, from the options and the environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.api.address import binding, binding_fault, checked_url
from reconciler.api.apis import Apis
from reconciler.api.authentication import checked_secret, guard
from reconciler.api.client import Session
from reconciler.api.exchange import Exchange
from reconciler.api.gate import Gate
from reconciler.api.reader import Connection
from reconciler.api.redaction import Redactor
from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.cli.console import Console
from reconciler.cli.options import ConnectionOptions
from reconciler.cli.system import ENVIRONMENT, RANDOMNESS
from reconciler.cli.variables import FILE_VARIABLE, OLD_WEBHOOK_SECRET, PREFIX, SMTP_PASSWORD, WEBHOOK_SECRET
from reconciler.errors import ConfigurationError, os_reason
from reconciler.model.clock import Clock
from reconciler.model.configuration import BUILT_IN_AUTH, Api, Auth, AuthMethod
from reconciler.model.endpoint import BaseUrl
from reconciler.model.frozen import dataclass
from reconciler.model.secret import Secret
from reconciler.model.version import USER_AGENT


def sessions(  # noqa: PLR0913, PLR0917 - all that several connections depend on
    options: ConnectionOptions,
    clock: Clock,
    console: Console,
    stop: threading.Event | None = None,
    on_exchange: Callable[[Exchange], None] | None = None,
    workers: Mapping[str, Workers] | None = None,
    redactor: Redactor | None = None,
    gate: Callable[[str], Gate | None] = lambda _api: None,
) -> Apis:
    """Return the APIs, each of which is opened on first use.

    ``on_exchange`` replaces the output of -v, ``gate`` returns the gate for the requests to an API. Raises
    ConfigurationError if a token is missing.
    """
    stop, redactor = stop or threading.Event(), redactor or Redactor()

    def opened(api: Api) -> Session:
        count = options.parallelism_by_api[api.name]
        threads = Workers(count) if workers is None else workers[api.name]
        found = connection(options, clock, console, stop, on_exchange, api)
        return Session(replace(found, redactor=redactor, gate=gate(api.name)), threads)

    openers = {name: partial(opened, api) for name, api in options.apis.items()}
    apis = Apis(openers, clock, stop, redactor)
    if len(openers) == 1:
        return apis
    for api in options.apis.values():  # none may show the token of another, whether that is used or not
        with suppress(ConfigurationError):
            found = connection(options, clock, Console(-1, color=None), stop, on_exchange, api)
            guard(replace(found, redactor=redactor))
    return apis


def connection(  # noqa: PLR0913, PLR0917 - all that requests depend on
    options: ConnectionOptions,
    clock: Clock,
    console: Console,
    stop: threading.Event | None,
    on_exchange: Callable[[Exchange], None] | None,
    api: Api,
) -> Connection:
    """Build the settings of requests to one API. Raises ConfigurationError."""
    tokens = api_tokens(api, options, console)
    if options.configured.configuration is not None:
        is_option = options.token_file is not None and tokens.setting == _key_setting(options.token_file)
        console.detail(f"{api.name}.token: {tokens.setting}{'' if is_option else ' (environment)'}")
    return Connection(
        base_url=options.base_urls[api.name],
        token=tokens.token,
        second_token=tokens.second,
        client_id=tokens.client_id,
        token_setting=tokens.setting,
        auth=api.auth,
        constants=api.headers,
        api=api.name,
        user_agent=USER_AGENT,
        clock=clock,
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retry=RetryPolicy(attempts=options.retries + 1),
        stop=stop or threading.Event(),
        on_exchange=on_exchange or options.shown_by(console),
        on_wait=options.waits_shown_by(console, api.name),
        randomness=RANDOMNESS,
        environment=ENVIRONMENT,
    )


@dataclass(frozen=True, slots=True)
class ApiTokens:
    """The secrets of one API; ``setting`` is the name of their setting."""

    token: Secret
    setting: str
    second: Secret | None = None
    client_id: Secret | None = None


def api_tokens(api: Api, options: ConnectionOptions, console: Console) -> ApiTokens:
    """Return the secrets that the environment binds to the hosts of an API. Raises ConfigurationError.

    A file under review determines these hosts, but never which variable or file is read.
    """
    base_url, auth = options.base_urls[api.name], api.auth
    server = auth.server
    if server is not None:
        url = checked_url(server.url, "the token URL", "token_url")
        _check_issuer(base_url, url)
        client_id, setting = _bound("CLIENT_ID", url, console, auth.method)
        token, secret_setting = _bound("CLIENT_SECRET", url, console, auth.method)
        return ApiTokens(token, f"{setting} and {secret_setting}", client_id=client_id)
    token, setting = _api_token(base_url, options, console, auth)
    if auth.second_header is None:
        return ApiTokens(token, setting)
    second, second_setting = _bound("TOKEN2", base_url, console)
    return ApiTokens(token, f"{setting} and {second_setting}", second)


def _check_issuer(base_url: BaseUrl, token_url: BaseUrl) -> None:
    """Check that the access tokens of one host may be sent to another. Raises ConfigurationError.

    Otherwise a file under review could have a token fetched, and sent to a host of its choice.
    """
    if binding(base_url) == binding(token_url):
        return
    name, place = _variable("TOKEN_FROM", base_url), urlsplit(token_url).netloc
    if ENVIRONMENT.get(name) != place:
        there = urlsplit(base_url).netloc
        message = f"access tokens of {place} may not be sent to {there}; to allow it, set {name}={place}"
        raise ConfigurationError(message)


def _api_token(
    base_url: BaseUrl, options: ConnectionOptions, console: Console, auth: Auth
) -> tuple[Secret, str]:
    """Return the token for the host of an API, and the name of its setting."""
    is_built_in = base_url == options.built_in_url or _place(base_url) == _place(options.built_in_url)
    name = "" if binding_fault(base_url) else _variable("TOKEN", base_url)
    is_bound = bool(name) and (name in ENVIRONMENT or _variable("TOKEN_FILE", base_url) in ENVIRONMENT)
    if is_built_in and (options.token_file is not None or not is_bound):
        return api_token(options.token_file, console, auth), _key_setting(options.token_file)
    return _bound("TOKEN", base_url, console, auth.method)


def _key_setting(token_file: str | None) -> str:
    """Return the name of the setting with the key of the built-in API."""
    return "GCORE_API_KEY" if token_file is None else f"the token file {token_file}"


def _place(url: BaseUrl) -> tuple[str, str]:
    """Return the target that a token is bound to: the host with its port, and whether it is encrypted."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _variable(what: str, url: BaseUrl) -> str:
    return f"{PREFIX}_{what}_{binding(url)}"


def _bound(
    what: str, url: BaseUrl, console: Console, method: AuthMethod = AuthMethod.TOKEN
) -> tuple[Secret, str]:
    """Return the secret that the environment binds to the host of an address, and its variable.

    Raises ConfigurationError.
    """
    name, file_name = _variable(what, url), _variable(f"{what}_FILE", url)
    file = ENVIRONMENT.get(file_name)
    text, where = ENVIRONMENT.get(name), name
    if file:
        text, where = _read_secret(file, "token", console), f"the file of {file_name}"
    if text is None or not text.strip():
        lack = "not set" if text is None else "empty"
        place = urlsplit(url).netloc
        raise ConfigurationError(
            f"no token for {place}: {where} is {lack}; set {name}, or {file_name} to its file"
        )
    return checked_secret(text, where, method), file_name if file else name


def api_token(token_file: str | None, console: Console, auth: Auth = BUILT_IN_AUTH) -> Secret:
    """Read the API's token from a file or the environment. Raises ConfigurationError if it is unusable."""
    if token_file is None:
        text = ENVIRONMENT.get("GCORE_API_KEY")
    else:
        text = _read_secret(token_file, "token", console)
    where = _key_setting(token_file)
    if text is None or not text.strip():
        lack = "not set" if text is None else "empty"
        raise ConfigurationError(f"no token: {where} is {lack}; set GCORE_API_KEY or use --token-file")
    return checked_secret(text, where, auth.method)


def private_file(options: ConnectionOptions) -> str | None:
    """Return a token file that can be read only once: a pipe, or an open descriptor."""
    bound = (value for name, value in ENVIRONMENT.items() if FILE_VARIABLE.fullmatch(name))
    files = (*filter(None, (options.token_file,)), *bound)
    return next((file for file in files if _is_private(file)), None)


def _is_private(file: str) -> bool:
    path = Path(file).absolute()
    is_descriptor = path.is_relative_to("/dev") or path.is_relative_to("/proc")
    return path.exists() and (is_descriptor or not path.is_file())


def webhook_secret(secret_file: str | None, console: Console) -> Secret | None:
    """Read the secret that signs messages, if there is one. Raises ConfigurationError if it is unusable."""
    if secret_file is None:
        text = ENVIRONMENT.get(WEBHOOK_SECRET) or ENVIRONMENT.get(OLD_WEBHOOK_SECRET)
        return Secret(text) if text else None
    text = _read_secret(secret_file, "webhook secret", console)
    if not text:
        raise ConfigurationError(f"the webhook secret file {secret_file} is empty")
    return Secret(text)


def smtp_password(password_file: str | None, console: Console) -> Secret:
    """Read the password of the mail server. Raises ConfigurationError if there is none."""
    if password_file is None:
        text, where = ENVIRONMENT.get(SMTP_PASSWORD, ""), SMTP_PASSWORD
    else:
        text, where = _read_secret(password_file, "mail password", console), f"the file {password_file}"
    if not text:
        raise ConfigurationError(f"the mail server has a user but no password; {where} is empty or not set")
    return Secret(text)


def _read_secret(path: str, what: str, console: Console) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = os_reason(error, "it is not UTF-8 text")
        raise ConfigurationError(f"the {what} file {path} cannot be read: {reason}") from None
    console.warn_of_readers(path, f"{what} file")
    return text.removesuffix("\n").removesuffix("\r")
