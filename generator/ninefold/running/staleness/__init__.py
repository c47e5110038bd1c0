"""What a section's results depend on, and whether they still hold."""
