"""Reports for people: tables, the leaderboard, plots, the progress view, and scores by class."""
