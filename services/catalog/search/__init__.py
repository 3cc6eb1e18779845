"""Search for procedures, ranked: what was typed, then how much a procedure is used."""
