"""What a network sees, as one HTML page and as PNG files."""
