"""Drafting a kind from an OpenAPI 3.0 or 3.1 description. Pure: the description comes in as plain data."""
