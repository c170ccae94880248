"""Explains a CNN by filters, activation maps, receptive field and Grad-CAM: a worker computes, the parent draws."""
