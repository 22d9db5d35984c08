"""What the MLflow runs of a study, an arm and a trial show, as plain values; imports no MLflow."""
