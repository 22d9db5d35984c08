"""What a study needs to run on a cluster that it is submitted to."""
