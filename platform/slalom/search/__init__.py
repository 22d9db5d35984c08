"""How an arm is searched: proposals, halving, the choice; the trials that ended are kept in a store."""
