"""The commands in groups, in the order of the command list, with the module of each."""

from __future__ import annotations

from typing import Final

GROUPS: Final = {
    "Everyday": {
        "validate": "Check desired-state files, offline.",
        "fmt": "Format files in one layout.",
        "plan": "Show what differs from the live API, field by field.",
        "apply": "Plan, ask, and send only the fields that differ.",
        "status": "Show the state of all keys, and the next steps.",
        "show": "Show a plan that plan --out saved, in any format.",
        "explain": "Explain why fields of one key are equal or different.",
    },
    "Drift": {
        "drift": "Show or correct live differences from the files.",
        "accept": "Write the live values of one key into its file.",
        "notify-test": "Send a sample to each receiver of notifications.",
        "history": "Show what rounds of drift found and did.",
        "journal": "Show which writes of a killed run are in doubt.",
    },
    "Lifetimes": {
        "renew": "Write later expiries for keys that expire soon.",
        "rotate": "Replace a key by a successor.",
    },
    "Adopt": {
        "init": "Start here: write the configuration, and adopt live keys.",
        "import": "Write one live key into the file of its scope.",
        "export": "Write the live keys of a scope as a desired-state file.",
    },
    "Set up": {
        "projects": "List the projects that the token sees.",
        "regions": "List the regions that the token sees.",
        "kinds": "List the kinds that are known here.",
        "kind": "Draft a kind for another REST API.",
        "schema": "Print a JSON Schema, such as for an editor.",
        "completion": "Print the completion script of a shell.",
        "demo": "Run a short tour against an emulated API.",
        "emulator": "Serve an emulated API on this machine.",
        "version": "Print the version.",
        "help": "Print this text, or the help of a command.",
    },
}
"""The commands by what they are for; of each what a list shows, which fits into 80 columns."""
COMMANDS: Final = {name: text for group in GROUPS.values() for name, text in group.items()}
MODULES: Final = {
    "completion": "reconciler.cli.schema",
    "emulator": "gcore_emulator.command",
    "help": "reconciler.cli.about",
    "import": "reconciler.cli.adoption",
    "notify-test": "reconciler.cli.notify_test",
    "regions": "reconciler.cli.projects",
    "version": "reconciler.cli.about",
}
"""The modules of commands that are not in the one of their name."""
