"""Simulation-based calibration of small systems: parameters from the prior, rows from the parameters, ranks of the truth."""
