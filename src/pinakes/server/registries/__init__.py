"""Registries: an organization's shelves of releases, what is linked into them, and what they remember."""
