"""Every error of the reconciler, by meaning.

What lower libraries raise becomes one of the classes below, with the lower exception as its cause::

    ReconcilerError                       exit code 1
    |-- InputError                        the files are wrong; carries every problem found
    |-- ConfigurationError                token, address or another setting is missing or unusable
    |   `-- GitError                      Git cannot be run, or fails (load/repository.py)
    |       |-- NoWorkTreeError           a path is not in a Git work tree
    |       `-- UntrustedRepositoryError  the Git directory is not the work tree's own
    |-- DescriptionError                  an OpenAPI description lacks what a kind needs
    |-- RefusedError                      a plan was not executed, exit code 3
    |-- JournalError                      a write could not be recorded
    |   `-- HistoryError                  a history cannot be opened, read or written
    |-- SinkError                         a secret cannot be stored, or may not be stored
    |-- SchemaMismatchError               a live key cannot be compared with its declaration
    |-- UnaddressableError                a name cannot be one segment of a request path
    |-- AmbiguousNameError                a name leads to no one live key, where the service makes ids
    |-- UnreadableError                   some scopes could not be read
    |-- ThrottledError                    the service asked for too long a pause before a request was sent
    |-- SystemFailureError                the operating system refused something, such as another open file
    |-- StoppedError                      interrupted before a request was sent, exit code 130
    `-- ApiError                          a request did not give what was asked for
        |-- UnreachableError              no response: connection, time-out, broken off
        |   `-- UntrustedError            the server's certificate could not be verified
        |-- UnauthorizedError             401
        |-- ForbiddenError                403
        |-- NotFoundError                 404, 410
        |-- ConflictError                 409
        |-- RejectedError                 400, 422 and every other 4xx
        |   `-- NoSuchMethodError         405
        |-- TimedOutError                 408
        |-- RateLimitedError              429
        |-- StandbyError                  the server of a secret store is on standby
        |-- ServerFaultError              5xx
        `-- InvalidResponseError          a response that is not JSON, or does not match the documented schema
            |-- AcceptedError             a success status that does not say that a write is done
            `-- IncompleteReadError       a listing that does not hold what it counts

The cause is left out (``from None``) only where a traceback of it, with its local variables, could show a
secret: a request with its token, and an address that may contain one (api/http_client.py), the address of a
proxy with its password (api/environment.py), requests with new secrets and their responses
(api/secret_server.py, apply/sinks/kubernetes.py, apply/sinks/vault.py), the response with an access token
(api/authentication.py), what a mail server was sent and repeats (api/mail.py), the environment of a program
(apply/sinks/program.py), a secret that is being written (apply/sinks/file.py), and the content of a secret's
file that is not text (apply/sinks/spec.py, cli/credentials.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from reconciler.model.failure import ExitCode as ExitCode  # noqa: PLC0414 - part of the errors for all others
from reconciler.model.failure import Failure as Failure  # noqa: PLC0414 - likewise
from reconciler.model.phrases import first_texts, from_api
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def os_text(error: BaseException) -> str:
    """Return the operating system's own text for an error, without number or file; empty if it has none."""
    return (isinstance(error, OSError) and error.strerror) or ""


def os_reason(error: BaseException, otherwise: str = "") -> str:
    """Return why the system refused a file or program, without its name; never empty.

    For an error that is not an OSError, such as a name with a NUL character, return ``otherwise``, or its own
    text.
    """
    return os_text(error) or otherwise or str(error) or type(error).__name__


class ReconcilerError(Exception):
    """The root class of every error that this package raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the arguments that rebuild an equal error in another process."""
        return type(self).__new__, (type(self), *self.args), self.__dict__

    @property
    def is_transient(self) -> bool:
        """Whether the same operation may succeed later without any change to files or settings."""
        return False

    @property
    def texts(self) -> tuple[str, ...]:
        """Return each thing that is wrong as one text."""
        return (str(self),)


