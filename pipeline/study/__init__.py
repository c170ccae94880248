"""A study: what was asked for, its files, its trials and what became of them. No Keras, no Optuna."""
