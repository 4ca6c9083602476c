"""What a kind and an API are: the schema file, its rules, packaged and custom kinds, drafts from OpenAPI."""
