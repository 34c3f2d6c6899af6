"""Hypervisor agents: they attach and throttle, and know nothing of storage products."""
