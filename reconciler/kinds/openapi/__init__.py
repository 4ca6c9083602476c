"""Draft a kind from an OpenAPI 3.0 or 3.1 description. Pure: the description is plain data."""
