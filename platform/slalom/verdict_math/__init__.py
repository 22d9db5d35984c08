"""The arithmetic of a verdict: tests, intervals and curves over searches, from numbers alone.

Every function takes plain numbers and gives frozen values; none knows a study, a file or a trial.

searches    an arm's confirm values, search by search
flips       random signs of paired differences, and what they say
stages      when to look, and the paired test over one look or several
family      the correction over several comparisons
proportion  shares of searches or trainings, and their intervals
robust      the interquartile mean and its test
divergence  how often arms diverged
answers     arms compared: better, worse, equivalent, undecided or identical
capacity    what a number of searches can show at all
effort      expected best value after n trials
crossing    where the order of two arms changes with effort
"""
