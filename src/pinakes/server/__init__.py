"""The server. `app.py` joins the rooms and the wires; nothing else knows them all."""
