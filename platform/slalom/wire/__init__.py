"""What crosses between the control plane and the workers: plain frozen values, and nothing that loads torch."""
