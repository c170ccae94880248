"""What a network sees, as arrays: computed in a worker from any Keras model."""
