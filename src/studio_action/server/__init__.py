"""A self-hosted model registry: the REST API of DVC Studio, backed by Git repositories.

It needs the extra `server`. Only the command line imports it, and only for the server's commands.
All state is in the database and in Git, so that any number of processes can serve one address;
mirrors and files are copies that each machine can make again.
"""
