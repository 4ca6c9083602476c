"""The parts of the benchmark: its data, its server, what it compares with, and its lines."""
