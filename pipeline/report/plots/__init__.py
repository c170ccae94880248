"""Plots of a study as PNG files, one module per plot."""

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it announces its font cache when it is first imported
