"""EMC, which measures the provision and use of online services, and the public post, which brings results to people."""
