"""The tools, resources and prompts that the model and the client see."""
