"""For authors of rules and drivers: random worlds, the laws every rule obeys, the contract every driver keeps."""
