"""Lanes as Ray actors, one for each share of a device; ray is imported in this package alone."""

from slalom.lanes.on_ray.lanes import RayLanes

__all__ = ["RayLanes"]
