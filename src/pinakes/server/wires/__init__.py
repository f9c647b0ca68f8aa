"""The wires: each speaks one API, decodes, calls one verb of a room, and encodes. None knows another."""
