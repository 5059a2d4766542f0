"""Sampling the model, drawing cluster coefficients back, and judging the draws."""
