"""Lanes: long-lived workers that own a share of a device and train one pack at a time."""
