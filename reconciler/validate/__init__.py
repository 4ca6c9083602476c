"""From documents to the desired state, or to every violation at once."""
