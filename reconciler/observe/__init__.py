"""Read live objects, and the names of projects and regions, completely or not at all."""
