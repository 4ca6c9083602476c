"""Render plans and outcomes as text and JSON: a value in, a string out."""
