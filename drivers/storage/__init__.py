"""Storage drivers: they make volumes and grant access, and know nothing of hypervisors."""
