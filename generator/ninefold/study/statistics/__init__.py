"""What can be concluded from scores: of overlapping folds, and of single rows."""
