"""From paths to documents: reading files and building strict YAML, with a place for every value."""
