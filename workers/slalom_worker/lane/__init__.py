"""A lane's process: its device, its environment, and the worker that keeps a pack full."""
