"""What is done unasked for all workspaces: events sequenced, held bookings tried again, old things forgotten."""
