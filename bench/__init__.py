"""Measurements: Pinakes against the thinnest server that could do the same, on the same data in the same database."""
