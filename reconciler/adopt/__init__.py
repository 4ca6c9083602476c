"""The way back: live objects as declarations, and edits of YAML in place."""
