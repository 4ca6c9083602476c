"""From files to the desired state: load, then validate."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from reconciler.load.files import load, parse_content
from reconciler.model.collector import paused_collector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.load.files import Loaded, Parse
    from reconciler.model.desired import DesiredState
    from reconciler.validate.validator import Validator


def desired_state(
    paths: Sequence[str],
    standard_input: BinaryIO,
    validator: Validator,
    parse_one: Parse = parse_content,
) -> DesiredState:
    """Load every file, by ``parse_one``, and validate it. Raises InputError with every problem found."""
    with paused_collector():
        return validated(load(paths, standard_input, parse_one), validator)


def validated(loaded: Loaded, validator: Validator) -> DesiredState:
    """Validate every document that was loaded. Raises InputError with every problem found."""
    for document in loaded.documents:
        validator.add(document)
    return validator.finish(loaded.problems)
