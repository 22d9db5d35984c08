"""The verdict of a study: comparisons of its arms, the statistics behind them, and the sentence."""
