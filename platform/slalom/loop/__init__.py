"""The loop that trains a study: which trials are next, which lane trains each, and how they ended."""
