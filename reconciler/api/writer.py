"""Change keys. Only code that executes a plan may import this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler import errors
from reconciler.api.reader import Reader, target
from reconciler.api.retry import without_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.api.reader import Parameters
    from reconciler.api.redaction import Redactor
    from reconciler.model.request import Request


class Writer(Reader):
    """A reader that can also change keys."""

    @property
    def redactor(self) -> Redactor:
        """Return the redactor of the run, to which secrets of new keys are added."""
        return self._redactor

    def update(self, request: Request) -> Any:
        """Return the JSON response to an update. Raises ApiError, or StoppedError before it is sent.

        Values are absolute, so an update that may have taken effect is safe to send again.
        """
        return self._retrier.call(lambda: self._send(request))

    def post(self, request: Request, exists: Callable[[], bool] | None = None) -> Any:
        """Return the JSON response to a POST, which may hold a secret. Raises the errors of :meth:`update`.

        It is sent again only if the service certainly has not executed it: a second key would be refused, or
        be superfluous, and the secret of the first one lost with its response. After 429 it is sent again if
        ``exists``, which reads whether the key exists, returns False.
        """
        refusals: list[errors.ApiError] = []

        def send() -> Any:
            if refusals and (exists is None or exists()):
                raise errors.RejectedError(refusals[-1].failure, refusals[-1].response)
            try:
                return self._send(request)
            except errors.RateLimitedError as error:
                refusals.append(error)
                raise

        return self._retrier.call(send, without_effect)

    def exists(self, path: str, parameters: Parameters, headers: Mapping[str, str]) -> bool:
        """Return whether ``path`` exists; sent once. Raises ApiError."""
        try:
            self._exchange("GET", target(path, parameters), headers=headers)
        except errors.NotFoundError:
            return False
        return True

    def post_now(self, request: Request) -> Any:
        """Send a POST once, even after ``stop`` or in a pause, to complete a replacement."""
        return self._send(request)

    def delete(self, request: Request) -> None:
        """Send a DELETE.

        Raises the errors of :meth:`update`; NotFoundError may be due to an earlier attempt.
        """
        self._retrier.call(lambda: self._send(request))

    def _send(self, request: Request) -> Any:
        headers = dict(request.headers)
        body = None
        if request.body is not None:
            headers["Content-Type"] = request.encoding.media_type
            body = request.text.encode("ascii")
        return self._exchange(request.method, request.path, body, headers=headers)
