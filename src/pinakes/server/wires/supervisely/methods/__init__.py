"""The methods, one module per noun, each with its table `METHODS`."""
