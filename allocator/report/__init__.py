"""Pages for those who approve and look back: one HTML file each, which loads nothing and runs nothing."""
