"""The catalog: everything that a collection can point at."""
