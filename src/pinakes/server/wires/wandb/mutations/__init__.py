"""The mutations: one module per noun."""
