// A chat program that shows pages: ext-apps' bridge between a page in Chromium and the real server.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(new URL('file://' + process.cwd() + '/'));
const { AppBridge } = await import(require.resolve('@modelcontextprotocol/ext-apps/app-bridge'));
const { chromium } = require('playwright-core');

export const POLICIES = {
  // The default of the MCP Apps specification.
  specification:
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;" +
    " media-src 'self' data:; connect-src 'none'",
  // As users of Claude report it.
  claude:
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'self' 'unsafe-inline'" +
    " blob: data:; img-src 'self' blob: data:; font-src 'self' blob: data:; media-src 'self' blob: data:;" +
    " connect-src 'self'; frame-src 'self' blob: data:",
};

// The page of the chat only passes messages on.
const HOST = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>chat</title><style>body{margin:0}iframe{border:0;width:100%}</style>
<script>
let frame;
addEventListener("message", (event) => frame && event.source === frame.contentWindow && toHost(event.data));
function toPage(message) { frame.contentWindow.postMessage(message, "*"); }
function show(address, sandbox) {
  frame = document.createElement("iframe");
  frame.setAttribute("sandbox", sandbox);
  frame.style.height = "500px";
  frame.src = address;
  document.body.append(frame);
}
</script>`;

export class Chat {
  /** Start Chromium, and a server for the pages, whose texts are given by name. */
  static async start(executablePath, client, pages) {
    const chat = new Chat();
    chat.client = client;
    chat.http = createServer((request, response) => {
      const url = new URL(request.url, 'http://chat');
      const page = pages[url.searchParams.get('page')];
      const headers = { 'Content-Type': 'text/html; charset=utf-8' };
      if (page) headers['Content-Security-Policy'] = POLICIES[url.searchParams.get('policy')];
      response.writeHead(page || url.pathname === '/' ? 200 : 404, headers).end(page ?? (url.pathname === '/' ? HOST : ''));
    });
    await new Promise((resolve) => chat.http.listen(0, '127.0.0.1', resolve));
    chat.origin = `http://127.0.0.1:${chat.http.address().port}`;
    chat.browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--mute-audio'] });
    return chat;
  }

  async stop() {
    await this.browser.close();
    this.http.close();
    this.http.closeAllConnections();
  }

  /** Show a page for a call. `result` may be a promise; `callTool` takes the place of the server. */
  async show(page, { policy = 'specification', theme, width = 640, scheme = 'light', tool, args = {}, result, callTool }) {
    const context = await this.browser.newContext({
      viewport: { width, height: 520 },
      colorScheme: scheme,
      permissions: [],
    });
    const tab = await context.newPage();
    const seen = { requests: [], problems: [], messages: [], calls: [], sizes: [], tab, context };
    tab.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith('data:') && !url.startsWith(`${this.origin}/`)) seen.requests.push(url.slice(0, 200));
    });
    tab.on('pageerror', (error) => seen.problems.push(String(error)));
    tab.on('console', (message) => message.type() === 'error' && seen.problems.push(message.text()));
    await tab.addInitScript(() => {
      window.violations = [];
      addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective));
    });
    const hostContext = { displayMode: 'inline', ...(theme ? { theme } : {}) };
    if (tool) hostContext.toolInfo = { tool };
    const capabilities = { serverTools: {}, message: { text: {} } };
    const bridge = new AppBridge(callTool ? null : this.client, { name: 'chat', version: '0' }, capabilities, { hostContext });
    if (callTool) bridge.oncalltool = callTool;
    bridge.onmessage = async (message) => (seen.messages.push(message), {});
    bridge.onsizechange = (size) => seen.sizes.push(size);
    const initialized = new Promise((resolve) => (bridge.oninitialized = resolve));
    const transport = {
      start: async () => {},
      close: async () => {},
      send: (message) => tab.evaluate((sent) => window.toPage(sent), message),
    };
    await tab.exposeFunction('toHost', (message) => {
      if (message.method === 'tools/call') seen.calls.push(message.params);
      transport.onmessage(message);
    });
    await bridge.connect(transport);
    await tab.goto(`${this.origin}/`);
    const sandbox = policy === 'claude' ? 'allow-scripts allow-same-origin' : 'allow-scripts';
    await tab.evaluate(([address, allowed]) => window.show(address, allowed), [
      `${this.origin}/page?page=${page}&policy=${policy}`,
      sandbox,
    ]);
    await initialized;
    const frame = tab.frames().find((other) => other.url().includes('/page?'));
    await bridge.sendToolInput({ arguments: args });
    if (result) await bridge.sendToolResult(await result);
    return Object.assign(seen, { bridge, frame });
  }
}

/** Return what is wrong with a page for people who use assistive technology, and what the browser complained of. */
export async function check(seen) {
  const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  await seen.frame.evaluate(axe);
  const findings = await seen.frame.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
  });
  const layout = await seen.frame.evaluate(() => ({
    overflow: [document.documentElement, document.querySelector('main')].some((box) => box.scrollWidth > box.clientWidth),
    height: Math.ceil(document.body.getBoundingClientRect().height),
    back: getComputedStyle(document.body).backgroundColor,
    violations: window.violations,
  }));
  return { axe: findings, ...layout, requests: seen.requests, problems: seen.problems, size: seen.sizes.at(-1) };
}
