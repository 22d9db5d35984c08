"""The MLflow runs of trials: one by one through MLflow's client, or many at once as rows of MLflow's tables."""
