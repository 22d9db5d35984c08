"""Trials as MLflow runs: through a server's calls, or many at once into its tables."""
