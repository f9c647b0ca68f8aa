"""Permissions: who may do what, with which credential, and why."""
