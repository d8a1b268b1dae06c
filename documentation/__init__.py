"""What makes the documentation: its reference, its pictures, and the hooks of its site."""
