"""The rooms with Keras: an Architecture and a Recipe become a trained model. Imported in workers."""
