"""The guest's page: what they may open, behind the link of their instant key."""
