"""How strong a violation of what is assumed would have to be to change the answer."""
