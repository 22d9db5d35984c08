"""A study on its way to a cluster."""
