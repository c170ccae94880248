"""How long a forward pass takes: the model that predicts it, its calibration, and where a study keeps it."""
