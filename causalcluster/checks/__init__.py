"""What a finished fit is doubted with: orders of mediators, and replicated data held against the observed."""
