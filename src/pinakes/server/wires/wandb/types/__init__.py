"""What this API answers: one module per noun."""
