"""Normal forms, comparison and what a difference does to access."""
