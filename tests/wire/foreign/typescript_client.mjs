// The client of the TypeScript SDK, versions 1 and 2: reads the steps as JSON from stdin and writes its report to stdout.

import { text } from 'node:stream/consumers';

const { server, mode, steps } = JSON.parse(await text(process.stdin));
const isVersion1 = process.argv[2] === '1';
const load = (v1, v2) => import(`@modelcontextprotocol/${isVersion1 ? v1 : v2}`);
const { Client } = await load('sdk/client/index.js', 'client');
const { StdioClientTransport } = await load('sdk/client/stdio.js', 'client/stdio');
const elicitation = isVersion1
  ? (await import('@modelcontextprotocol/sdk/types.js')).ElicitRequestSchema
  : 'elicitation/create';

const reported = [];
let step;
let version;

const client = new Client(
  { name: 'typescript', version: '0' },
  { capabilities: { elicitation: {} }, versionNegotiation: { mode } },
);
client.setRequestHandler(elicitation, ({ params: { message, requestedSchema } }) => {
  reported.at(-1).questions.push({ message, requestedSchema });
  return step.answer;
});

const requests = {
  'tools/list': () => client.listTools(),
  'tools/call': (params, options) => client.callTool(params, ...(isVersion1 ? [undefined] : []), options),
  'resources/list': () => client.listResources(),
  'resources/templates/list': () => client.listResourceTemplates(),
  'resources/read': (params) => client.readResource(params),
  'prompts/list': () => client.listPrompts(),
  'prompts/get': (params) => client.getPrompt(params),
  'completion/complete': (params) => client.complete(params),
};

async function take() {
  const report = { questions: [], progress: [] };
  reported.push(report);
  const { method, params, cancel } = step;
  const abort = new AbortController();
  const onprogress = ({ progress, message }) => {
    report.progress.push([progress, message]);
    if (cancel) abort.abort();
  };
  try {
    report.result = await requests[method](params, { onprogress, signal: abort.signal });
  } catch (error) {
    if (abort.signal.aborted) return;
    if (!Number.isInteger(error.code)) throw error;
    report.error = { code: error.code, message: error.message };
  }
}

const transport = new StdioClientTransport(server);
transport.setProtocolVersion = (agreed) => (version = agreed); // version 1 has no other way to learn it
await client.connect(transport);
for (step of steps) await take();
version = client.getNegotiatedProtocolVersion?.() ?? version;
await client.close();
process.stdout.write(JSON.stringify({ version, steps: reported }));
