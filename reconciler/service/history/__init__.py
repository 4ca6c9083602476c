"""The results of all reconcile cycles, in an SQLite file."""
