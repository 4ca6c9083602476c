"""Edits of YAML in place: what changes is written, and every other character stays."""
