"""From documents to the desired state, or to all violations at once."""
