"""Thousands of VMs at once: counted by shape in a linear programme, seated zone by zone, reseated, checked."""
