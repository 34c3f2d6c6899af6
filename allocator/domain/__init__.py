"""Facts: frozen values in whole numbers, importing nothing else of ours."""
