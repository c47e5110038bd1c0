"""Scaffold: a new project from prompts and answers. Knows nothing of results."""
