"""The broker that shares a Ray cluster among studies, and a study's dealings with it."""
