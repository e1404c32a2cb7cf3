"""What is decided: one folder a stage, pure modules and one thin agent each. No IO outside the agents."""
