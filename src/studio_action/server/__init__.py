"""A registry of one's own: the API of DVC Studio, answered from Git repositories.

Needs the extra `server`. Nothing outside of this folder imports it but the command line, and that
only when it is asked for. State is in the database and in Git, never in a process, so that many
may answer behind one address; mirrors and files are copies that each machine can make again.
"""
