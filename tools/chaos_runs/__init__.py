"""What `make chaos` runs: every fault, and what must be true despite it."""
