// A client of the TypeScript SDK, versions 1 and 2, that begins a call, closes while it runs, and exits.

import { text } from 'node:stream/consumers';

const { server, tool, begun } = JSON.parse(await text(process.stdin));
const isVersion1 = process.argv[2] === '1';
const load = (v1, v2) => import(`@modelcontextprotocol/${isVersion1 ? v1 : v2}`);
const { Client } = await load('sdk/client/index.js', 'client');
const { StdioClientTransport } = await load('sdk/client/stdio.js', 'client/stdio');

const client = new Client({ name: 'typescript', version: '0' });
await client.connect(new StdioClientTransport(server));
client.callTool(tool).catch(() => {});
await fetch(begun); // answered once the service has the order
await client.close();
