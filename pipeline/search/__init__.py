"""The search: proposals from Optuna, the study's files, and the loop between them and an executor."""
