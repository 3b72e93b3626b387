// The host of the page: JSON-RPC by postMessage, as the MCP Apps specification describes it.

const PROTOCOL = "2026-01-26";
const NOTIFICATION = "ui/notifications/";
const CALL_MILLISECONDS = 90_000; // webvoice_jobs waits at most 45 seconds

export class Host {
  #lastId = 0;
  #waiting = new Map();
  #on;

  /**
   * @param on functions by the name of a notification, such as "tool-result"
   */
  constructor(on) {
    this.#on = on;
    this.capabilities = {};
    this.context = {};
  }

  /** Introduce the page to the host, and begin to receive what the host sends. */
  async connect(name) {
    addEventListener("message", (event) => {
      if (event.source === window.parent && event.data?.jsonrpc === "2.0") this.#receive(event.data);
    });
    const found = await this.request("ui/initialize", {
      appInfo: { name, version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      protocolVersion: PROTOCOL,
    });
    this.capabilities = found.hostCapabilities ?? {};
    this.#adapt(found.hostContext ?? {});
    this.#notify("initialized");
    this.#reportSize();
  }

  /** Send a request and return the result. */
  request(method, params) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("The chat program did not answer."));
      }, CALL_MILLISECONDS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#send({ id, method, params });
    });
  }

  /** Call a tool of the server. The result may be a failure. */
  callTool(name, args) {
    return this.request("tools/call", { name, arguments: args });
  }

  /** True if the host lets the page write into the chat as the user. */
  get takesMessages() {
    return Boolean(this.capabilities.message);
  }

  /** Write into the chat as the user. */
  async sendMessage(text) {
    const result = await this.request("ui/message", { role: "user", content: [{ type: "text", text }] });
    if (result?.isError) throw new Error("The chat program refused the message.");
  }

  #send(message) {
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #notify(name, params = {}) {
    this.#send({ method: NOTIFICATION + name, params });
  }

  #receive(message) {
    if (message.method === undefined) this.#settle(message);
    else if (message.id !== undefined) this.#answer(message);
    else if (message.method.startsWith(NOTIFICATION)) {
      const name = message.method.slice(NOTIFICATION.length);
      if (name === "host-context-changed") this.#adapt(message.params ?? {});
      this.#on[name]?.(message.params ?? {});
    }
  }

  #settle({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new Error(error.message || "The chat program refused."));
    else waiting.resolve(result);
  }

  #answer({ id, method }) {
    if (method === "ui/resource-teardown") this.#on.teardown?.();
    if (method === "ping" || method === "ui/resource-teardown") this.#send({ id, result: {} });
    else this.#send({ id, error: { code: -32601, message: `The page has no method ${method}` } });
  }

  /** Look like the host: its theme and colours if it names them, else what the system prefers. */
  #adapt(changed) {
    this.context = { ...this.context, ...changed };
    const root = document.documentElement;
    const { theme, displayMode, styles } = this.context;
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    root.dataset.mode = displayMode ?? "inline";
    for (const [name, value] of Object.entries(styles?.variables ?? {})) {
      if (/^--[a-z0-9-]+$/.test(name) && typeof value === "string") root.style.setProperty(name, value);
    }
  }

  /** Tell the host the page's size, now and whenever it changes. */
  #reportSize() {
    const root = document.documentElement;
    let last = "";
    const report = () => {
      const box = document.body.getBoundingClientRect();
      const measured = { width: Math.ceil(root.scrollWidth), height: Math.ceil(box.height) };
      if (last !== (last = JSON.stringify(measured))) this.#notify("size-changed", measured);
    };
    new ResizeObserver(report).observe(document.body);
    report();
  }
}
