"""Design and moments to a PyMC model."""
