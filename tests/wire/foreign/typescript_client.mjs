// The client of the TypeScript SDK, of both generations: takes the steps that come as JSON on stdin; what it saw goes
// as JSON to stdout.

import { text } from 'node:stream/consumers';

const { server, mode, steps } = JSON.parse(await text(process.stdin));
const first = process.argv[2] === '1';
const from = (v1, v2) => import(`@modelcontextprotocol/${first ? v1 : v2}`);
const { Client } = await from('sdk/client/index.js', 'client');
const { StdioClientTransport } = await from('sdk/client/stdio.js', 'client/stdio');
const asking = first ? (await import('@modelcontextprotocol/sdk/types.js')).ElicitRequestSchema : 'elicitation/create';

const seen = [];
let now;
let version;

const client = new Client(
  { name: 'typescript', version: '0' },
  { capabilities: { elicitation: {} }, versionNegotiation: { mode } },
);
client.setRequestHandler(asking, ({ params: { message, requestedSchema } }) => {
  seen.at(-1).asked.push({ message, requestedSchema });
  return now.answer;
});

const requests = {
  'tools/list': () => client.listTools(),
  'tools/call': (params, options) => client.callTool(params, ...(first ? [undefined] : []), options),
  'resources/list': () => client.listResources(),
  'resources/templates/list': () => client.listResourceTemplates(),
  'resources/read': (params) => client.readResource(params),
  'prompts/list': () => client.listPrompts(),
  'prompts/get': (params) => client.getPrompt(params),
  'completion/complete': (params) => client.complete(params),
};

async function take() {
  const what = { asked: [], progress: [] };
  seen.push(what);
  const { method, params, cancel } = now;
  const abort = new AbortController();
  const onprogress = ({ progress, message }) => {
    what.progress.push([progress, message]);
    if (cancel) abort.abort();
  };
  try {
    what.result = await requests[method](params, { onprogress, signal: abort.signal });
  } catch (error) {
    if (abort.signal.aborted) return;
    if (!Number.isInteger(error.code)) throw error;
    what.error = { code: error.code, message: error.message };
  }
}

const transport = new StdioClientTransport(server);
transport.setProtocolVersion = (agreed) => (version = agreed); // the first generation tells nobody else
await client.connect(transport);
for (now of steps) await take();
version = client.getNegotiatedProtocolVersion?.() ?? version;
await client.close();
process.stdout.write(JSON.stringify({ version, seen }));
