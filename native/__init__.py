"""Một Cửa without containers: the servers and the services as child processes of one command."""
