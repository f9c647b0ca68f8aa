"""Search over collections and everything else that can be found."""
