"""The native API's contract: what travels over `/api/v1`, as pydantic types.

The server's native wire and the SDK are both written against it. Requests refuse what they don't know; answers may
grow.
"""
