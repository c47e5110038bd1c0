"""Study: what a notebook imports. Data, harness, statistics, figures, the final model."""
