"""The search spaces that ship with convtune: one YAML file per space."""
