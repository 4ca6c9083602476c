"""Changing keys. Only what executes a plan may import this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler import errors
from reconciler.api.reader import Reader

if TYPE_CHECKING:
    from reconciler.api.redaction import Redactor
    from reconciler.model.request import Request


class Writer(Reader):
    """A reader that can also change keys."""

    @property
    def redactor(self) -> Redactor:
        """Return what removes the secrets of the run from texts, and learns those of new keys."""
        return self._redactor

    def update(self, request: Request) -> Any:
        """Return the JSON response to an update. Raises ApiError, or StoppedError before it is sent.

        Values are absolute, so an update that may have taken effect is safe to send again.
        """
        return self._retrier.call(lambda: self._send(request))

    def post(self, request: Request, item: str | None = None) -> Any:
        """Return the JSON response to a POST, which may hold a secret. Raises as :meth:`update` does.

        It is sent again only where the service surely has not executed it: a second key would be refused, and
        the secret of the first one lost with its response. After 429 that is so if nothing is at ``item``.
        """
        refusals: list[errors.ApiError] = []

        def send() -> Any:
            if refusals and (item is None or self._exists(item)):
                raise errors.RejectedError(refusals[-1].failure, refusals[-1].response)
            try:
                return self._send(request)
            except errors.RateLimitedError as error:
                refusals.append(error)
                raise

        return self._retrier.call(send, repeatable=False)

    def _exists(self, path: str) -> bool:
        try:
            self._exchange("GET", path)
        except errors.NotFoundError:
            return False
        return True

    def post_now(self, request: Request) -> Any:
        """Send a POST once, even after ``stop`` or in a pause: it completes what cannot be left undone."""
        return self._send(request)

    def delete(self, request: Request) -> None:
        """Send a DELETE. Raises as :meth:`update` does; NotFoundError may be an earlier attempt's work."""
        self._retrier.call(lambda: self._send(request))

    def _send(self, request: Request) -> Any:
        headers = dict(request.headers)
        body = None
        if request.body is not None:
            headers["Content-Type"] = request.encoding.media_type
            body = request.text.encode("ascii")
        return self._exchange(request.method, request.path, body, headers=headers)
