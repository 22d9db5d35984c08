"""The values that cross between the control plane and the workers: plain, frozen, and without torch."""
