"""What MLflow shows of a study, an arm and a trial, as plain values."""
