"""The semantics of section 3 of network.md stated a second time, for tests: one packet, one pod, one rule at a time.

Nothing is shared with the engine: no masks, no classes, no cuts; the raw objects are read. ``world`` has the words,
``ends`` what is asked of one end of a packet, ``combine`` puts the dialects together and is the one to ask. Each
dialect is one module that says of one side of a packet what may become of it.
"""
