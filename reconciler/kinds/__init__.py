"""Kinds and their APIs: the schema file, its rules, packaged and custom kinds, drafts from OpenAPI."""
