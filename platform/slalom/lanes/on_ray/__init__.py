"""Lanes as Ray actors, one for each share of a device. Slalom imports ray in this package alone."""

from slalom.lanes.on_ray.lanes import RayLanes

__all__ = ["RayLanes"]
