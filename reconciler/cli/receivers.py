"""The receivers of notifications: their addresses and secrets, from options and the environment only."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import click

from reconciler.api.exchange import HttpSettings
from reconciler.api.mail import Login, Mail, MailServer
from reconciler.api.webhook import Webhook
from reconciler.cli.console import Console
from reconciler.cli.credentials import smtp_password, webhook_secret
from reconciler.cli.system import ENVIRONMENT, RANDOMNESS
from reconciler.cli.values import ListType, option
from reconciler.cli.variables import MAIL, SLACK, SMTP, TEAMS, WEBHOOK
from reconciler.errors import ConfigurationError
from reconciler.model.clock import Clock
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.notification import Notification
from reconciler.model.secret import Secret
from reconciler.model.version import USER_AGENT
from reconciler.render.messages import mail_text, slack_body, teams_body, webhook_body
from reconciler.service.outbox import Receiver

_PAGE: Final = expression(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~!$&()*+,;=:@%/?-]*)?", re.ASCII)
_LONGEST_PAGE: Final = 1000


def _is_address(word: str) -> bool:
    return "://" in word


def _page(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Return an address that a message may link to. Raises BadParameter for an invalid one."""
    if text and (len(text) > _LONGEST_PAGE or not _PAGE.fullmatch(text)):
        message = "it is not an address like https://reconciler.example.com/, without a user or password."
        raise click.BadParameter(message, context, parameter)
    return text


def _addresses(text: str, variable: str) -> Any:
    return option(
        f"{text} Set it in the environment rather than on the command line. Repeatable.",
        type=ListType(_is_address),
        metavar="URL",
        envvar=variable,
        allow_from_autoenv=False,
    )


def _is_mailbox(word: str) -> bool:
    return "@" in word


def _mail(text: str, metavar: str, variable: str, needed: str) -> Any:
    return option(text, metavar=metavar, needs=(needed,), envvar=variable, allow_from_autoenv=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverOptions:
    """The options for receivers; each address is treated as a secret."""

    SECTION = "Notifications"

    webhook: tuple[str, ...] = _addresses("Notify this address, by a POST of JSON.", WEBHOOK)
    webhook_secret_file: str | None = option(
        "File with the secret that signs messages; overrides RECONCILER_DRIFT_WEBHOOK_SECRET.",
        type=click.Path(),
        metavar="FILE",
        needs=("webhook",),
        envvar="RECONCILER_DRIFT_WEBHOOK_SECRET_FILE",
        allow_from_autoenv=False,
    )
    slack: tuple[str, ...] = _addresses("Notify this incoming webhook of Slack.", SLACK)
    teams: tuple[str, ...] = _addresses("Notify this workflow of Microsoft Teams.", TEAMS)
    mail_to: tuple[str, ...] = option(
        "Notify this address by e-mail. Repeatable.",
        type=ListType(_is_mailbox),
        metavar="ADDRESS",
        needs=("smtp",),
        envvar=f"{MAIL}_TO",
        allow_from_autoenv=False,
    )
    mail_from: str | None = _mail("The sender of e-mail.", "ADDRESS", f"{MAIL}_FROM", "smtp")
    smtp: str | None = _mail(
        "The mail server: smtps://HOST, or smtp://HOST with STARTTLS.", "URL", SMTP, "mail_to"
    )
    smtp_user: str | None = _mail("Its user, if it requires a login.", "NAME", f"{SMTP}_USER", "smtp")
    smtp_password_file: str | None = _mail(
        "File with the password; overrides RECONCILER_DRIFT_SMTP_PASSWORD.",
        "FILE",
        f"{SMTP}_PASSWORD_FILE",
        "smtp_user",
    )
    status_page: str | None = option(
        "Address of the status page, which messages link to.",
        metavar="URL",
        callback=_page,
        needs=("slack|teams|mail_to",),
        envvar="RECONCILER_DRIFT_STATUS_PAGE",
        allow_from_autoenv=False,
    )


def receivers(
    options: ReceiverOptions, clock: Clock, console: Console, stop: threading.Event
) -> tuple[Receiver, ...]:
    """Return every receiver. Raises ConfigurationError."""
    return tuple(_receivers(options, clock, console, stop))


def _receivers(
    options: ReceiverOptions, clock: Clock, console: Console, stop: threading.Event
) -> Iterator[Receiver]:
    http = HttpSettings(USER_AGENT, clock, RANDOMNESS, environment=ENVIRONMENT, stop=stop)
    page = options.status_page or ""
    secret = webhook_secret(options.webhook_secret_file, console) if options.webhook else None
    for url in options.webhook:
        yield _posting("webhook", Webhook(Secret(url), secret, http), webhook_body)
    for url in options.slack:
        yield _posting("Slack", Webhook(Secret(url), None, http, "Slack"), partial(slack_body, page=page))
    for url in options.teams:
        yield _posting("Teams", Webhook(Secret(url), None, http, "Teams"), partial(teams_body, page=page))

    yield from _mails(options, http, console)


def _mails(options: ReceiverOptions, http: HttpSettings, console: Console) -> Iterator[Receiver]:
    """Yield a receiver for each address of e-mail. Raises ConfigurationError."""
    if options.smtp is None:
        return
    if options.mail_from is None:
        raise ConfigurationError("e-mail has no sender; set RECONCILER_DRIFT_MAIL_FROM to an address")
    login = None
    if options.smtp_user is not None:
        login = Login(options.smtp_user, smtp_password(options.smtp_password_file, console))
    server = MailServer.of(options.smtp, login)
    for recipient in options.mail_to:
        mail = Mail(server, options.mail_from, recipient, http)
        yield _mailing(mail, options.status_page or "")


def _mailing(mail: Mail, page: str) -> Receiver:
    def send(notification: Notification, identifier: str) -> str:
        return mail.send(*mail_text(notification, page), identifier)

    return Receiver("e-mail", mail.place, send, mail.close)


def _posting(name: str, webhook: Webhook, body: Callable[[Notification], Mapping[str, Any]]) -> Receiver:
    def send(notification: Notification, identifier: str) -> str:
        return webhook.send(body(notification), identifier)

    return Receiver(name, webhook.place, send, webhook.close)
