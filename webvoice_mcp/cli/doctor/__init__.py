"""`webvoice-mcp doctor`: checks of the setup, one module for each subject."""
