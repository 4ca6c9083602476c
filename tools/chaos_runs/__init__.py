"""What `make chaos` runs: everything that goes wrong, and what must hold all the same."""
