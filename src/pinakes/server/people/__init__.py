"""People: users, organizations, teams, who is a member of what, and what they identify themselves with."""
