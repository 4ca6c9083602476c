"""From live objects to declarations, and edits of YAML in place."""
