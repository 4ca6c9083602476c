"""Normal forms, comparison, and the effect of a difference on access."""
