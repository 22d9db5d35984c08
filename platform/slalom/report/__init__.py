"""What a study found, as text, JSON and tables."""
