"""Collections: ordered lists of references, what is in them, and what they were."""
