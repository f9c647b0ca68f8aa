"""Artifacts: runs, the versions that they log, their files and manifests, and how they come from each other."""
