"""A dossier as the portal is told of it: what is known, in which order it is told, in which words. Plain Python."""
