"""What the product hands its calls to: deciding on the fleet as it stands, reserving, and carrying plans out."""
