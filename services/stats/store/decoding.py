"""How documents are read where there are many of them. The store's own way makes plain integers of large ones, in a
second pass over each document; what is read so has none, or goes through a reading that takes both."""

from bson.codec_options import CodecOptions

from chassis.store import Document

TIMELESS: CodecOptions[Document] = CodecOptions()
"""Of documents without instants, or of whose instants nobody asks."""
TIMED: CodecOptions[Document] = CodecOptions(tz_aware=True)
