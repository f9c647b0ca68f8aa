"""What mutations are given: one module per noun."""
