"""A year of renewals and rotations: keys, a repository with reviews, consumers, and what has to hold."""
