"""The record of who did what: written with every change, read as a history, a feed and a live stream."""
