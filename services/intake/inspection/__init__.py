"""What is inside a file, by its content: `run` asks, and a process of its own looks (`child`, see `chassis.confined`).
A file that makes a parser loop or swell ends that process and is refused.
"""
