"""The code of this study: its models."""
