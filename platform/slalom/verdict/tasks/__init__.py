"""Arms compared over several tasks, each the data and the model of one finished study."""
