"""`webvoice-mcp completion`: scripts by which shells complete commands, options, tools and parameters.

A script holds all names, so that completing starts no program: importing the tools would take seconds.
"""
