"""What the results say: comparison, statistics, the sentence."""
