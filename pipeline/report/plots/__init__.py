"""Pictures of a search as PNG files, one module per picture."""

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it announces its font cache when it is first imported
