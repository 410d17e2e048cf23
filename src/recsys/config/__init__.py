"""What to do: one typed section a file."""
