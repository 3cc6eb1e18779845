"""What is inside a file, by its content: `run` asks, and a process of its own looks (`child`).

The parsers read what strangers made, so they run outside the service, with limits on time and memory that the kernel
keeps: a file that makes one of them loop or swell ends that process and is refused.
"""
