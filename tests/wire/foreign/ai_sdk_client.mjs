// The MCP client of the AI SDK: reads the calls as JSON from stdin and writes its report to stdout.

import { text } from 'node:stream/consumers';
import { createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { asSchema } from '@ai-sdk/provider-utils';

const { server, calls } = JSON.parse(await text(process.stdin));
const client = await createMCPClient({ transport: new StdioTransport(server) });
const tools = await client.tools();

const schemas = {};
for (const [name, tool] of Object.entries(tools)) schemas[name] = await asSchema(tool.inputSchema).jsonSchema;

const answers = {};
for (const [name, { tool, arguments: input }] of Object.entries(calls)) {
  const output = await tools[tool].execute(input, { toolCallId: name, messages: [] });
  const { value } = await tools[tool].toModelOutput({ toolCallId: name, input, output });
  answers[name] = {
    failed: output.isError,
    text: value.filter(({ type }) => type === 'text').map((block) => block.text).join('\n'),
    pictures: value.filter(({ type }) => type === 'file').map((block) => block.data.data),
  };
}
await client.close();
process.stdout.write(JSON.stringify({ schemas, answers }));
