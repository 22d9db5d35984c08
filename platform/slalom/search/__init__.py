"""How an arm is searched: proposals, successive halving, the choice; and the store of the trials that ended."""
