"""Reading the live objects of a scope and the names of places, whole or not at all."""
