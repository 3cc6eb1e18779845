"""The ways to people: how a message goes over the wire of each channel, and what the other side answers."""
