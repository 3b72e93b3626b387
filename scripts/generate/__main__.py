"""Update every generated file, and print the names of those that changed."""

import asyncio

import client_pages
import directories
import project_files
import tool_list

families = asyncio.run(tool_list.list_families())
written = [*project_files.renew(project_files.generate(families)), *client_pages.renew()]
for name in [*written, *directories.renew_icons(project_files.ROOT)]:
    print(name)
