"""What all rounds found and did, in an SQLite file: written by rounds, read by people and status pages."""
