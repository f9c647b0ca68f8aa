"""The SDK: a client for Python, asynchronous and blocking. Its public names are those of the package `pinakes`.

It is written once, asynchronously, in `_async`; `scripts/generate_sync.py` writes the blocking half, `_sync`.
"""
