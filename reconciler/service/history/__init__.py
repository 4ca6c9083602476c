"""What all reconcile cycles found and did, in an SQLite file."""