class InputError(ReconcilerError):
    """The desired-state files are invalid; ``problems`` holds every problem, sorted by position."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Store the problems, sorted by position."""
        unplaced = Position("", 0, 0)
        self.problems = tuple(sorted(problems, key=lambda problem: problem.position or unplaced))
        super().__init__("\n".join(self.texts))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return each of the first problems as one text, and a text with the number of the others."""
        return first_texts(self.problems)


class ConfigurationError(ReconcilerError):
    """A setting is missing or invalid; the message names the setting and the fix."""


class DescriptionError(ReconcilerError):
    """An OpenAPI description lacks something that a kind needs; the message names it."""


class RefusedError(ReconcilerError):
    """A plan was refused before its first write."""

    exit_code = ExitCode.REFUSED


class JournalError(ReconcilerError):
    """A journal line could not be written to disk, so the write that it records is not done."""


class HistoryError(JournalError):
    """A history file cannot be used, or is in use; the message names it."""


class SinkError(ReconcilerError):
    """A secret cannot or may not be stored; the message never contains it."""


class SchemaMismatchError(ReconcilerError):
    """A live key does not match the documented schema of its kind."""


class UnaddressableError(ReconcilerError):
    """A name cannot be one segment of a request path: the request would address another resource."""


class AmbiguousNameError(ReconcilerError):
    """Several live objects have one name, or the only one has no usable id; the message lists the ids."""


class UnreadableError(ReconcilerError):
    """Some scopes could not be read, so there is no plan; ``causes`` holds the error of each scope."""

    def __init__(self, causes: Mapping[str, ReconcilerError], apis: Mapping[str, str] | None = None) -> None:
        """Store the errors, sorted by scope, and the API of each scope where there are several."""
        self.causes = dict(sorted(causes.items()))
        self.apis = dict(apis or {})
        super().__init__("\n".join(self.texts))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return one text for each scope."""
        return tuple(
            f"{scope} could not be read{from_api(self.apis.get(scope, ''))}: {error}"
            for scope, error in self.causes.items()
        )

    @property
    def is_transient(self) -> bool:
        """Whether a scope may become readable later."""
        return any(error.is_transient for error in self.causes.values())


class ThrottledError(ReconcilerError):
    """A request was not sent, because the service asked for a longer pause than the limit."""

    is_transient = True


class SystemFailureError(ReconcilerError):
    """The operating system refused something, such as another open file or more memory."""

    is_transient = True


class StoppedError(ReconcilerError):
    """The run was interrupted before a request was sent."""

    exit_code = ExitCode.INTERRUPTED


class ApiError(ReconcilerError):
    """A request failed; ``failure`` holds the facts.

    ``response`` is the parsed response body of a creation, where it could be read. It may hold the secret of
    a key that was created all the same, so no text contains it.
    """

    retryable: ClassVar[bool] = False
    is_success: ClassVar[bool] = False
    """Whether the status says success: a later read may still show the write."""

    def __init__(self, failure: Failure, response: Any = None) -> None:
        """Store the failure, which is the message, and the response of a creation."""
        self.failure = failure
        self.response = response
        super().__init__(str(failure))

    @property
    def is_transient(self) -> bool:
        """Whether a retry may succeed."""
        return self.retryable

    def after(self, attempts: int, earlier: ApiError | None = None) -> ApiError:
        """Return the error after ``attempts`` attempts, with the error of an ``earlier`` one, if any.

        It is in doubt if one of the two is.
        """
        in_doubt = self.failure.in_doubt or (earlier is not None and earlier.failure.in_doubt)
        return type(self)(replace(self.failure, attempts=attempts, in_doubt=in_doubt), self.response)

    def with_hint(self, hint: str) -> Self:
        """Return the same error with another hint."""
        return type(self)(replace(self.failure, hint=hint), self.response)


class UnreachableError(ApiError):
    """No response: connection failed, timed out or broke off."""

    retryable = True


class UntrustedError(UnreachableError):
    """The server's certificate could not be verified; never retried."""

    retryable = False


class UnauthorizedError(ApiError):
    """401: the token is missing, wrong or expired."""


class ForbiddenError(ApiError):
    """403: the token lacks the permission, or a capacity limit is reached."""


class NotFoundError(ApiError):
    """404 or 410: no such key, or no such project or region for this token."""


class ConflictError(ApiError):
    """409: the request conflicts with the state of the service; never retried."""


class RejectedError(ApiError):
    """400, 422 and other 4xx: the service rejects the request."""


class NoSuchMethodError(RejectedError):
    """405: the path does not support the method; some services list keys, and cannot return a single one."""


class TimedOutError(ApiError):
    """408: the service timed out waiting for the request."""

    retryable = True


class RateLimitedError(ApiError):
    """429: too many requests; ``failure.retry_after`` holds the seconds the service asks for."""

    retryable = True


class StandbyError(ApiError):
    """The server of a secret store is on standby: another one is active, or is just being elected."""

    retryable = True


class ServerFaultError(ApiError):
    """5xx: the service failed."""

    retryable = True


class InvalidResponseError(ApiError):
    """A response with a success status that is not JSON or does not match the documented schema.

    It is never taken as an empty list of keys.
    """

    is_success = True


class AcceptedError(InvalidResponseError):
    """202 or another success status that does not confirm that a write is done."""


class IncompleteReadError(InvalidResponseError):
    """A listing holds fewer items than it counts, or changed while it was read."""
