"""Trains networks and predicts with them, in workers with Keras; inputs, task and worker need no Keras."""
