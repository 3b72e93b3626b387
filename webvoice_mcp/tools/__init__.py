"""What the model sees: one function per tool, grouped in toolsets."""
