"""`sleepy lsp --wrap PROGRAM`: between a client and its server, adding Sleepy's code actions to the server's own.

What is not Sleepy's passes as the very same bytes. Nothing in here imports pygls, lsprotocol or asyncio, so that the
proxy starts as quickly as the program it wraps.
"""
