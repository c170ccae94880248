"""What people look at: tables, the leaderboard, plots, and scores on the test images."""
