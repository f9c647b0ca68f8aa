"""The SDK, as it is written: asynchronous. `pinakes.sdk._sync` is generated from it by `scripts/generate_sync.py`."""
