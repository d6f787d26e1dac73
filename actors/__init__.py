"""Who keeps what apart: actors that own their state and exchange the messages of
`actors.messages`.
"""
