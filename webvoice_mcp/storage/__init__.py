"""Files that belong to this program, and the threads that work on files."""
