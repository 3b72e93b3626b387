"""Renew every generated file and print the names of those that changed."""

import asyncio

import project_files
import tool_list
from tests import client_pages

families = asyncio.run(tool_list.list_families())
for name in [*project_files.renew(project_files.generate(families)), *client_pages.renew()]:
    print(name)
