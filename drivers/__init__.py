"""Storage drivers and hypervisor agents that ship with the engine, and their manifests."""
