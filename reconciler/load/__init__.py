"""From paths to documents: reading files and building strict YAML, with a position for every value."""
