"""The loop that trains a study: what is next, where it goes, what became of it."""
