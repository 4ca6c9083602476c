"""Keeps one comment on the pull request of this run up to date: ``comment.py MARKDOWN``.

The comment is found by the first line of its text among those that the token of a job wrote, so no
other comment is ever changed. A token that may not write, as on a pull request from a fork, is not a failure:
the summary of the job holds the same text, and a notice says so. Anything else is one: the present comment
would show an outdated plan.
"""

# ruff: noqa: INP001, T201, TID251 - a script, spoken to and speaking by environment and standard output

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTHOR: Final = "github-actions[bot]"
PAGE: Final = 100
ATTEMPTS: Final = 3
SERVER_FAILS: Final = 500
GONE: Final = 404
NOT_ALLOWED: Final = (403, GONE)
"""404 is what a token gets that may not even read."""
FALLBACK: Final = """
> [!NOTE]
> This could not be written as a comment: the token of the job may not write to the pull request. It comes
> from a fork, or the job lacks the permission `pull-requests: write`.
"""


def main() -> None:
    """Write the comment. Ends with 1 where it cannot, and it is not for want of permission."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    pull = event["pull_request"]
    markdown = Path(sys.argv[1]).read_text(encoding="utf-8")
    run = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(os.environ)
    body = f"{markdown}\nCommit {pull['head']['sha']}, [log of the run]({run}).\n"
    try:
        print(f"Comment: {_write(pull['number'], body)}")
    except urllib.error.HTTPError as error:
        if error.code not in NOT_ALLOWED or _is_throttled(error):
            sys.exit(f"::error::the comment could not be written: HTTP {error.code}")
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(FALLBACK)
        print(f"::notice::the plan is in the summary: a comment got the response {error.code}")
    except OSError as error:
        sys.exit(f"::error::the comment could not be written: {error}")


def _write(number: int, body: str) -> str:
    marker = body.split("\n", 1)[0]
    for comment in _comments(number):
        text = str(comment["body"] or "")
        author = (comment["user"] or {}).get("login")  # an account that is gone has none
        if author == AUTHOR and text.splitlines()[:1] == [marker]:
            try:
                return _address(_call("PATCH", f"issues/comments/{comment['id']}", body))
            except urllib.error.HTTPError as error:
                if error.code != GONE:
                    raise
                break  # it was removed in the meantime
    return _address(_call("POST", f"issues/{number}/comments", body))


def _is_throttled(error: urllib.error.HTTPError) -> bool:
    """Return whether a 403 is a rate limit, not a missing permission."""
    return "Retry-After" in error.headers or error.headers.get("X-RateLimit-Remaining") == "0"


def _comments(number: int) -> Iterator[Any]:
    """Return all comments of a pull request, the oldest first."""
    page = 1
    while True:
        found = _call("GET", f"issues/{number}/comments?per_page={PAGE}&page={page}")
        yield from found
        if len(found) < PAGE:
            return
        page += 1


def _call(method: str, path: str, body: str | None = None) -> Any:
    """Call the API. What can be repeated without harm is tried again where there is no proper response."""
    request = urllib.request.Request(  # noqa: S310 - the address is the runner's
        "{GITHUB_API_URL}/repos/{GITHUB_REPOSITORY}/".format_map(os.environ) + path,
        method=method,
        data=None if body is None else json.dumps({"body": body}).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GH_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    attempts = 1 if method == "POST" else ATTEMPTS
    for attempt in range(1, attempts + 1):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the same
                return json.load(answer)
        except OSError as error:
            is_final = isinstance(error, urllib.error.HTTPError) and error.code < SERVER_FAILS
            if is_final or attempt == attempts:
                raise
        time.sleep(attempt)
    raise AssertionError


def _address(comment: Any) -> str:
    return str(comment["html_url"])


if __name__ == "__main__":
    main()
