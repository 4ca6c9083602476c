"""Edits of YAML in place: only the changed values are written, every other character is unchanged."""
