"""Signs results (PAdES, ETSI EN 319 142-1, level B-B) and verifies signatures; whose key it is, is behind `Signer`."""
