"""The doctor: looks at everything a message needs on its way here, and says what to do.

Each module gathers the facts of one topic (all input and output is there), then judges them with
pure functions in an ordered table. `examining` puts the topics in the order a person meets them.
"""
