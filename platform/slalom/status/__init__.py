"""How studies and schedules stand, as values and as Prometheus metrics."""
