"""What the page shows, a file for each kind of plot: frozen values, taken from a study's summary and its trials."""
