"""Few moves that mend what is broken, or even out what is lopsided: found, explained and measured."""
