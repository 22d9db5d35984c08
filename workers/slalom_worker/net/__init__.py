"""A pack's nets: their modules, losses, examples and curvature."""
