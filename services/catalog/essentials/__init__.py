"""The lists of essential services, and how far the province has deployed each of them."""
