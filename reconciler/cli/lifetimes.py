"""What the commands about the life of keys share: their options, and what they print and write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from reconciler.adopt.editing import Edits
from reconciler.adopt.located import Located
from reconciler.cli.console import Console
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions
from reconciler.cli.rewriting import files_option, print_lines
from reconciler.cli.values import LIMIT, Parsed, option
from reconciler.errors import ConfigurationError
from reconciler.model.durations import parse_lifetime
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.model.policy import RenewPolicy, renew_policy

LIFETIME: Final = Parsed(
    "DURATION",
    lambda text: None if parse_lifetime(text) is None else text,
    "invalid duration {}; use 36h, 30d, 8w or 2y.",
)


def lifetime_option(text: str, **settings: Any) -> Any:
    """Declare an option for a part of a policy, which takes precedence over files."""
    return option(text, type=LIFETIME, metavar="DURATION", **settings)


def max_changes_option(when: str) -> Any:
    """Declare the option for the limit of changes; its help begins with ``when`` the limit holds."""
    return option(
        f"{when}: write at most as many changes as one apply may send, N keys or P% of a scope.", type=LIMIT
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeOptions:
    """The options of a command that rewrites files."""

    check: bool = option("Write nothing: only print what would be written.")
    paths: tuple[str, ...] = files_option("of declarations")
    inputs: InputOptions
    connection: ConnectionOptions
    output: OutputOptions

    def layers(
        self, word: str, given: Mapping[str, str | None], document: Mapping[str, str]
    ) -> tuple[Mapping[str, str], ...]:
        """Return the policy values of options, a document and the configuration, in this order."""
        said = self.inputs.configured.configuration
        configured = (
            {"renew": {}, "rotate": {}} if said is None else {"renew": said.renew, "rotate": said.rotate}
        )
        return {name: text for name, text in given.items() if text is not None}, document, configured[word]

    def renewal_of(self, one: Located, given: Mapping[str, str | None]) -> RenewPolicy | None:
        """Return the policy by which a key is renewed, where the options say what is ``given``.

        Raises ConfigurationError for one by which a key, or its successor, would be due again at once.
        """
        policy = renew_policy(*self.layers("renew", given, one.renew))
        if policy is None:
            return None
        lifetimes = {"to": policy.to, "max_total": policy.max_total}
        for name, lifetime in lifetimes.items():
            if lifetime is not None and lifetime <= policy.within:
                fault = (
                    f"the policy of {one.address} would make a renewed key due again at once: set"
                    f" within lower than {name}"
                )
                raise ConfigurationError(fault)
        return policy

    def write(self, edits: Edits, console: Console) -> None:
        """Warn of keys that are not edited, write the files unless with --check, and print their edits.

        Warnings come first, to be seen also where a file cannot be written. Raises ConfigurationError then.
        """
        for error in edits.refused.values():
            console.warning(f"{error}; the other keys are edited")
        if not self.check:
            edits.write()
        print_lines(edits.files, console)


def note_waiting(waiting: Mapping[str, str], console: Console) -> None:
    """Print how many keys wait for another run, and why; ``waiting`` has the reasons by addresses."""
    for why, count in Counter(waiting.values()).items():
        console.note(f"Left {counted(count, 'key')} for the next run, because {why}.")
