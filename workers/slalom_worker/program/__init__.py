"""A step recorded once as a flat program of tensor operations, for any number of slots."""
