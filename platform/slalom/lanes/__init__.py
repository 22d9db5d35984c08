"""Lanes: long-lived workers, each of which owns a share of a device and trains one pack at a time."""
