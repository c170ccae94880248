-- One database each: Optuna's and MLflow's tables must not share one.
CREATE DATABASE trials;
CREATE DATABASE mlflow;
